"""What the samples of a task say besides its scores: answers that could not be read, missing pictures, categories."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from lmms_eval_ja.judges.scores import CLUSTER, MetricItem, Score, mean_or_share, natural_key
from lmms_eval_ja.judges.verdict import NO_PICTURE
from lmms_eval_ja.metrics import Estimate

#: Key of a metric's item that says why an answer could not be read; absent where it could.
UNREAD = "unread"
#: Key of a metric's item that says which rubric it was judged by; absent where none was.
RUBRIC = "rubric"
#: How many ids are listed.
_LISTED = 10


def unreadable_answers(items: Iterable[MetricItem]) -> dict[str, Any]:
    """Answers that could not be read, by reason: their number and first ids. They are no judge's failures."""
    found: dict[str, dict[str, None]] = {}
    for item in items:
        if UNREAD in item:
            found.setdefault(str(item[UNREAD]), {})[item.sample_id] = None
    return {
        reason: {"count": len(ids), "samples": sorted(ids, key=natural_key)[:_LISTED]}
        for reason, ids in sorted(found.items())
    }


def missing_pictures(items: Iterable[MetricItem]) -> dict[str, Any] | None:
    """Documents that were left out for want of a picture; None where there is none.

    `sha256` is that of all their ids: two runs that lack different pictures ran different benchmarks.
    """
    ids = sorted({item.sample_id for item in items if item.failure == NO_PICTURE}, key=natural_key)
    if not ids:
        return None
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    return {"count": len(ids), "sha256": digest, "samples": ids[:_LISTED]}


def rubrics_judged_by(items: Iterable[MetricItem]) -> dict[str, Any] | None:
    """The rubrics that documents were judged by, as `facts_of_rubrics` has them; None where there are none."""
    found = {item.sample_id: str(item[RUBRIC]) for item in items if RUBRIC in item}
    return facts_of_rubrics(found) if found else None


def facts_of_rubrics(labels: Mapping[str, str]) -> dict[str, Any]:
    """What results say of rubrics, by the label that each document's id has.

    `sha256` is that of all documents' ids with their rubrics' texts: with another text a score means something else,
    with another name it does not.
    `documents` counts those of each rubric, for the most frequent ones.
    """
    lines = [f"{id_}\t{texts_of(labels[id_])}" for id_ in sorted(labels, key=natural_key)]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return {"sha256": digest, "documents": dict(Counter(labels.values()).most_common(_LISTED))}


def texts_of(label: str) -> str:
    """The part of a rubric's label that its texts give, without its name."""
    return label.rpartition(":")[2]


def by_category(score: Score) -> dict[str, dict[str, Any]]:
    """A mean's value in each category of the documents, with its 95 % interval; empty where there are no categories.

    The interval is that of `mean_or_share`.
    """
    groups: dict[str, list[MetricItem]] = {}
    for item in score.report.items:
        if item.category:
            groups.setdefault(item.category, []).append(item)
    return {category: _category(items) for category, items in sorted(groups.items())}


def _category(items: list[MetricItem]) -> dict[str, Any]:
    scored = [item for item in items if item.failed() is None]
    clusters = [str(item[CLUSTER]) for item in scored]
    facts: dict[str, Any] = {"n": len(items), "scored": len(scored), "clusters": len(set(clusters))}
    if not scored:
        return facts | {"value": None, "ci_low": None, "ci_high": None, "interval": "none"}
    return facts | _of_estimate(mean_or_share([_value(item) for item in scored], clusters))


def _value(item: MetricItem) -> float:
    """Over the runs of a judge, where there are several."""
    if item.verdict is None:
        return item.scores(0)[0]
    runs = range(len(item.verdict["runs"]))
    return math.fsum(item.scores(run)[0] for run in runs) / len(runs)


def _of_estimate(estimate: Estimate) -> dict[str, Any]:
    numbers = {"value": estimate.value, "ci_low": estimate.ci_low, "ci_high": estimate.ci_high}
    return {k: None if math.isnan(v) else v for k, v in numbers.items()} | {"interval": estimate.method}
