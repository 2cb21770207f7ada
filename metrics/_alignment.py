"""The alignment score of AlignMMBench (arXiv 2406.09295): how little scores depend on how a question is put."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lmms_eval_ja.metrics._resampling import LOG, bootstrap_t, check_options, resampled
from lmms_eval_ja.metrics._standard_error import FloatArray, cluster_codes

#: The four dispersions of a cluster of k scores: variance or standard deviation, with divisor k or k − 1. The paper's
#: own could not be verified.
DISPERSIONS = ("std_ddof0", "var_ddof0", "std_ddof1", "var_ddof1")
#: The standard deviation is in points of the scale, so that one cluster with a right and a wrong half does not outweigh
#: ten others, as its square does; with divisor k it is the one whose largest value, half the scale, is known. The
#: published scores, 1.12 to 1.54 on a scale of 1 to 10, say nothing against it.
DEFAULT_DISPERSION = "std_ddof0"


@dataclass(frozen=True)
class Dispersion:
    """The mean dispersion within clusters, and its inverse, each with an interval.

    Attributes:
        mean: None without a cluster of two.
        mean_low: Low end of the interval of the mean; None where there is none (fewer than two groups, no dispersion).
        mean_high: High end.
        alignment: 1 / mean; None without a cluster of two, and where the mean is 0.
        alignment_low: Low end, 1 / mean_high.
        alignment_high: High end, 1 / mean_low.
        is_infinite: Whether the mean is 0, so that the alignment has no finite value.
    """

    mean: float | None
    mean_low: float | None = None
    mean_high: float | None = None
    alignment: float | None = None
    alignment_low: float | None = None
    alignment_high: float | None = None
    is_infinite: bool = False


@dataclass(frozen=True)
class Alignment:
    """How scores vary within clusters of questions that mean the same.

    Attributes:
        n_clusters: Clusters of at least two scores; dispersions are of these.
        n_singletons: Clusters of one score, which say nothing of dispersion.
        n_empty: Clusters without a score.
        mean_score: Over all scores, those of singletons too; None without any.
        dispersions: By the names of `DISPERSIONS`.
        default: The name of the one that `alignment` and its interval are of.
        consistency: 1 − mean standard deviation (divisor k) / half the scale: 1 where nothing varies, 0 where half of
            each cluster stands at either end. None where the scale is not given.
        why_none: Why there is no alignment score, or None.
    """

    n_clusters: int
    n_singletons: int
    n_empty: int
    mean_score: float | None
    dispersions: Mapping[str, Dispersion]
    default: str
    consistency: float | None
    why_none: str | None

    @property
    def alignment(self) -> float | None:
        """The alignment score by the default dispersion."""
        return self.dispersions[self.default].alignment

    @property
    def is_infinite(self) -> bool:
        """Whether no cluster has any dispersion."""
        return self.dispersions[self.default].is_infinite


def alignment_score(
    clusters: Sequence[Sequence[float]],
    *,
    dispersion: str = DEFAULT_DISPERSION,
    scale: tuple[float, float] | None = None,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 1999,
    seed: int = 0,
) -> Alignment:
    """Inverse of the mean dispersion of scores within clusters of equivalent questions; higher is more consistent.

    Clusters of one score are left out and counted. Where no cluster has any dispersion the alignment score is infinite:
    None, with `is_infinite`. Intervals are by a bootstrap of clusters (bootstrap-t of the logarithm), which for the
    inverse are the inverted ends.

    Args:
        clusters: The scores of each cluster, missing ones left out.
        dispersion: The one of `DISPERSIONS` that the result's `alignment` is of; all four are computed.
        scale: Lowest and highest possible score, for `consistency`.
        groups: What clusters share, such as their image, one for each cluster: these are then resampled.
        confidence: Of the intervals, between 0 and 1.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        ValueError: A score is not finite or off the scale, lengths differ, or an option is out of range.
    """
    check_options(confidence, resamples)
    if dispersion not in DISPERSIONS:
        raise ValueError(f"unknown dispersion {dispersion!r}; expected one of {', '.join(DISPERSIONS)}")
    if groups is not None and len(groups) != len(clusters):
        raise ValueError(f"{len(clusters)} clusters but {len(groups)} groups")
    scores = [_checked(at, members, scale) for at, members in enumerate(clusters)]
    used = [at for at, members in enumerate(scores) if len(members) > 1]
    sizes = [len(members) for members in scores]
    everything = np.concatenate([*scores, np.empty(0)])
    shared = None if groups is None else [groups[at] for at in used]
    tables = _dispersions([scores[at] for at in used])
    found = {name: _dispersion(values, shared, confidence, resamples, seed) for name, values in tables.items()}
    within = found["std_ddof0"].mean
    return Alignment(
        n_clusters=len(used),
        n_singletons=sizes.count(1),
        n_empty=sizes.count(0),
        mean_score=float(everything.mean()) if len(everything) else None,
        dispersions=found,
        default=dispersion,
        consistency=None if scale is None or within is None else 1 - within / ((scale[1] - scale[0]) / 2),
        why_none=_why_none(found[dispersion]),
    )


def _why_none(chosen: Dispersion) -> str | None:
    if chosen.mean is None:
        return "no cluster has two scores"
    return "no cluster has any dispersion: the alignment score is infinite" if chosen.is_infinite else None


def _checked(at: int, members: Sequence[float], scale: tuple[float, float] | None) -> FloatArray:
    values = np.asarray(members, dtype=np.float64).reshape(-1)
    if not np.isfinite(values).all():
        raise ValueError(f"clusters[{at}] holds a score that is not finite; leave missing scores out")
    if scale is not None and len(values) and not (scale[0] <= values.min() and values.max() <= scale[1]):
        raise ValueError(f"clusters[{at}] holds a score off the scale of {scale[0]:g} to {scale[1]:g}")
    return values


def _dispersions(used: Sequence[FloatArray]) -> dict[str, FloatArray]:
    """Each dispersion of every cluster, shape (C,)."""
    sizes = np.array([len(members) for members in used], dtype=np.intp)
    owner = np.repeat(np.arange(len(used)), sizes)
    # From each cluster's first score, so that equal scores have a dispersion of exactly 0.
    values = np.concatenate([*(members - members[0] for members in used), np.empty(0)])
    means = np.bincount(owner, values, len(used)) / np.maximum(1, sizes)
    squares = np.bincount(owner, (values - means[owner]) ** 2, len(used))
    by_name = {f"var_ddof{ddof}": squares / (sizes - ddof) for ddof in (0, 1)}
    by_name |= {f"std_ddof{ddof}": np.sqrt(by_name[f"var_ddof{ddof}"]) for ddof in (0, 1)}
    return {name: by_name[name] for name in DISPERSIONS}


def _dispersion(
    values: FloatArray, groups: Sequence[Hashable] | None, confidence: float, resamples: int, seed: int
) -> Dispersion:
    if not len(values):
        return Dispersion(None)
    mean = float(values.mean())
    if mean <= 0:
        return Dispersion(0.0, is_infinite=True)
    codes = np.arange(len(values)) if groups is None else cluster_codes(groups)
    n_groups = int(codes.max()) + 1
    sums = np.stack([np.bincount(codes, values, n_groups), np.bincount(codes, minlength=n_groups)], axis=1)
    sums = sums[np.lexsort(sums.T)]
    totals = resampled([1] * n_groups, resamples, seed) @ sums
    interval = bootstrap_t(mean, totals[:, 0] / totals[:, 1], n_groups, LOG, confidence=confidence)
    low, high = interval.low, interval.high
    return Dispersion(mean, low, high, 1 / mean, _inverse(high), _inverse(low))


def _inverse(value: float | None) -> float | None:
    return 1 / value if value else None
