"""Division agreement of AlignMMBench (arXiv 2406.09295): whether two scores fall into the same band of the scale.

The paper names a strict and a fuzzy variant but not their bands. These are built from the bands of the released critic
prompt (1, 2, 3, 4-5, 6, 7-8, 9-10), which are for a scale of 1 to 10.
"""

from collections.abc import Sequence

import numpy as np

from lmms_eval_ja.metrics._standard_error import FloatArray

Bins = Sequence[Sequence[int]]
STRICT_BINS: Bins = ((1,), (2,), (3,), (4, 5), (6,), (7, 8), (9, 10))
FUZZY_BINS: Bins = ((1, 2, 3), (4, 5, 6), (7, 8), (9, 10))


def divided(name: str, scores: FloatArray, bins: Bins) -> FloatArray:
    """The number of the bin of each score; a mean of raters counts as the nearest integer, halves as the upper one.

    Args:
        name: of the list, for the message.
        scores: shape (n,).
        bins: the integers of each bin.

    Returns:
        Shape (n,).

    Raises:
        ValueError: an integer stands in two bins, or a score in none.
    """
    number: dict[int, int] = {}
    for at, members in enumerate(bins):
        for member in members:
            if number.setdefault(member, at) != at:
                raise ValueError(f"bins: {member} stands in two of them")
    whole = np.floor(scores + 0.5)
    found = np.full(len(scores), np.nan)
    for member, at in number.items():
        found[whole == member] = at
    missing = np.flatnonzero(np.isnan(found))
    if len(missing):
        where = missing[0]
        raise ValueError(f"{name}[{where}]: {scores[where]:g} is in no bin; name bins for its scale, or none")
    return found
