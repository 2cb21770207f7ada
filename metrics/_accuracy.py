"""Accuracy with its interval, with and without the answers that could not be read."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from lmms_eval_ja.metrics._wilson import wilson_interval


@dataclass(frozen=True)
class Share:
    """A share of documents with its interval, all in percent, NaN where there are no documents.

    Attributes:
        value: The share.
        ci_low: Low end of the interval.
        ci_high: High end of the interval.
        n: Documents.
        method: Of the interval: "Wilson", "t", "BCa bootstrap", "percentile bootstrap" or "none".
    """

    value: float
    ci_low: float
    ci_high: float
    n: int
    method: str


@dataclass(frozen=True)
class Accuracy:
    """How many answers are right.

    Attributes:
        overall: Of all documents; an answer that could not be read is not right.
        answered: Of the answers that could be read.
        failures: Answers that could not be read.
        failure_rate: Of all documents, in percent; NaN for no documents.
    """

    overall: Share
    answered: Share
    failures: int
    failure_rate: float


def accuracy(
    correct: Sequence[bool | None], clusters: Sequence[Hashable] | None = None, *, confidence: float = 0.95
) -> Accuracy:
    """Accuracy with and without failures.

    Intervals are Wilson's where documents are independent, else those of `mean` with clusters (bootstrap over clusters,
    t with fewer than 10). Where all documents agree, clusters have no spread; then Wilson's with as many documents as
    there are clusters.

    Args:
        correct: Whether each answer is right, None where it could not be read, shape (n,).
        clusters: What documents share, such as their image or the question of several rotations, shape (n,). None:
            every document for itself.
        confidence: Of the intervals, between 0 and 1.

    Returns:
        The shares, in percent.

    Raises:
        ValueError: Lengths differ, or the confidence is out of range.
    """
    if clusters is not None and len(clusters) != len(correct):
        raise ValueError(f"{len(correct)} documents but {len(clusters)} clusters")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence}; expected a number between 0 and 1, such as 0.95")
    read = [number for number, right in enumerate(correct) if right is not None]
    overall = _share([right is True for right in correct], clusters, confidence)
    answered = _share(
        [correct[number] is True for number in read],
        None if clusters is None else [clusters[number] for number in read],
        confidence,
    )
    failures = len(correct) - len(read)
    return Accuracy(overall, answered, failures, 100 * failures / len(correct) if correct else math.nan)


def _share(right: Sequence[bool], clusters: Sequence[Hashable] | None, confidence: float) -> Share:
    """The share of True with its interval."""
    n, hits = len(right), sum(right)
    if not n:
        return Share(math.nan, math.nan, math.nan, 0, "none")
    groups = n if clusters is None else len(set(clusters))
    if groups == n or hits in {0, n}:
        low, high = wilson_interval(hits if groups == n else groups * (hits == n), groups, confidence=confidence)
        return Share(100 * hits / n, 100 * low, 100 * high, n, "Wilson")
    from lmms_eval_ja.metrics._estimate import mean

    estimate = mean([100.0 * one for one in right], clusters, confidence=confidence)
    low, high = max(0.0, estimate.ci_low), min(100.0, estimate.ci_high)
    if math.isnan(estimate.ci_low):
        low = high = math.nan
    return Share(estimate.value, low, high, n, estimate.method)
