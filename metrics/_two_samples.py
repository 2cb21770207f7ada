"""Variances of what rests on two samples of documents that share clusters: some with labels, and the others."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from lmms_eval_ja.metrics._standard_error import FloatArray, IntArray, cluster_codes


@dataclass(frozen=True)
class TwoSamples:
    """n labelled documents, then N others, and the cluster of each, shape (n + N,)."""

    n: int
    others: int
    codes: IntArray

    @classmethod
    def of(cls, n: int, others: int, clusters: tuple[Sequence[Hashable], Sequence[Hashable]] | None) -> "TwoSamples":
        """The samples; without clusters every document is one of its own."""
        codes = np.arange(n + others) if clusters is None else cluster_codes([*clusters[0], *clusters[1]])
        return cls(n, others, codes)

    @property
    def clusters(self) -> tuple[int, int]:
        """The number of clusters that have labelled documents, and that have others."""
        return len(set(self.codes[: self.n].tolist())), len(set(self.codes[self.n :].tolist()))

    def covariance(self, first: FloatArray, second: FloatArray) -> float:
        """Covariance of two sums of influences.

        Σ over the samples of m/(m−1) Σ a_i·b_i, plus the products of different documents of a cluster: equation 4 of
        arXiv 2411.00640 for two samples. Without clusters it is the sum of the samples' variances of a mean.

        Args:
            first: a, what each document adds, shape (n + N,); its mean over either sample is 0.
            second: b, the same of another sum.
        """
        products = first * second
        own = sum(map(_unbiased, self._parts(products)))
        sums = np.bincount(self.codes, first), np.bincount(self.codes, second)
        return own + float((sums[0] * sums[1]).sum() - products.sum())

    def interval(
        self, value: float, influence: FloatArray, confidence: float, *, fitted: int = 0
    ) -> tuple[float, float, float]:
        """Standard error of an estimate and the ends of its interval.

        Args:
            value: the estimate.
            influence: what each document adds to its error, shape (n + N,).
            confidence: between 0 and 1.
            fitted: how many weights were fitted to the labels.

        Returns:
            value ± t · error · √((g − 1) / (g − 1 − fitted)) with g − 1 − fitted degrees of freedom; g is the number of
            clusters of the sample that has fewer of them. NaN ends where that leaves none.
        """
        error = math.sqrt(max(0.0, self.covariance(influence, influence)))
        used = [g for g, part in zip(self.clusters, self._parts(influence), strict=True) if part.any()]
        freedom = min(used, default=0) - 1 - fitted
        if freedom < 1:
            return error, math.nan, math.nan
        from scipy.special import stdtrit

        half = float(stdtrit(freedom, (1 + confidence) / 2)) * error * math.sqrt((freedom + fitted) / freedom)
        return error, value - half, value + half

    def _parts(self, influence: FloatArray) -> tuple[FloatArray, FloatArray]:
        return influence[: self.n], influence[self.n :]


def _unbiased(products: FloatArray) -> float:
    m = len(products)
    return float(products.sum()) * m / (m - 1) if m > 1 else 0.0
