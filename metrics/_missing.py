"""Lists of scores some of which are missing."""

import math
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from lmms_eval_ja.metrics._standard_error import FloatArray

#: None or NaN is a missing score.
Scores = Sequence[float | None] | FloatArray


def with_gaps(name: str, scores: Scores, low: float = -math.inf, high: float = math.inf) -> FloatArray:
    """The scores as an array of shape (n,), NaN where one is missing.

    Args:
        name: Of the list, for the message.
        scores: Shape (n,).
        low: The lowest possible score.
        high: The highest.

    Raises:
        ValueError: A score is infinite or off the scale.
    """
    array = np.array([math.nan if score is None else float(score) for score in scores], dtype=np.float64)
    off = np.flatnonzero(np.isinf(array) | (array < low) | (array > high))
    if len(off):
        scale = "a number" if math.isinf(low) else f"{low:g} to {high:g}"
        raise ValueError(f"{name}[{off[0]}] is {array[off[0]]:g}; expected {scale}, None where it is missing")
    return array


def same_length(name: str, n: int, others: dict[str, Sequence[object] | FloatArray | None]) -> None:
    """Raise ValueError if one of the other lists has not n members; None stands for no list."""
    for other, values in others.items():
        if values is not None and len(values) != n:
            raise ValueError(f"{n} {name} but {len(values)} {other}")


def chosen(values: Sequence[Hashable] | None, which: npt.NDArray[np.bool_]) -> list[Hashable] | None:
    """Those members of a list that are marked; None stays None."""
    if values is None:
        return None
    marks: Iterable[bool] = which.tolist()
    return [value for value, is_chosen in zip(values, marks, strict=True) if is_chosen]
