"""Which metrics of a judged task are plain means of a protocol's scores of the answers, and of which scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lmms_eval_ja.compare.found import TaskFile
from lmms_eval_ja.judge_scores import cluster_of
from lmms_eval_ja.judges.protocols import PROTOCOLS
from lmms_eval_ja.trusted import Scale

_MEANS = frozenset({"judge_mean", "model_mean"})
_SAME = 1e-6
#: Aggregations that are means of a judge's scores, with what the metric counts a score for.
_UNITS = {"mean_ja": 1.0, "percent_ja": 100.0}


@dataclass(frozen=True)
class JudgedMean:
    """A metric that is the mean of a protocol's scores.

    Attributes:
        facts: what the results say of the metric.
        scores: by doc_id of the documents that the metric is over, on the judge's scale; NaN where the judge failed.
        clusters: by doc_id.
        unit: what the metric counts a score for: 100 where it is a percentage of a scale of 0 to 1.
    """

    model: str
    task: str
    metric: str
    protocol: str
    judge: str
    facts: Mapping[str, Any] = field(repr=False)
    scores: Mapping[str, float] = field(repr=False)
    clusters: Mapping[str, str] = field(repr=False)
    unit: float = 1.0

    @property
    def scale(self) -> Scale | None:
        """Of the scores; None for a protocol that is not known here."""
        known = PROTOCOLS.get(self.protocol)
        return (known.low, known.high) if known else None


def judged_means(model: str, file: TaskFile, documents: Sequence[Mapping[str, Any]]) -> list[JudgedMean]:
    """The metrics that are means: by the aggregation that the results state, else by what each document adds to them.

    Args:
        model: its id.
        file: of the task.
        documents: the rows of the samples file.
    """
    found = []
    for metric, facts in file.facts["scores"].items():
        rows = [row for row in documents if isinstance(row.get(metric), Mapping)]
        for entry in file.facts["fingerprint"]["judging"]:
            unit = _UNITS.get(facts.get("aggregation", ""), 1.0)
            scores = {str(row["doc_id"]): _score(row, entry["protocol"], metric, unit) for row in rows}
            if _is_stated(facts, entry["protocol"]) if "aggregation" in facts else _is_mean(metric, rows, scores):
                clusters = {str(row["doc_id"]): cluster_of(row) or str(row["doc_id"]) for row in rows}
                said = entry["protocol"], entry["judge"]
                found.append(JudgedMean(model, file.task, metric, *said, facts, scores, clusters, unit))
                break
    return found


def _is_stated(facts: Mapping[str, Any], protocol: str) -> bool:
    return facts["aggregation"] in _UNITS and facts.get("protocol") == protocol


def _is_mean(metric: str, rows: Sequence[Mapping[str, Any]], scores: Mapping[str, float]) -> bool:
    added = {str(row["doc_id"]): row[metric].get("influence") for row in rows}
    pairs = [(value, scores[doc_id]) for doc_id, value in added.items() if value is not None and math.isfinite(value)]
    if not pairs:  # there is no headline, hence no influence
        return metric in _MEANS and not all(map(math.isnan, scores.values()))
    return all(abs(value - score) <= _SAME * max(1.0, abs(score)) for value, score in pairs)


def _score(row: Mapping[str, Any], protocol: str, metric: str, unit: float) -> float:
    """Of an answer that nobody was asked about (it could not be read) what it adds to the metric."""
    verdict = row.get(f"verdict_{protocol}")
    if verdict is None and row[metric].get("influence") is not None:
        return float(row[metric]["influence"]) / unit
    score = (verdict or {}).get("score")
    return math.nan if score is None else float(score)
