"""How far judges agree beyond chance."""

from collections.abc import Sequence

import numpy as np

from lmms_eval_ja.metrics._standard_error import FloatArray


def krippendorff_alpha(ratings: Sequence[Sequence[float]] | FloatArray) -> float:
    """Krippendorff's alpha for ratings on an interval scale: 1 is agreement, 0 what chance gives, below 0 is worse.

    The squared difference of two ratings is their disagreement. Units with fewer than two ratings say nothing and are
    left out. K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C.

    Args:
        ratings: Shape (judges, units); NaN where a judge gave no rating.

    Returns:
        NaN when no unit has two ratings, or when all ratings are the same: nothing is then left to agree on.

    Raises:
        ValueError: `ratings` is no table of two dimensions, or holds an infinite value.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:  # noqa: PLR2004 (judges and units)
        raise ValueError(f"ratings: expected the shape (judges, units), got {table.shape}")
    if np.isinf(table).any():
        raise ValueError("ratings: a value is infinite; NaN stands for a missing rating")
    given = ~np.isnan(table)
    counts = given.sum(axis=0)
    pairable = counts > 1
    table, given, counts = table[:, pairable], given[:, pairable], counts[pairable]
    values = table[given]
    if not values.size or np.ptp(values) == 0:
        return float("nan")
    middle = values.mean()  # the differences stay the same, and small numbers lose no digits
    within = _squared_differences(np.where(given, table - middle, 0.0), counts)
    observed = (within / (counts - 1)).sum() / values.size
    between = _squared_differences((values - middle)[:, None], np.array([values.size]))
    expected = between.sum() / (values.size * (values.size - 1))
    return float(1 - max(0.0, observed / expected))


def _squared_differences(values: FloatArray, counts: FloatArray) -> FloatArray:
    """Of each column, the sum of (a - b)² over all ordered pairs; missing values are 0 and not counted."""
    squares: FloatArray = 2 * (counts * (values**2).sum(axis=0) - values.sum(axis=0) ** 2)
    return squares
