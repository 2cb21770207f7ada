"""Spearman's correlation with an interval."""

import math

import numpy as np

from lmms_eval_ja.metrics._standard_error import FloatArray

_FEWEST = 3


def spearman_interval(
    x: FloatArray, y: FloatArray, *, confidence: float = 0.95, resamples: int = 999, seed: int = 0
) -> tuple[float, float, float]:
    """Spearman's ρ of two lists of scores of the same things, with a percentile bootstrap over the things.

    Resamples in which one of the lists has no order are left out.

    Args:
        x: Shape (n,), finite.
        y: Shape (n,), finite.
        confidence: Of the interval, between 0 and 1.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        ρ and the ends of its interval; all NaN for fewer than 3 things, or where a list has no order.
    """
    n = len(x)
    if n < _FEWEST:
        return math.nan, math.nan, math.nan
    drawn = np.random.default_rng(seed).integers(0, n, (resamples, n))
    rows = np.concatenate([np.arange(n)[None, :], drawn])
    rho = _pearson(_mean_ranks(x[rows]), _mean_ranks(y[rows]))
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
