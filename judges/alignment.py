"""How scores vary over questions that mean the same: aggregations over items that carry `prompt_cluster`."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lmms_eval_ja.judges.protocols import PROTOCOLS
from lmms_eval_ja.judges.scores import CLUSTER, PROMPT_CLUSTER, MetricItem, Score, aggregate, nothing
from lmms_eval_ja.metrics import Alignment, Dispersion, Estimate, alignment_score, clustered_standard_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Ends = tuple[float | None, float | None, float | None]


def alignment_ja(items: Sequence[MetricItem]) -> Score:
    """The alignment score of AlignMMBench (arXiv 2406.09295): 1 / mean dispersion within clusters; higher is better.

    The dispersion is the standard deviation with divisor k, of which `metrics.alignment_score` says why; all four are
    in the score's facts. NaN, with a reason, where no cluster has two scores or none has any dispersion.
    """
    return _aggregated(items, lambda found: (found.alignment, found.alignment_low, found.alignment_high), inverse=True)


def dispersion_ja(items: Sequence[MetricItem]) -> Score:
    """The mean standard deviation (divisor k) within clusters, in points of the judge's scale; lower is better."""
    return _aggregated(items, lambda found: (found.mean, found.mean_low, found.mean_high), inverse=False)


def influences_within(scores: Sequence[float], clusters: Sequence[Hashable], *, inverse: bool) -> NDArray[np.float64]:
    """What each score adds to the mean dispersion (standard deviation, divisor k) within clusters, or to its inverse.

    For n scores and C clusters of at least two, of which one of k has dispersion d and the mean is D, a score of that
    cluster adds D + n/(C·k)·(d − D), and to the inverse 1/D − n/(C·k)·(d − D)/D² (delta method); one that stands alone
    adds D, or 1/D. Their plain mean is D, or 1/D.

    Args:
        scores: Shape (n,).
        clusters: Of each score, shape (n,).
        inverse: Whether 1/D is meant.

    Returns:
        Shape (n,); NaN where there is no cluster of two, or the inverse of 0 is asked for.
    """
    members: dict[Hashable, list[int]] = {}
    for at, name in enumerate(clusters):
        members.setdefault(name, []).append(at)
    used = [places for places in members.values() if len(places) > 1]
    each = np.array([_spread([scores[at] for at in places]) for places in used])
    mean = float(each.mean()) if used else math.nan
    if math.isnan(mean) or (inverse and mean == 0):
        return np.full(len(scores), math.nan)
    added = np.full(len(scores), 1 / mean if inverse else mean)
    for places, own in zip(used, each, strict=True):
        moved = len(scores) / (len(used) * len(places)) * (own - mean)
        added[places] += -moved / mean**2 if inverse else moved
    return added


def _aggregated(items: Sequence[MetricItem], ends: Callable[[Dispersion], _Ends], *, inverse: bool) -> Score:
    """Over the runs of a judge the mean, as everywhere: a judge's own unsteadiness is then part of each.

    A mean of its scores taken first would vary less, and the more runs the less.
    """
    runs: list[Alignment] = []

    def estimator(scored: Sequence[MetricItem], run: int) -> Estimate:
        clusters = list(_clustered(scored).values())
        members = [[item.scores(run)[0] for item in cluster] for cluster in clusters]
        groups = [str(cluster[0][CLUSTER]) for cluster in clusters]
        found = alignment_score(members, scale=_scale(scored), groups=groups)
        runs.append(found)
        names = [name for item in scored for name in _clustered([item])]
        influence = influences_within([item.scores(run)[0] for item in scored], names, inverse=inverse)
        n_groups = len({str(cluster[0][CLUSTER]) for cluster in clusters if len(cluster) > 1})
        return _estimate(scored, ends(found.dispersions[found.default]), influence, n_groups)

    score = aggregate(items, estimator)
    if not runs:
        return score
    undefined = next((found.why_none for found in runs if found.why_none), None) if math.isnan(score) else None
    n_empty = len(_clustered(items)) - runs[0].n_clusters - runs[0].n_singletons
    facts = {"within_clusters": _over_runs(runs) | {"n_empty": n_empty}}
    return Score(score.estimate, replace(score.report, undefined=undefined, facts=facts))


def _clustered(items: Sequence[MetricItem]) -> dict[tuple[bool, str], list[MetricItem]]:
    """The items of each prompt cluster; one that names none is a cluster of its own."""
    found: dict[tuple[bool, str], list[MetricItem]] = {}
    for item in items:
        name = item.get(PROMPT_CLUSTER)
        key = (True, str(name)) if name is not None else (False, item.sample_id)
        found.setdefault(key, []).append(item)
    return found


def _estimate(scored: Sequence[MetricItem], ends: _Ends, influence: NDArray[np.float64], n_groups: int) -> Estimate:
    value, low, high = ends
    if value is None:
        return nothing(len(scored))
    names = [str(item[CLUSTER]) for item in scored]
    return Estimate(
        value=value,
        standard_error=clustered_standard_error(influence, names) if n_groups > 1 else math.nan,
        ci_low=math.nan if low is None else low,
        ci_high=math.nan if high is None else high,
        influence=influence,
        n=len(scored),
        n_clusters=n_groups,
        method="none" if low is None else "bootstrap-t",
    )


def _spread(scores: Sequence[float]) -> float:
    """The standard deviation (divisor k); exactly 0 where all are equal, which a mean that is rounded is not."""
    return float(np.std([score - scores[0] for score in scores]))


def _scale(scored: Sequence[MetricItem]) -> tuple[float, float] | None:
    """The scale of the protocol that judged, in the metric's unit; None where there is none."""
    verdict = scored[0].verdict
    judged_by = PROTOCOLS.get(str(verdict.get("protocol"))) if verdict is not None else None
    return None if judged_by is None else (judged_by.low * scored[0].unit, judged_by.high * scored[0].unit)


def _over_runs(runs: Sequence[Alignment]) -> dict[str, Any]:
    """What was found, as JSON; numbers are means over the runs, and None where a run has none."""
    dispersions = {
        name: _means([asdict(found.dispersions[name]) for found in runs])
        | {"is_infinite": any(found.dispersions[name].is_infinite for found in runs)}
        for name in runs[0].dispersions
    }
    beside = _means([{"mean_score": found.mean_score, "consistency": found.consistency} for found in runs])
    return {
        "default": runs[0].default,
        "n_clusters": runs[0].n_clusters,
        "n_singletons": runs[0].n_singletons,
        "dispersions": dispersions,
    } | beside


def _means(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {
        name: None if any(value is None for value in values) else math.fsum(values) / len(values)
        for name, values in columns.items()
    }
