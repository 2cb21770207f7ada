"""From verdicts to a score: the items that go through lmms-eval, and the aggregations that read them."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import stdev
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from lmms_eval_ja.judges.verdict import NO_PICTURE, PASSING_FAILURES, Failure, Verdict
from lmms_eval_ja.metrics import (
    Estimate,
    clustered_standard_error,
    mean,
    mean_of_ratios,
    ratio_of_means,
    wilson_interval,
)

if TYPE_CHECKING:
    from typing_extensions import Self

#: Below this share of samples with a score, a task has no headline.
LEAST_COVERAGE = 0.95
INFLUENCE, CLUSTER, CATEGORY = "influence", "cluster", "category"
#: Key of an item, and column of a document, that names the questions that mean the same.
PROMPT_CLUSTER = "prompt_cluster"
#: Of the items that have a score, and the number of a run.
Estimator = Callable[[Sequence["MetricItem"], int], Estimate]


class MetricItem(dict[str, Any]):
    """What one document gives to one metric.

    As a dict it is what lmms-eval sees and writes: `influence` (set by the aggregation, so that the harness prints
    the standard error of this very metric; absent where there is no score), `cluster`, and the document's `category`
    where it has one. What the aggregation needs besides are attributes. Every metric gets an item of its own; they
    share the verdict.
    """

    sample_id: str
    answer: str
    category: str
    verdict: Verdict | None
    value: float | None
    failure: Failure | None
    #: By which the metric counts the verdict's scores: 100 for a percentage of a scale of 0 to 1.
    unit: float = 1.0

    def __init__(
        self,
        *,
        sample_id: str,
        answer: str,
        cluster: str = "",
        category: str = "",
        verdict: Verdict | None = None,
        value: float | None = None,
        failure: Failure | None = None,
    ) -> None:
        super().__init__({CLUSTER: cluster or sample_id} | ({CATEGORY: category} if category else {}))
        self.sample_id, self.answer, self.category = sample_id, answer, category
        self.verdict, self.value, self.failure = verdict, value, failure

    def failed(self) -> Failure | None:
        """The failure of this item, or None; waits for the verdict."""
        if self.verdict is None:
            return self.failure
        self.verdict.wait()
        return self.verdict["failure"]  # type: ignore[no-any-return]

    def scores(self, run: int) -> tuple[float, float]:
        """(answer's score, reference's score) of a run; the second is NaN where the protocol gives none."""
        if self.verdict is None:
            return (math.nan if self.value is None else self.value), math.nan
        content = self.verdict["runs"][min(run, len(self.verdict["runs"]) - 1)]
        reference = content["reference_score"]
        return content["score"] * self.unit, math.nan if reference is None else reference * self.unit


@dataclass(frozen=True)
class Report:
    """What stands beside a score. Shares are 0 to 1.

    `undefined` says why there is no value although enough samples have a score; `facts` go into the results.
    """

    n: int
    scored: int
    failures: Mapping[str, int]
    runs: tuple[float, ...]
    items: Sequence[MetricItem] = field(repr=False, default=())
    undefined: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def coverage(self) -> float:
        """The share of samples that have a score."""
        return self.scored / self.n if self.n else 0.0

    @property
    def run_sd(self) -> float:
        """The standard deviation between runs (n - 1), in the score's unit; NaN for fewer than two."""
        return stdev(self.runs) if len(self.runs) > 1 else math.nan

    @property
    def incomplete(self) -> bool:
        """Whether running again can add scores (a judge that was down, a generation that failed)."""
        return any(kind in PASSING_FAILURES for kind in self.failures)

    @property
    def why_none(self) -> str | None:
        """Why there is no headline, or None. Documents without a picture are missing, and in nobody's way."""
        there = self.n - self.failures.get(NO_PICTURE, 0)
        if there == 0:
            return "no samples" if self.n == 0 else f"no sample of {self.n} has its picture"
        if not self.incomplete and self.scored / there >= LEAST_COVERAGE:
            return None
        named = ", ".join(f"{count} {kind}" for kind, count in sorted(self.failures.items()))
        return f"{self.scored} of {self.n} samples have a score; failures: {named}"


class Score(float):
    """The number that lmms-eval prints, with its estimate and report attached for whoever knows of them."""

    estimate: Estimate
    report: Report

    def __new__(cls, estimate: Estimate, report: Report) -> Self:
        """A score of an estimate's value."""
        self = super().__new__(cls, estimate.value)
        self.estimate, self.report = estimate, report
        return self

    def __reduce__(self) -> tuple[type[Score], tuple[Estimate, Report]]:
        return type(self), (self.estimate, self.report)


def mean_ja(items: Sequence[MetricItem | float]) -> Score:
    """Mean of the items' scores. Plain numbers are taken too; NaN among them is a failure, not a number."""
    return aggregate(_as_items(items), _mean)


def percent_ja(items: Sequence[MetricItem]) -> Score:
    """As `mean_ja`, for items whose `unit` makes percentages: the mean is not that of the judge's own scores."""
    return aggregate(items, _mean)


def ratio_of_means_ja(items: Sequence[MetricItem]) -> Score:
    """100 x mean score of the answers / mean score of the references."""
    return aggregate(items, _ratio)


def category_ratios_ja(items: Sequence[MetricItem]) -> Score:
    """The unweighted mean over categories of `ratio_of_means_ja` (Heron-Bench's overall)."""
    return aggregate(items, _mean_of_ratios)


def category_means_ja(items: Sequence[MetricItem]) -> Score:
    """The unweighted mean over categories of `mean_ja`, on any scale."""
    return aggregate(items, _mean_of_means)


def reference_mean_ja(items: Sequence[MetricItem]) -> Score:
    """Mean score of the references, which a ratio hides."""
    return aggregate(items, lambda scored, run: mean([i.scores(run)[1] for i in scored], _clusters(scored)))


AGGREGATIONS: dict[str, Callable[[Sequence[Any]], Score]] = {
    f.__name__: f
    for f in (mean_ja, percent_ja, ratio_of_means_ja, category_ratios_ja, category_means_ja, reference_mean_ja)
}


def _mean(items: Sequence[MetricItem], run: int) -> Estimate:
    return mean_or_share([item.scores(run)[0] for item in items], _clusters(items))


def mean_or_share(values: Sequence[float], clusters: Sequence[str]) -> Estimate:
    """`metrics.mean`; for answers that are right or wrong (0 or 100) with Wilson's interval where that holds.

    It does where no two documents have a cluster in common. Where all answers are alike, the bootstrap knows no spread,
    and Wilson's interval is that of as many documents as there are clusters.
    """
    n, n_clusters = len(values), len(set(clusters))
    if not values or not set(values) <= {0.0, 100.0} or (n_clusters < n and len(set(values)) > 1):
        return mean(values, clusters)
    hits = values.count(100.0) * n_clusters // n
    low, high = wilson_interval(hits, n_clusters)
    return Estimate(
        value=math.fsum(values) / n,
        standard_error=clustered_standard_error(values, clusters) if n_clusters > 1 else math.nan,
        ci_low=100 * low,
        ci_high=100 * high,
        influence=np.asarray(values, dtype=np.float64),
        n=n,
        n_clusters=n_clusters,
        method="Wilson",
    )


def _ratio(items: Sequence[MetricItem], run: int) -> Estimate:
    pairs = [item.scores(run) for item in items]
    return ratio_of_means([p[0] for p in pairs], [p[1] for p in pairs], _clusters(items))


def _mean_of_ratios(items: Sequence[MetricItem], run: int) -> Estimate:
    pairs = [item.scores(run) for item in items]
    categories = [item.category for item in items]
    return mean_of_ratios([p[0] for p in pairs], [p[1] for p in pairs], categories, _clusters(items))


def _mean_of_means(items: Sequence[MetricItem], run: int) -> Estimate:
    values = [item.scores(run)[0] for item in items]
    return mean_of_ratios(values, [100.0] * len(values), [item.category for item in items], _clusters(items))


def _clusters(items: Sequence[MetricItem]) -> list[str]:
    return [str(item[CLUSTER]) for item in items]


def aggregate(items: Sequence[MetricItem], estimator: Estimator) -> Score:
    """Estimate over the items that have a score; NaN if too few have one, and say why.

    Sorted by sample id first, so that neither concurrency nor the number of ranks moves a digit.

    Args:
        items: of one metric; those with a score are given their influence.
        estimator: gives the estimate of a run, its influences in the order of the items that it is given.
    """
    ordered = sorted(items, key=lambda item: natural_key(item.sample_id))
    _wait(ordered)
    failed = {id(item): kind for item in ordered if (kind := item.failed()) is not None}
    scored = [item for item in ordered if id(item) not in failed]
    failures: dict[str, int] = dict(Counter(failed.values()))
    n_runs = max((len(i.verdict["runs"]) for i in scored if i.verdict is not None), default=1)
    report = Report(len(ordered), len(scored), failures, (), ordered)
    if report.why_none:
        estimate = nothing(len(scored))
    else:
        runs = [estimator(scored, run) for run in range(n_runs)]
        estimate = _over_runs(runs, _clusters(scored))
        report = replace(report, runs=tuple(e.value for e in runs))
    for item, influence in zip(scored, estimate.influence, strict=True):
        item[INFLUENCE] = float(influence)
    return Score(estimate, report)


def _wait(items: Sequence[MetricItem]) -> None:
    """Wait for all verdicts; metrics of one task share them, so only the first has anything to show."""
    pending = list({id(item.verdict): item.verdict for item in items if item.verdict is not None}.values())
    pending = [verdict for verdict in pending if not verdict.done]
    failures, usd = 0, 0.0
    with tqdm(total=len(pending), desc="judging", unit="verdict", disable=not pending) as bar:
        while pending:
            pending[0].wait(0.5)
            done = [verdict for verdict in pending if verdict.done]
            pending = [verdict for verdict in pending if not verdict.done]
            failures += sum(verdict["failure"] is not None for verdict in done)
            usd += sum(verdict.paid.usd or 0.0 for verdict in done)
            bar.set_postfix({"failures": failures} | ({"cost": f"${usd:.2f}"} if usd else {}), refresh=False)
            bar.update(len(done))
            if pending:
                time.sleep(0.05)  # thousands that come in one by one are not to be gone through each time


def _over_runs(runs: list[Estimate], clusters: list[str]) -> Estimate:
    """Mean of the runs, which share documents: its influences are the means of theirs, and give its error.

    The ends of the interval are the means of the runs' ends.
    """
    if len(runs) == 1:
        return runs[0]
    if any(math.isnan(e.value) for e in runs):
        return nothing(len(runs[0].influence))
    influence = np.mean([e.influence for e in runs], axis=0)
    return replace(
        runs[0],
        value=float(np.mean([e.value for e in runs])),
        standard_error=clustered_standard_error(influence, clusters) if runs[0].n_clusters > 1 else math.nan,
        ci_low=float(np.mean([e.ci_low for e in runs])),
        ci_high=float(np.mean([e.ci_high for e in runs])),
        influence=influence,
    )


def nothing(n: int) -> Estimate:
    """No value, of n documents that have a score."""
    return Estimate(
        value=math.nan,
        standard_error=math.nan,
        ci_low=math.nan,
        ci_high=math.nan,
        influence=np.full(n, math.nan),
        n=n,
        n_clusters=0,
        method="none",
    )


def _as_items(items: Iterable[MetricItem | float]) -> list[MetricItem]:
    return [
        item
        if isinstance(item, MetricItem)
        else MetricItem(
            sample_id=str(n),
            answer="",
            value=None if math.isnan(item) else float(item),
            failure="generation" if math.isnan(item) else None,
        )
        for n, item in enumerate(items)
    ]


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key that puts q2 before q10."""
    return tuple(
        (0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part) for part in re.split(r"(\d+)", text)
    )
