"""How far a judge can be believed: its scores beside trusted ones of the same answers."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lmms_eval_ja.metrics._division_agreement import FUZZY_BINS, STRICT_BINS, Bins, divided
from lmms_eval_ja.metrics._missing import Scores, chosen, same_length, with_gaps
from lmms_eval_ja.metrics._resampling import (
    FISHER_Z,
    IDENTITY,
    LOG,
    LOGIT,
    Interval,
    Scale,
    bootstrap_t,
    check_options,
    resampled,
    share_at_an_end,
)
from lmms_eval_ja.metrics._standard_error import FloatArray
from lmms_eval_ja.metrics._weighted_pairs import EQUAL, Pairs

#: Fewer pairs say nothing: every correlation of two is 1 or −1.
FEWEST_PAIRS = 3
#: The statistics in the order in which they are shown, and the scale of their intervals.
_SCALES: Mapping[str, Scale] = {
    "pearson": FISHER_Z,
    "spearman": FISHER_Z,
    "kendall_tau_b": FISHER_Z,
    "quadratic_kappa": FISHER_Z,
    "mae": LOG,
    "rmse": LOG,
    "bias": IDENTITY,
    "exact": LOGIT,
    "within_one": LOGIT,
    "strict_division": LOGIT,
    "fuzzy_division": LOGIT,
}
STATISTICS = tuple(_SCALES)
_CORRELATIONS = frozenset({"pearson", "spearman", "kendall_tau_b"})


@dataclass(frozen=True)
class Statistic:
    """A statistic of agreement; None, with the reason, where it is not defined.

    Attributes:
        value: None if `why_none` says why.
        ci_low: Low end of its interval, None if `why_no_interval` says why.
        ci_high: High end.
        standard_error: By the bootstrap, None where it says nothing.
        method: How the interval was made, "none" without one.
        why_none: Why there is no value.
        why_no_interval: Why there is a value and no interval.
    """

    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    standard_error: float | None = None
    method: str = "none"
    why_none: str | None = None
    why_no_interval: str | None = None


@dataclass(frozen=True)
class Agreement:
    """How far a judge's scores agree with trusted ones.

    Attributes:
        n: Pairs in which both have a score; all statistics are of these.
        n_clusters: Clusters among them.
        without_trusted: Pairs left out, since there is no trusted score.
        without_judged: Pairs left out, since the judge failed although there is a trusted score.
        statistics: By the names of `STATISTICS`.
        pearson_fisher: Fisher's interval of Pearson's correlation, as papers give it: as if the n pairs were
            independent. None where it does not exist (n < 4, |r| = 1).
        categories: The same for each category, if categories were given.
    """

    n: int
    n_clusters: int
    without_trusted: int
    without_judged: int
    statistics: Mapping[str, Statistic]
    pearson_fisher: tuple[float, float] | None = None
    categories: Mapping[str, "Agreement"] = field(default_factory=dict)


@dataclass(frozen=True)
class _Options:
    strict_bins: Bins | None
    fuzzy_bins: Bins | None
    same_scale: bool
    confidence: float
    resamples: int
    seed: int


def agreement(
    trusted: Scores,
    judged: Scores,
    *,
    clusters: Sequence[Hashable] | None = None,
    categories: Sequence[str] | None = None,
    strict_bins: Bins | None = STRICT_BINS,
    fuzzy_bins: Bins | None = FUZZY_BINS,
    same_scale: bool = True,
    confidence: float = 0.95,
    resamples: int = 1999,
    seed: int = 0,
) -> Agreement:
    """Correlations, errors and shares of agreement of two lists of scores of the same answers, with intervals.

    Pearson's, Spearman's and Kendall's τ-b; kappa with quadratic weights (of the scores themselves, so that it is Lin's
    concordance with divisor n); mean absolute and root mean square error; bias (judged less trusted); the shares of
    equal scores, of those at most 1 apart, and of those in the same bin of a division. Missing scores are left out and
    counted. A statistic that is not defined is None, with the reason: fewer than 3 pairs, a judge that gives everything
    the same score, scales that differ.

    Args:
        trusted: Scores of people or of a trusted judge, shape (n,); None or NaN is missing.
        judged: Scores of the judge under test, shape (n,); None or NaN is missing.
        clusters: What the answers share, such as their image, shape (n,). None: every answer for itself.
        categories: Of each answer, shape (n,). None: no statistics by category.
        strict_bins: The integers of each bin, for `strict_division`. None: the scale has no bins.
        fuzzy_bins: The same for `fuzzy_division`.
        same_scale: False: the two scales differ, so that only correlations mean something.
        confidence: Of the intervals, between 0 and 1.
        resamples: Of the bootstrap.
        seed: Of the bootstrap; equal input gives equal intervals, in whatever order the answers come.

    Raises:
        ValueError: Lengths differ, a score is infinite or in no bin, or an option is out of range.
    """
    check_options(confidence, resamples)
    options = _Options(strict_bins, fuzzy_bins, same_scale, confidence, resamples, seed)
    own, other = with_gaps("trusted", trusted), with_gaps("judged", judged)
    same_length("trusted scores", len(own), {"judged": other, "clusters": clusters, "categories": categories})
    found = _agreement(own, other, clusters, options)
    if categories is None:
        return found
    by_category = {}
    for category in sorted(set(categories)):
        mine = np.array([one == category for one in categories], dtype=bool)
        by_category[category] = _agreement(own[mine], other[mine], chosen(clusters, mine), options)
    return replace(found, categories=by_category)


def _agreement(own: FloatArray, other: FloatArray, clusters: Sequence[Hashable] | None, options: _Options) -> Agreement:
    has_own, has_other = ~np.isnan(own), ~np.isnan(other)
    both = has_own & has_other
    taken = chosen(clusters, both)
    first, second = own[both], other[both]
    counts = (int((~has_own).sum()), int((has_own & ~has_other).sum()))
    n = len(first)
    if n < FEWEST_PAIRS:
        n_clusters = n if taken is None else len(set(taken))
        why = f"{n} answers have both scores; {FEWEST_PAIRS} are needed"
        return Agreement(n, n_clusters, *counts, {name: Statistic(None, why_none=why) for name in STATISTICS})
    pairs = Pairs(first, second, taken, _bins(first, second, options))
    whole = pairs.statistics(pairs.sizes[None].astype(np.float64))
    values = pairs.statistics(resampled(pairs.sizes, options.resamples, options.seed))
    undefined = _undefined(first, second, options)
    statistics = {
        name: Statistic(None, why_none=undefined[name])
        if name in undefined
        else _statistic(name, float(whole[name][0]), values[name], pairs.n_clusters, options.confidence)
        for name in STATISTICS
    }
    fisher = _fisher(statistics["pearson"].value, n, options.confidence)
    return Agreement(n, pairs.n_clusters, *counts, statistics, fisher)


def _statistic(name: str, value: float, values: FloatArray, clusters: int, confidence: float) -> Statistic:
    scale = _SCALES[name]
    interval: Interval
    if scale is LOGIT and value in {0.0, 1.0} and clusters > 1:
        interval = share_at_an_end(value, clusters, confidence)
    else:
        interval = bootstrap_t(value, values, clusters, scale, confidence=confidence)
    return Statistic(
        value,
        interval.low,
        interval.high,
        interval.standard_error,
        interval.method,
        why_no_interval=interval.why_none,
    )


def _bins(first: FloatArray, second: FloatArray, options: _Options) -> dict[str, tuple[FloatArray, FloatArray]]:
    wanted = {"strict_division": options.strict_bins, "fuzzy_division": options.fuzzy_bins}
    return {
        name: (divided("trusted", first, bins), divided("judged", second, bins))
        for name, bins in wanted.items()
        if bins is not None and options.same_scale
    }


def _undefined(first: FloatArray, second: FloatArray, options: _Options) -> dict[str, str]:
    """The statistics that do not exist, each with the reason."""
    why: dict[str, str] = {}
    for values, sentence in ((first, "all trusted scores are {:g}"), (second, "the judge scores every answer {:g}")):
        if np.ptp(values) < EQUAL:
            why |= dict.fromkeys([*_CORRELATIONS, "quadratic_kappa"], sentence.format(values[0]))
    for name, bins in (("strict_division", options.strict_bins), ("fuzzy_division", options.fuzzy_bins)):
        if bins is None:
            why[name] = "the scale has no bins"
    if not options.same_scale:
        why = dict.fromkeys(STATISTICS, "the two scales differ") | why
        why = {name: reason for name, reason in why.items() if name not in _CORRELATIONS or "scales" not in reason}
    return why


def _fisher(value: float | None, n: int, confidence: float) -> tuple[float, float] | None:
    """Fisher's interval: tanh(atanh(r) ± z / √(n − 3))."""
    if value is None or n <= FEWEST_PAIRS or abs(value) >= 1 - 1e-12:
        return None
    from scipy.special import ndtri

    half = float(ndtri((1 + confidence) / 2)) / math.sqrt(n - 3)
    return math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half)
