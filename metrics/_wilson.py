"""Wilson's score interval of a share."""

import math
from statistics import NormalDist


def wilson_interval(hits: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a share of independent documents (Wilson 1927), sound for few documents and for shares of 0 and 1.

    (p + z²/2n ± z·sqrt(p(1 − p)/n + z²/4n²)) / (1 + z²/n), z the normal quantile.

    Args:
        hits: Documents that count, 0 to n.
        n: Documents.
        confidence: Of the interval, between 0 and 1.

    Returns:
        Low and high end, 0 to 1.

    Raises:
        ValueError: No documents, hits outside 0 to n, or a confidence out of range.
    """
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"{hits} of {n} documents; expected at least one document, and 0 to n of them")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence}; expected a number between 0 and 1, such as 0.95")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = hits / n, z * z / n
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return (low if hits else 0.0), (high if hits < n else 1.0)  # exactly so, whatever the rounding
