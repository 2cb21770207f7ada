"""Spearman's correlation with an interval."""

import math

import numpy as np

from lmms_eval_ja.metrics._standard_error import FloatArray

_FEWEST = 3


def resampled_ranks(values: FloatArray, *, resamples: int = 999, seed: int = 0) -> FloatArray:
    """Ranks of n things by their scores, in the sample and in resamples of the things; ties get their mean rank.

    Args:
        values: Shape (n,), finite.
        resamples: B.
        seed: Of the resamples; they are the same for every list of n scores.

    Returns:
        Shape (B + 1, n); the first row is of the sample.
    """
    n = len(values)
    drawn = np.random.default_rng(seed).integers(0, n, (resamples, n))
    return _mean_ranks(values[np.concatenate([np.arange(n)[None, :], drawn])])


def spearman_interval(x: FloatArray, y: FloatArray, *, confidence: float = 0.95) -> tuple[float, float, float]:
    """Spearman's ρ of two lists of scores of the same things, with a percentile bootstrap over the things.

    Resamples in which one of the lists has no order are left out.

    Args:
        x: `resampled_ranks` of the one list.
        y: Those of the other, with the same seed.
        confidence: Of the interval, between 0 and 1.

    Returns:
        ρ and the ends of its interval; all NaN for fewer than 3 things, or where a list has no order.
    """
    rho = _pearson(x, y) if x.shape[1] >= _FEWEST else np.full(1, math.nan)
    if math.isnan(rho[0]):
        return math.nan, math.nan, math.nan
    known = rho[1:][np.isfinite(rho[1:])]
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2]) if len(known) else (math.nan, math.nan)
    return float(rho[0]), float(low), float(high)


def _mean_ranks(values: FloatArray) -> FloatArray:
    """Ranks along the last axis, ties getting their mean rank."""
    below = (values[:, :, None] > values[:, None, :]).sum(axis=2)
    same = (values[:, :, None] == values[:, None, :]).sum(axis=2)
    return np.asarray(below + (same + 1) / 2)


def _pearson(x: FloatArray, y: FloatArray) -> FloatArray:
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    squares = (x**2).sum(axis=1) * (y**2).sum(axis=1)
    found = np.full(len(x), np.nan)
    np.divide((x * y).sum(axis=1), np.sqrt(squares), out=found, where=squares > 0)
    return found
