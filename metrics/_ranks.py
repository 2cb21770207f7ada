"""Ranks of models, and how sure they are."""

import numpy as np
import numpy.typing as npt

from lmms_eval_ja.metrics._standard_error import FloatArray, IntArray


def ranks(values: FloatArray) -> IntArray:
    """1 + the number of higher values: equal values share a rank.

    Args:
        values: Shape (M,), finite.

    Returns:
        Shape (M,), 1 to M.
    """
    ordered = np.sort(values)
    return np.asarray(1 + len(values) - np.searchsorted(ordered, values, side="right"), dtype=np.intp)


def rank_intervals(
    models: int, first: IntArray, second: IntArray, difference: FloatArray, significant: npt.NDArray[np.bool_]
) -> tuple[IntArray, IntArray]:
    """The ranks that the differences do not exclude.

    From 1 + the number of models that are significantly better to M − the number of those that are significantly worse.
    Where the chance of any false finding among all pairs is at most 5 %, all intervals together hold all true ranks in
    95 % of cases (Mogstad, Romano, Shaikh and Wilhelm, "Inference for Ranks", Review of Economic Studies 2024).

    Args:
        models: M.
        first: One model of each pair, shape (P,).
        second: The other.
        difference: Score of the first less score of the second; higher is better.
        significant: Whether the difference is, after correction for all pairs.

    Returns:
        Best and worst rank, each of shape (M,).
    """
    up, down = significant & (difference > 0), significant & (difference < 0)
    losers = np.concatenate([second[up], first[down]])
    winners = np.concatenate([first[up], second[down]])
    low = 1 + np.bincount(losers, minlength=models)
    high = models - np.bincount(winners, minlength=models)
    return low.astype(np.intp), high.astype(np.intp)
