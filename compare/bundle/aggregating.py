"""A task's scores made again from what stands in its samples: value, runs, and each document's influence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from lmms_eval_ja.compare.bundle.mismatch import Mismatch, equal
from lmms_eval_ja.compare.bundle.rereading import Scores
from lmms_eval_ja.compare.bundle.scored import Scored
from lmms_eval_ja.judges import LEAST_COVERAGE, PASSING_FAILURES, PROMPT_CLUSTER
from lmms_eval_ja.judges.alignment import influences_within
from lmms_eval_ja.judges.verdict import NO_PICTURE
from lmms_eval_ja.metrics import clustered_standard_error

#: Names of aggregations: those that are ratios, that take categories apart, that are of questions in several wordings.
_RATIOS = {"ratio_of_means_ja", "category_ratios_ja", "category_means_ja"}
BY_CATEGORY = {"category_ratios_ja", "category_means_ja"}
WITHIN_CLUSTERS = {"alignment_ja", "dispersion_ja"}
KNOWN = _RATIOS | WITHIN_CLUSTERS | {"mean_ja", "percent_ja", "reference_mean_ja"}
#: The reference of a mean over categories, whose scores are percentages; a right answer of a judged share.
_PERCENT = 100.0


@dataclass(frozen=True)
class Item:
    """What a document gives to a metric: the scores of each run, or why there are none; and what is recorded of it."""

    doc_id: int
    category: str
    runs: Sequence[Scores]
    failure: str | None
    recorded: Mapping[str, Any]


class Again:
    """A metric of a model's task, made again from its items.

    The value is the mean over runs: of `mean_ja` 1/n Σ m, of `percent_ja` 100/n Σ m, of `ratio_of_means_ja`
    100 Σm/Σr, of `category_ratios_ja` the unweighted mean of that over categories, of `category_means_ja` that of
    means; `alignment_ja` and `dispersion_ja` are those of `judges.alignment`. A document's influence is what it adds in
    first order; their mean is the value, and their clustered standard error that of the value.
    """

    def __init__(self, scored: Scored, metric: str, items: Sequence[Item]) -> None:
        self.scored, self.metric, self.items = scored, metric, items
        self.recorded = scored.facts["scores"][metric]
        self.usable = [item for item in items if item.failure is None]
        n_runs = max((len(item.runs) for item in self.usable), default=1)
        self.how = scored.aggregations[metric]
        self.by_run = [_influences(self.how, self.usable, run) for run in range(n_runs)]

    def mismatches(self) -> Iterator[Mismatch]:
        """What differs between the metric as recorded and as it comes out of its items."""
        counts = {"n": len(self.items), "scored": len(self.usable)}
        for name, now in counts.items():
            if self.recorded[name] != now:
                yield self._differs(name, self.recorded[name], now)
        whole = _is_whole(self.items, self.usable)
        values = [fmean(run) if run else math.nan for run in self.by_run]
        value = fmean(values) if whole else math.nan
        printed = self.scored.printed.get(f"{self.metric},none")
        for name, before in (("value", self.recorded["value"]), ("printed value", printed)):
            if not equal(before, value):
                yield self._differs(name, before, value)
        if whole:
            runs = self.recorded["runs"]
            if len(runs) != len(values) or not all(map(equal, runs, values)):
                yield self._differs("values of the runs", runs, values)
            yield from self._spread()

    def _spread(self) -> Iterator[Mismatch]:
        """Influences, and the standard error that follows from them."""
        influences = [fmean(own) for own in zip(*self.by_run, strict=True)]
        for item, influence in zip(self.usable, influences, strict=True):
            if not equal(item.recorded.get("influence"), influence):
                yield self._differs("influence", item.recorded.get("influence"), influence, item.doc_id)
        clusters = [str(item.recorded["cluster"]) for item in self.usable]
        # Where one picture has all the questions in several wordings, there is no error, however many stand alone.
        stated = self.how not in WITHIN_CLUSTERS or self.recorded["standard_error"] is not None
        if len(set(clusters)) > 1 and stated:
            error = clustered_standard_error(influences, clusters)
            if not equal(self.recorded["standard_error"], error):
                yield self._differs("standard error", self.recorded["standard_error"], error)

    def _differs(self, what: str, before: Any, now: Any, doc_id: int | None = None) -> Mismatch:
        scored = self.scored
        return Mismatch(scored.file, f"{self.metric}, {what}", before, now, scored.model, scored.task, doc_id)


def _is_whole(items: Sequence[Item], usable: Sequence[Item]) -> bool:
    """Whether there is a headline: enough of the documents with a picture have a score, and none can still get one."""
    there = sum(item.failure != NO_PICTURE for item in items)
    if there == 0 or any(item.failure in PASSING_FAILURES for item in items):
        return False
    return len(usable) / there >= LEAST_COVERAGE


def _influences(how: str, items: Sequence[Item], run: int) -> list[float]:
    """What each document adds; the plain mean is the value. NaN for all where a reference's mean is 0."""
    own = [item.runs[min(run, len(item.runs) - 1)] for item in items]
    if how in WITHIN_CLUSTERS:
        names = [item.recorded.get(PROMPT_CLUSTER, item.doc_id) for item in items]
        scores = [_number(model) for model, _ in own]
        return [float(added) for added in influences_within(scores, names, inverse=how == "alignment_ja")]
    if how not in _RATIOS:
        column = 1 if how == "reference_mean_ja" else 0
        unit = _PERCENT if how == "percent_ja" else 1.0
        return [unit * _number(scores[column]) for scores in own]
    if how == "category_means_ja":
        own = [(model, _PERCENT) for model, _ in own]
    categories = [item.category if how in BY_CATEGORY else "" for item in items]
    sums: dict[str, tuple[int, float, float]] = {}
    for category in dict.fromkeys(categories):
        pairs = [scores for scores, theirs in zip(own, categories, strict=True) if theirs == category]
        sums[category] = (
            len(pairs),
            fmean(_number(model) for model, _ in pairs),
            fmean(_number(reference) for _, reference in pairs),
        )
    if any(reference == 0 for _, _, reference in sums.values()):
        return [math.nan] * len(items)
    middle = fmean(model / reference for _, model, reference in sums.values())
    found = []
    for (model, reference), category in zip(own, categories, strict=True):
        n_c, model_c, reference_c = sums[category]
        weight = len(items) / (len(sums) * n_c)
        residual = _number(model) - model_c / reference_c * _number(reference)
        found.append(100 * (middle + weight * residual / reference_c))
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
