"""Short-answer benchmarks as tasks of lmms-eval's own: ROUGE-L and the 1-to-5 judge of arXiv 2410.22736's Table 8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset

from lmms_eval_ja.exporting.upstream_judge import Doc, Judge, Verdict, judged_item, sample_of
from lmms_eval_ja.jp_tasks.ja_vg_vqa_500.task import all_questions, first_questions
from lmms_eval_ja.jp_tasks.ja_vlm_bench_in_the_wild.task import process_docs
from lmms_eval_ja.judges.protocols.vqa import VqaLikert
from lmms_eval_ja.metrics._normalize import nfkc
from lmms_eval_ja.metrics._rouge_l import rouge_l_tokens
from lmms_eval_ja.metrics._tokenize import words

_JUDGE = Judge(VqaLikert())


def process_docs_for_judge(dataset: Dataset) -> Dataset:
    """`process_docs`, with a warning where the judge cannot be asked."""
    _JUDGE.warn_early()
    return process_docs(dataset)


def all_questions_for_judge(dataset: Dataset) -> Dataset:
    """`all_questions`, with a warning where the judge cannot be asked."""
    _JUDGE.warn_early()
    return all_questions(dataset)


def first_questions_for_judge(dataset: Dataset) -> Dataset:
    """`first_questions`, with a warning where the judge cannot be asked."""
    _JUDGE.warn_early()
    return first_questions(dataset)


def rouge_l(reference: str, prediction: str) -> float:
    """ROUGE-L of the words of two Japanese texts, 0 to 100; 0 where one has none, as rouge-score has it."""
    return rouge_l_tokens(words(nfkc(reference)), words(nfkc(prediction)))


def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
    """`rouge_l_ja`, 0 to 100, and `judge_mean`, 1 to 5."""
    sample = sample_of(doc, results[0])
    verdict = _JUDGE.verdict(sample)
    overlap = verdict if verdict.failure == "generation" else Verdict(rouge_l(sample.reference, sample.answer))
    return {
        "rouge_l_ja": judged_item(sample, overlap),
        "judge_mean": judged_item(sample, verdict),
        "judge": {"replies": verdict.replies, "failure": verdict.failure, "reason": verdict.reason},
    }
