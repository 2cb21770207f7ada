"""The share of positives, corrected for a judge that errs (W. J. Rogan and B. Gladen, Am. J. Epidemiol. 107, 1978)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lmms_eval_ja.metrics._missing import same_length
from lmms_eval_ja.metrics._prediction_powered import FEWEST_LABELS, Clusters
from lmms_eval_ja.metrics._standard_error import FloatArray
from lmms_eval_ja.metrics._two_samples import TwoSamples


@dataclass(frozen=True)
class CorrectedShare:
    """A share, corrected by labels; NaN, with the reason, where the labels show no judge better than chance.

    Attributes:
        value: 0 to 1.
        standard_error: Of it, by the delta method.
        ci_low: Low end of its interval, not below 0.
        ci_high: High end, not above 1.
        judged_share: The judge's share of positives, over all documents.
        sensitivity: The share of positives among documents whose label is positive.
        specificity: The share of negatives among documents whose label is negative.
        n: Documents with a label.
        n_others: Documents without one.
        why_none: Why there is no value, or None.
    """

    value: float
    standard_error: float
    ci_low: float
    ci_high: float
    judged_share: float
    sensitivity: float
    specificity: float
    n: int
    n_others: int
    why_none: str | None = None


def rogan_gladen(judged_share: float, sensitivity: float, specificity: float) -> float | None:
    """(p + specificity − 1) / (sensitivity + specificity − 1), cut to 0 to 1.

    Args:
        judged_share: p, the judge's share of positives, 0 to 1.
        sensitivity: The probability that the judge calls a positive one positive.
        specificity: The probability that it calls a negative one negative.

    Returns:
        None where sensitivity + specificity is 1 or less: such a judge tells nothing.

    Raises:
        ValueError: A number is not within 0 to 1.
    """
    for name, value in (("judged_share", judged_share), ("sensitivity", sensitivity), ("specificity", specificity)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} {value}; expected 0 to 1")
    better = sensitivity + specificity - 1
    return None if better <= 0 else min(1.0, max(0.0, (judged_share + specificity - 1) / better))


def corrected_share(
    labels: Sequence[bool],
    judged: Sequence[bool],
    judged_others: Sequence[bool],
    *,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
) -> CorrectedShare:
    """Rogan and Gladen's share, with sensitivity and specificity from the documents that have a label.

    Args:
        labels: Whether a document is positive, shape (n,), n of at least 3.
        judged: Whether the judge says so, shape (n,).
        judged_others: What it says of the N documents without a label.
        clusters: What documents share: of the labelled ones, shape (n,), and the others, (N,).
        confidence: Of the interval, between 0 and 1: Student's t, with two rates fitted to the labels.

    Raises:
        ValueError: Fewer than 3 labels, lengths differ, or an option is out of range.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence}; expected a number between 0 and 1, such as 0.95")
    h, f, others = (np.asarray(one, dtype=bool).astype(np.float64) for one in (labels, judged, judged_others))
    if len(h) < FEWEST_LABELS:
        raise ValueError(f"{len(h)} labels; {FEWEST_LABELS} are needed")
    same_length("labels", len(h), {"judged": f, "clusters of labelled documents": clusters and clusters[0]})
    same_length("judged_others", len(others), {"clusters of them": clusters and clusters[1]})
    everything = np.concatenate([f, others])
    share, positives = float(everything.mean()), float(h.sum())
    nan = math.nan
    nothing = CorrectedShare(nan, nan, nan, nan, share, nan, nan, len(h), len(others))
    if positives in {0.0, float(len(h))}:
        why = "all labels are equal: the labels show " + ("no positive" if positives == 0 else "no negative")
        return replace(nothing, why_none=why)
    sensitivity = float((h * f).sum() / positives)
    specificity = float(((1 - h) * (1 - f)).sum() / (len(h) - positives))
    value = rogan_gladen(share, sensitivity, specificity)
    if value is None:
        why = f"sensitivity {sensitivity:.2f} + specificity {specificity:.2f} is not above 1: no better than chance"
        return replace(nothing, sensitivity=sensitivity, specificity=specificity, why_none=why)
    samples = TwoSamples.of(len(h), len(others), clusters)
    influence = _influence(h, everything, share, sensitivity, specificity)
    error, low, high = samples.interval(value, influence, confidence, fitted=2)
    ends = [end if math.isnan(end) else min(1.0, max(0.0, end)) for end in (low, high)]
    return replace(
        nothing,
        value=value,
        standard_error=error,
        ci_low=ends[0],
        ci_high=ends[1],
        sensitivity=sensitivity,
        specificity=specificity,
    )


def _influence(
    h: FloatArray, everything: FloatArray, share: float, sensitivity: float, specificity: float
) -> FloatArray:
    """What each document adds to the error: dθ = (dp − θ·dSe + (1 − θ)·dSp) / (Se + Sp − 1)."""
    better = sensitivity + specificity - 1
    value = (share + specificity - 1) / better
    f, positives = everything[: len(h)], h.sum()
    added = (everything - share) / len(everything)
    added[: len(h)] -= value * h * (f - sensitivity) / positives
    added[: len(h)] += (1 - value) * (1 - h) * (1 - f - specificity) / (len(h) - positives)
    return np.asarray(added / better)
