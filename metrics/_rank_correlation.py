"""Rank correlations of two lists of scores of the same things."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmms_eval_ja.metrics._standard_error import FloatArray


@dataclass(frozen=True)
class RankCorrelation:
    """How far two lists put the same things into the same order, −1 to 1; NaN where one list has no order.

    Attributes:
        spearman: Pearson's correlation of the ranks, ties getting their mean rank.
        kendall: τ-b, (C − D) / √((C + D + T_x)(C + D + T_y)): concordant and discordant pairs, and pairs that are tied
            in x alone and in y alone (Kendall 1945).
    """

    spearman: float
    kendall: float


def spearman(x: Sequence[float] | FloatArray, y: Sequence[float] | FloatArray) -> float:
    """Spearman's ρ alone, also of very many scores.

    Args:
        x: Scores by one judge, shape (n,).
        y: Scores of the same things by another, shape (n,).

    Returns:
        −1 to 1; NaN if n < 2 or all values of a list are equal.

    Raises:
        ValueError: The lengths differ, or a value is not finite.
    """
    first, second = _checked(x, y)
    if not len(first) or np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    from scipy import stats

    return float(stats.spearmanr(first, second).statistic)


def rank_correlation(x: Sequence[float] | FloatArray, y: Sequence[float] | FloatArray) -> RankCorrelation:
    """Spearman's ρ and Kendall's τ-b.

    Args:
        x: Scores by one judge, shape (n,).
        y: Scores of the same things by another, shape (n,).

    Returns:
        Both; NaN if n < 2 or all values of a list are equal.

    Raises:
        ValueError: The lengths differ, or a value is not finite.
    """
    first, second = _checked(x, y)
    if not len(first) or np.ptp(first) == 0 or np.ptp(second) == 0:
        return RankCorrelation(math.nan, math.nan)
    from scipy import stats

    return RankCorrelation(
        float(stats.spearmanr(first, second).statistic),
        float(stats.kendalltau(first, second, variant="b").statistic),
    )


def _checked(x: Sequence[float] | FloatArray, y: Sequence[float] | FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both lists as arrays of one length, finite."""
    if len(x) != len(y):
        raise ValueError(f"{len(x)} values but {len(y)} to compare them with")
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a value is not finite; leave missing scores out")
    return first, second
