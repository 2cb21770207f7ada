"""Differences between models that answered the same documents, resampled by cluster."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lmms_eval_ja.metrics._standard_error import FloatArray, IntArray

_FEWEST_FOR_BOOTSTRAP = 10  # clusters; with fewer the resamples are too alike
_CELLS_AT_ONCE = 4_000_000  # numbers held for one batch of resamples: 32 MB
_ROUNDING = 1e-12
_ALIKE = 1e-9


@dataclass(frozen=True)
class PairedDifferences:
    """Every two of M models, P = M(M − 1)/2 pairs in the order (0, 1), (0, 2) … (1, 2) …; each array has shape (P,).

    Attributes:
        first: Number of the one model.
        second: Number of the other, which is higher.
        difference: Mean over the common documents of first's influence less second's; NaN where there are none.
        standard_error: Of it; NaN for fewer than two clusters.
        ci_low: Low end of the interval.
        ci_high: High end of it.
        p: Two-sided, of the hypothesis that there is no difference.
        n: Common documents.
        clusters: That they come in.
    """

    first: IntArray
    second: IntArray
    difference: FloatArray
    standard_error: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p: FloatArray
    n: IntArray
    clusters: IntArray


def paired_differences(
    influence: FloatArray,
    clusters: IntArray,
    *,
    extra_variance: FloatArray | None = None,
    confidence: float = 0.95,
    resamples: int = 4999,
    seed: int = 0,
) -> PairedDifferences:
    """Difference of every two models' scores, by a cluster bootstrap of their influence values.

    A score is the mean of its influence values (of a ratio of means: its linearisation, the delta method), so the
    difference of two scores is the mean of the documents' differences, and documents and clusters stay paired
    (arXiv 2411.00640, sections 4.2 and 2.2). Clusters are drawn with replacement, the same ones for all models; s is
    the standard deviation of the difference over the resamples, and its error √(s²·G/(G−1) + v_a + v_b), G clusters.
    Interval and p value are Student's t with G − 1 degrees of freedom: with 21 clusters percentiles cover 93.7 % and
    these 95 % (docs/comparison.md). With fewer than 10 clusters, and for pairs that lack documents, the error is
    computed instead of resampled: it is what infinitely many resamples of the linearised difference give.

    Args:
        influence: Shape (M, n); NaN where a model has no score for a document. A pair is over the documents for which
            both have one.
        clusters: Numbers 0 to G − 1 of the documents' clusters, shape (n,).
        extra_variance: Of each model's score besides that of the documents, v, shape (M,): the judge's spread.
        confidence: Of the intervals, between 0 and 1.
        resamples: Of the bootstrap, B.
        seed: Of the bootstrap; `cluster_weights` says what is drawn.

    Raises:
        ValueError: Shapes do not fit.
    """
    from scipy.special import stdtr, stdtrit

    models, documents = influence.shape
    if clusters.shape != (documents,):
        raise ValueError(f"{documents} documents but clusters of shape {clusters.shape}")
    first, second = (np.asarray(index, dtype=np.intp) for index in np.triu_indices(models, 1))
    sums = _Sums(influence, clusters, first, second)
    difference, error, groups = sums.estimated(resamples, seed)
    spread = np.zeros(models) if extra_variance is None else extra_variance
    error = np.sqrt(error**2 + spread[first] + spread[second])
    freedom = np.maximum(groups - 1, 1).astype(float)
    half = stdtrit(freedom, (1 + confidence) / 2) * error
    flat = np.flatnonzero(error <= _ROUNDING * np.maximum(1.0, np.abs(difference)))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(freedom, -np.abs(difference) / error)
    # The same difference in every cluster: as unlikely as that all of them fall on one side.
    p[flat] = np.where(np.abs(difference[flat]) <= _ROUNDING, 1.0, 2.0 ** (1.0 - groups[flat]))
    p[np.isnan(error)] = math.nan
    return PairedDifferences(first, second, difference, error, difference - half, difference + half, p, sums.n, groups)


@lru_cache(maxsize=1)
def cluster_weights(clusters: int, resamples: int, seed: int) -> FloatArray:
    """How often each cluster is drawn in each resample: a row is the counts of G integers from `default_rng(seed)`.

    Args:
        clusters: G.
        resamples: B.
        seed: the same seed gives the same numbers.

    Returns:
        Shape (B, G), not to be written to.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, clusters, (resamples, clusters)) + clusters * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * clusters)
    weights: FloatArray = counts.reshape(resamples, clusters).astype(float)
    weights.flags.writeable = False
    return weights


class _Sums:
    """Sums of influences and counts of documents by cluster: of each model, or of pairs that lack documents."""

    def __init__(self, influence: FloatArray, clusters: IntArray, first: IntArray, second: IntArray) -> None:
        known = ~np.isnan(influence)
        kept = np.flatnonzero(known.any(axis=0))
        order = kept[np.argsort(clusters[kept], kind="stable")]
        self._known, self._influence = known[:, order], np.where(known, influence, 0.0)[:, order]
        self._starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
        self.first, self.second = first, second
        whole = np.asarray(self._known.all(axis=1))
        self._whole = whole[first] & whole[second]
        self.n = np.zeros(len(first), dtype=np.intp)

    def estimated(self, resamples: int, seed: int) -> tuple[FloatArray, FloatArray, IntArray]:
        """Difference, its error over documents, and number of clusters, each of shape (P,); sets `n`."""
        pairs, groups_in_all = len(self.first), len(self._starts)
        difference, error = np.full(pairs, math.nan), np.full(pairs, math.nan)
        groups = np.zeros(pairs, dtype=np.intp)
        at_once = max(1, _CELLS_AT_ONCE // max(1, self._known.shape[1]))
        for start in range(0, pairs if groups_in_all else 0, at_once):
            some = slice(start, start + at_once)
            both: npt.NDArray[np.bool_] = self._known[self.first[some]] & self._known[self.second[some]]
            apart = np.where(both, self._influence[self.first[some]] - self._influence[self.second[some]], 0.0)
            sums = np.add.reduceat(apart, self._starts, axis=1)
            sizes = np.add.reduceat(both.astype(float), self._starts, axis=1)
            self.n[some] = both.sum(axis=1)
            groups[some] = (sizes > 0).sum(axis=1)
            with np.errstate(invalid="ignore"):
                difference[some] = sums.sum(axis=1) / sizes.sum(axis=1)
            error[some] = _formula(sums, sizes)
        if groups_in_all >= _FEWEST_FOR_BOOTSTRAP and self._whole.any():
            error[self._whole] = self._resampled_errors(resamples, seed)
        error[groups < 2] = math.nan  # noqa: PLR2004  one cluster has no spread
        return difference, error, groups

    def _resampled_errors(self, resamples: int, seed: int) -> FloatArray:
        """Of pairs of models without gaps, from the models' joint resamples."""
        a, b = self.first[self._whole], self.second[self._whole]
        sums = np.add.reduceat(self._influence, self._starts, axis=1)
        sizes = np.diff(self._starts, append=self._known.shape[1]).astype(float)
        groups = len(sizes)
        weights = cluster_weights(groups, resamples, seed)
        drawn = (weights @ sums.T) / (weights @ sizes)[:, None]
        drawn -= drawn.mean(axis=0)
        products = drawn.T @ drawn / (resamples - 1)
        variances = np.diagonal(products)
        apart = np.maximum(variances[a] + variances[b] - 2 * products[a, b], 0.0)
        alike = np.flatnonzero(apart <= _ALIKE * (variances[a] + variances[b]))  # what is left there is rounding
        apart[alike] = (drawn[:, a[alike]] - drawn[:, b[alike]]).var(axis=0, ddof=1)
        return np.asarray(np.sqrt(apart * groups / (groups - 1)))


def _formula(sums: FloatArray, sizes: FloatArray) -> FloatArray:
    """√(G/(G−1) · Σ_g (d_g − n_g·d̄)²) / n, the clustered standard error of a mean; shapes (P, G), giving (P,)."""
    total, groups = sizes.sum(axis=1), (sizes > 0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        residuals = sums - sizes * (sums.sum(axis=1) / total)[:, None]
        return np.asarray(np.sqrt((residuals**2).sum(axis=1) * groups / np.maximum(1, groups - 1)) / total)
