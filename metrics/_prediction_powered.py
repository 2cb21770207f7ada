"""Prediction-powered inference: the mean that people would give, from few labels and many scores of a judge.

PPI: arXiv 2301.09633; PPI++, which weighs the judge by what it is worth: arXiv 2311.01453.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lmms_eval_ja.metrics._missing import same_length
from lmms_eval_ja.metrics._standard_error import FloatArray
from lmms_eval_ja.metrics._two_samples import TwoSamples

#: With fewer there is no spread to speak of.
FEWEST_LABELS = 3
Method = Literal["ppi", "ppi++", "labels"]
METHODS: tuple[Method, ...] = ("ppi", "ppi++", "labels")
Clusters = tuple[Sequence[Hashable], Sequence[Hashable]]


@dataclass(frozen=True)
class Corrected:
    """A mean, corrected by labels.

    Attributes:
        value: The corrected mean, in the unit of the scores.
        standard_error: Of it.
        ci_low: Low end of its interval, NaN where the labels are of a single cluster.
        ci_high: High end.
        power: How much the judge counts, λ: 0, as if there were labels alone, to 1, PPI.
        labels_mean: The mean of the labels alone.
        labels_ci_low: Low end of its interval.
        labels_ci_high: High end.
        judge_mean: The mean of the judge's scores of documents without a label.
        bias: The judge's less the label's score, over the documents with a label.
        n: Documents with a label.
        n_others: Documents without one.
        n_clusters: Clusters of those with a label, and of those without.
        method: "ppi", "ppi++" or "labels".
    """

    value: float
    standard_error: float
    ci_low: float
    ci_high: float
    power: float
    labels_mean: float
    labels_ci_low: float
    labels_ci_high: float
    judge_mean: float
    bias: float
    n: int
    n_others: int
    n_clusters: tuple[int, int]
    method: Method


def prediction_powered_mean(
    labels: Sequence[float] | FloatArray,
    judged: Sequence[float] | FloatArray,
    judged_others: Sequence[float] | FloatArray,
    *,
    method: Method = "ppi++",
    clusters: Clusters | None = None,
    confidence: float = 0.95,
) -> Corrected:
    """The mean of the labels that all documents would get, if labelled ones were drawn at random.

    θ = mean(h) + λ (mean(f') − mean(f)): labels h and the judge's scores f of n documents, its scores f' of N others.
    The variance is λ² var(f')/N + var(h − λf)/n. PPI has λ = 1; PPI++ the λ of the smallest variance,
    cov(h, f) / ((1 + n/N) var(f)), cut to 0 to 1; "labels" λ = 0. With clusters, which documents of both samples may
    share, variances and covariances get the products within clusters (`TwoSamples.covariance`), that of λ too.

    Args:
        labels: h, shape (n,), n of at least 3.
        judged: f, shape (n,).
        judged_others: f', shape (N,). None there: the result is that of the labels alone.
        method: "ppi", "ppi++" or "labels".
        clusters: What documents share, such as their image: of the labelled ones, shape (n,), and the others, (N,).
        confidence: Of the intervals, between 0 and 1.

    Raises:
        ValueError: Fewer than 3 labels, lengths differ, a score is not finite, or an option is out of range.
    """
    h, f, others = _checked(labels, judged, judged_others, clusters)
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; expected one of {', '.join(METHODS)}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence}; expected a number between 0 and 1, such as 0.95")
    samples = TwoSamples.of(len(h), len(others), clusters)
    used: Method = method if len(others) else "labels"
    power = {"ppi": 1.0, "ppi++": _power(h, f, others, samples), "labels": 0.0}[used]
    judge_mean = float(others.mean()) if len(others) else math.nan
    value = float(h.mean()) + (power * (judge_mean - float(f.mean())) if power else 0.0)
    influence = _influence(h, f, others, power)
    error, low, high = samples.interval(value, influence, confidence, fitted=int(used == "ppi++"))
    labels_mean = float(h.mean())
    _, labels_low, labels_high = samples.interval(labels_mean, _influence(h, f, others, 0.0), confidence)
    return Corrected(
        value=value,
        standard_error=error,
        ci_low=low,
        ci_high=high,
        power=power,
        labels_mean=labels_mean,
        labels_ci_low=labels_low,
        labels_ci_high=labels_high,
        judge_mean=judge_mean,
        bias=float((f - h).mean()),
        n=len(h),
        n_others=len(others),
        n_clusters=samples.clusters,
        method=used,
    )


def _checked(
    labels: Sequence[float] | FloatArray,
    judged: Sequence[float] | FloatArray,
    judged_others: Sequence[float] | FloatArray,
    clusters: Clusters | None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    h, f, others = _finite("labels", labels), _finite("judged", judged), _finite("judged_others", judged_others)
    if len(h) < FEWEST_LABELS:
        raise ValueError(f"{len(h)} labels; {FEWEST_LABELS} are needed")
    same_length("labels", len(h), {"judged": f, "clusters of labelled documents": clusters and clusters[0]})
    same_length("judged_others", len(others), {"clusters of them": clusters and clusters[1]})
    return h, f, others


def _influence(h: FloatArray, f: FloatArray, others: FloatArray, power: float) -> FloatArray:
    """What each document adds to the error of the mean, shape (n + N,)."""
    rest = h - power * f
    own = (rest - rest.mean()) / len(h)
    return np.concatenate([own, power * (others - others.mean()) / len(others)]) if len(others) else own


def _power(h: FloatArray, f: FloatArray, others: FloatArray, samples: TwoSamples) -> float:
    """λ of the smallest variance; the variance of f is that over both samples, as in the authors' example."""
    if not len(others):
        return 0.0
    n, m = samples.n, samples.others
    everything = np.concatenate([f, others])
    weights = np.concatenate([np.full(n, -1 / n), np.full(m, 1 / m)])
    gap = weights * (everything - np.concatenate([np.full(n, f.mean()), np.full(m, others.mean())]))
    own = np.concatenate([(h - h.mean()) / n, np.zeros(m)])
    within = samples.covariance(gap, gap) - TwoSamples(n, m, np.arange(n + m)).covariance(gap, gap)
    spread = float(everything.var(ddof=1)) * (1 / n + 1 / m) + within
    if spread <= 1e-12 * max(1.0, float(np.abs(everything).max()) ** 2):  # the judge gives everything the same score
        return 0.0
    return min(1.0, max(0.0, -samples.covariance(own, gap) / spread))


def _finite(name: str, values: Sequence[float] | FloatArray) -> FloatArray:
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    wrong = np.flatnonzero(~np.isfinite(array))
    if len(wrong):
        raise ValueError(f"{name}[{wrong[0]}] is {array[wrong[0]]}; leave missing scores out")
    return array
