"""What a judge's scores do when the evidence is spoilt: bias-deviation and bias-conformity (arXiv 2604.18164)."""

import math
from collections.abc import Hashable, Sequence

import numpy as np

from lmms_eval_ja.metrics._estimate import Estimate, mean
from lmms_eval_ja.metrics._missing import Scores, chosen, same_length, with_gaps
from lmms_eval_ja.metrics._standard_error import FloatArray


def bias_deviation(
    original: Scores,
    perturbed: Scores,
    *,
    low: float = 1,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """How far scores fall when what they should rest on is taken away, as a share of how far they can: 0 to 1.

    E[max(0, y − y') / (y − low) | y > low]: 1 where every score falls to the lowest, 0 where none falls. A judge that
    looks at the image is near 1 when the image is replaced. The paper has a scale that begins at 1.

    Args:
        original: Scores y as usual, shape (n,); None or NaN is missing.
        perturbed: Scores y' of the same answers, for instance with another image, shape (n,).
        low: The lowest possible score.
        clusters: What the answers share, such as their image, shape (n,).
        confidence: Of the interval.

    Returns:
        The mean over the pairs in which both scores are there and the original is above the lowest; `n` is their
        number. NaN without such a pair.

    Raises:
        ValueError: Lengths differ, a score is infinite or below `low`.
    """
    first, second, kept = _pairs(original, perturbed, clusters, low, math.inf)
    can_fall = first > low
    first, second = first[can_fall], second[can_fall]
    return mean(np.maximum(0.0, first - second) / (first - low), chosen(kept, can_fall), confidence=confidence)


def bias_conformity(
    original: Scores,
    perturbed: Scores,
    *,
    low: float = 1,
    high: float,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """How far scores stay where they are when something is changed that should not matter: 0 to 1.

    E[1 − |y − y'| / max(y − low, high − y)]: 1 where no score moves, 0 where each goes to the farther end.

    Args:
        original: Scores y as usual, shape (n,); None or NaN is missing.
        perturbed: Scores y' of the same answers, for instance padded ones, shape (n,).
        low: The lowest possible score.
        high: The highest possible score.
        clusters: What the answers share, such as their image, shape (n,).
        confidence: Of the interval.

    Returns:
        The mean over the pairs in which both scores are there; NaN without one.

    Raises:
        ValueError: Lengths differ, a score is infinite or off the scale, or the scale has no width.
    """
    if not low < high:
        raise ValueError(f"a scale of {low:g} to {high:g} has no width")
    first, second, kept = _pairs(original, perturbed, clusters, low, high)
    farthest = np.maximum(first - low, high - first)
    return mean(1 - np.abs(first - second) / farthest, kept, confidence=confidence)


def _pairs(
    original: Scores, perturbed: Scores, clusters: Sequence[Hashable] | None, low: float, high: float
) -> tuple[FloatArray, FloatArray, list[Hashable] | None]:
    """The pairs in which both scores are there, and their clusters."""
    first, second = with_gaps("original", original, low, high), with_gaps("perturbed", perturbed, low, high)
    same_length("original scores", len(first), {"perturbed": second, "clusters": clusters})
    both = ~(np.isnan(first) | np.isnan(second))
    return first[both], second[both], chosen(clusters, both)
