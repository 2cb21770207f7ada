"""Standard errors of a mean, for independent and for clustered documents."""

import math
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def clustered_standard_error(influence: Sequence[float] | FloatArray, clusters: Sequence[Hashable]) -> float:
    """Standard error of the mean of values that come in clusters, such as the questions on one image.

    sqrt(s²/n + (1/n²) Σ_c Σ_{i≠j ∈ c} (x_i − x̄)(x_j − x̄)): equation 4 of arXiv 2411.00640, the formula of lmms-eval's
    `clustered_stderr`. With clusters of one document each it is s/√n. With a single cluster it says nothing: the cross
    terms cancel the variance.

    Args:
        influence: What each document adds to the mean, shape (n,).
        clusters: The cluster of each document, shape (n,).

    Returns:
        The error in the unit of `influence`; NaN if n < 2. The order of the documents does not change a bit of it.

    Raises:
        ValueError: The lengths differ.
    """
    values = np.asarray(influence, dtype=np.float64)
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values but {len(clusters)} clusters")
    n = len(values)
    if n < 2:  # noqa: PLR2004  one value has no spread
        return math.nan
    order = np.argsort(values, kind="stable")
    deviations = values[order] - math.fsum(values) / n
    sums = np.bincount(cluster_codes(clusters)[order], weights=deviations)
    squares = math.fsum(deviations**2)
    cross = math.fsum(sums**2) - squares
    return math.sqrt(max(0.0, squares / (n - 1) / n + cross / n**2))


def cluster_codes(clusters: Sequence[Hashable]) -> IntArray:
    """Number the clusters in the order in which they appear.

    Args:
        clusters: The cluster of each document, shape (n,).

    Returns:
        Integers 0 to G − 1, shape (n,).
    """
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], dtype=np.intp)
