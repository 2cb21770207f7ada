"""Heron-Bench as a task of lmms-eval's own: judged as its authors do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from datasets import Dataset

from lmms_eval_ja.clients.assets import AssetError
from lmms_eval_ja.exporting.upstream_answer import NO_ANSWER
from lmms_eval_ja.exporting.upstream_judge import Doc, Judge, judged_item, sample_of
from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.heron_bench_ja.task import process_docs
from lmms_eval_ja.judges.protocols.heron import CATEGORIES, HeronBench

#: Set to 1, the recorded answers that come with the benchmark are judged too, for the metrics `anchor_…`.
JUDGE_ANCHORS = "HERON_BENCH_ANCHORS"
_JUDGE = Judge(HeronBench())


def process_docs_and_rules(dataset: Dataset) -> Dataset:
    """`process_docs`, after judging rules and judge: a run that lacks them says so before it has cost anything.

    Raises:
        DatasetError: The rules cannot be had, the data is not the benchmark's, or a document's category has no rule.
    """
    try:
        _JUDGE.protocol.check()
    except AssetError as error:
        raise DatasetError(str(error)) from error
    docs = process_docs(dataset)
    for row, category in enumerate(docs["category"]):
        if category not in CATEGORIES:
            known = ", ".join(CATEGORIES)
            raise DatasetError(f"row {row}: the judge has no rule for category {category!r}, only for {known}")
    _JUDGE.warn_early()
    return docs


def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
    """`overall`, the raw means and the metrics of the document's two categories, of one verdict."""
    sample = sample_of(doc, results[0])
    verdict = _JUDGE.verdict(sample)
    names = ["overall", "model_mean", "reference_mean", sample.category, str(doc["image_category"])]
    items: dict[str, Any] = {name: judged_item(sample, verdict) for name in names}
    items["judge"] = {"replies": verdict.replies, "failure": verdict.failure, "reason": verdict.reason}
    if os.getenv(JUDGE_ANCHORS) == "1":
        for label, answer in doc["anchors"].items():
            recorded = sample_of(doc, NO_ANSWER if answer is None else answer)
            items[f"anchor_{label}"] = judged_item(recorded, _JUDGE.verdict(recorded))
    return items
