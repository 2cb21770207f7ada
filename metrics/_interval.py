"""Confidence intervals of a macro ratio: the bootstrap where there are clusters enough for it, else Student's t.

Imported when the first interval is asked for, since scipy.stats takes 1 s.
"""

import inspect
import math
import warnings
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import stdtrit

from lmms_eval_ja.metrics._macro_ratio import macro_ratio
from lmms_eval_ja.metrics._standard_error import FloatArray

_FEWEST_FOR_BOOTSTRAP = 10  # clusters; with fewer the resamples are too alike
_MOST_FOR_BCA = 5_000  # clusters; its jackknife costs the square of their number
_CELLS_AT_ONCE = 4_000_000  # numbers held for one batch of resamples: 32 MB

Interval = tuple[float, float, str]


def interval(
    sums: FloatArray, value: float, standard_error: float, *, confidence: float, resamples: int, seed: int
) -> Interval:
    """Interval of a macro ratio whose clusters were drawn at random.

    Args:
        sums: Sums per cluster, shape (G, 2C), as `macro_ratio` takes them.
        value: The macro ratio of all clusters.
        standard_error: Its error.
        confidence: Of the interval, between 0 and 1.
        resamples: Their number.
        seed: Of the random numbers; the same seed gives the same interval.

    Returns:
        Low end, high end, and the method: "BCa bootstrap" or "percentile bootstrap" with 10 clusters or more, "t"
        (value ± t_{G−1} · error) with fewer, "none" with NaN ends for a single cluster.
    """
    clusters = len(sums)
    if clusters < 2:  # noqa: PLR2004  one cluster has no spread
        return math.nan, math.nan, "none"
    if clusters < _FEWEST_FOR_BOOTSTRAP:
        half = float(stdtrit(clusters - 1, (1 + confidence) / 2)) * standard_error
        return value - half, value + half, "t"
    if standard_error <= 1e-12 * abs(value):  # rounding only: every resample gives the value
        return value, value, "percentile bootstrap"
    return _bootstrap(sums, confidence, resamples, seed)


def _bootstrap(sums: FloatArray, confidence: float, resamples: int, seed: int) -> Interval:
    """Resample clusters: BCa (bias-corrected and accelerated; Efron 1987) where it exists, else percentiles.

    BCa does not exist where all resamples are equal, nor where one of them holds no document of a category (0/0), and
    above 5,000 clusters it takes too long. Resamples without a value are left out of the percentiles.
    """
    method = "BCa" if len(sums) <= _MOST_FOR_BCA else "percentile"
    options: dict[str, Any] = {"n_resamples": resamples, "confidence_level": confidence, "method": method}
    # scipy 1.15 gave the argument for the random numbers another name.
    generator = "rng" if "rng" in inspect.signature(stats.bootstrap).parameters else "random_state"
    options[generator] = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # DegenerateDataWarning, too: handled below
        result = stats.bootstrap(
            tuple(sums.T),
            _resampled_ratio,
            paired=True,
            vectorized=True,
            axis=-1,
            batch=max(1, _CELLS_AT_ONCE // sums.size),
            **options,
        )
    values = result.bootstrap_distribution
    low, high = (float(end) for end in result.confidence_interval)
    if method == "BCa" and np.isfinite([low, high]).all() and np.isfinite(values).all():
        return low, high, "BCa bootstrap"
    usable = values[np.isfinite(values)]
    if not len(usable):
        return math.nan, math.nan, "none"
    low, high = (float(end) for end in np.quantile(usable, [(1 - confidence) / 2, (1 + confidence) / 2]))
    return low, high, "percentile bootstrap"


def _resampled_ratio(*columns: FloatArray, axis: int = -1) -> FloatArray:
    """Macro ratio of resampled columns, 2C arrays of shape (..., G), giving shape (...)."""
    return macro_ratio(np.stack([column.sum(axis=axis) for column in columns], axis=-1))
