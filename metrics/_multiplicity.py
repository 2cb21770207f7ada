"""Many tests at once."""

import numpy as np

from lmms_eval_ja.metrics._standard_error import FloatArray


def holm(p: FloatArray) -> FloatArray:
    """Adjust p values so that the chance of any false finding among all of them stays below the level (Holm 1979).

    The smallest of m is multiplied by m, the next by m − 1 and so on; none comes out smaller than the one before. It
    holds whatever the tests have to do with each other.

    Args:
        p: Shape (m,); NaN where there was no test, which then does not count.

    Returns:
        Shape (m,), at most 1; NaN where p is.
    """
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else steps
    return adjusted
