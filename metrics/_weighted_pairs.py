"""Statistics of pairs of scores under weights: a resample of a bootstrap is such weights, and many come at once.

Equal pairs are one atom. A resample of clusters says how often each cluster was drawn, hence how often each atom
occurs, and every statistic here is a function of these numbers alone.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lmms_eval_ja.metrics._standard_error import FloatArray, IntArray, cluster_codes

#: Two scores that differ by less are equal: means of repeats carry rounding.
EQUAL = 1e-9
#: A variance below this share of the whole sample's is rounding.
_ROUNDING = 1e-12
_CELLS_AT_ONCE = 4_000_000  # numbers held for one batch of rows: 32 MB


@dataclass(frozen=True)
class _Ranked:
    """One side's distinct values, ascending: which of them each atom has, shape (P,), and the atoms in their order."""

    place: IntArray
    order: IntArray
    starts: IntArray

    @classmethod
    def of(cls, values: FloatArray) -> "_Ranked":
        """Of the atoms' values, shape (P,)."""
        place = np.unique(values, return_inverse=True)[1].reshape(-1)
        order = np.argsort(place, kind="stable")
        return cls(place, order, np.flatnonzero(np.diff(place[order], prepend=-1)))

    def tied(self, weights: FloatArray) -> FloatArray:
        """How often each distinct value occurs, shape (B, K), for weights of shape (B, P)."""
        return np.add.reduceat(weights[:, self.order], self.starts, axis=1)


class Pairs:
    """n pairs of finite scores in G clusters.

    Attributes:
        n: Number of pairs.
        n_clusters: G.
        sizes: How many clusters there are of each kind, shape (K,): without clusters a kind is an atom, with them every
            cluster is one of its own.
    """

    def __init__(
        self,
        first: FloatArray,
        second: FloatArray,
        clusters: Sequence[Hashable] | None,
        bins: Mapping[str, tuple[FloatArray, FloatArray]],
    ) -> None:
        """Count the atoms.

        Args:
            first: Trusted scores, shape (n,).
            second: The judge's, shape (n,).
            clusters: What the pairs share, shape (n,); None: each for itself.
            bins: By the name of a statistic the bins of both lists, shapes (n,): it is the share of equal ones.
        """
        self.n = len(first)
        table = np.stack([first, second], axis=1)
        atoms, kept, place, times = np.unique(table, axis=0, return_index=True, return_inverse=True, return_counts=True)
        self._counts: FloatArray | None = None  # how often each cluster has each atom, (G, P)
        if clusters is None:
            self.sizes = times
            self.n_clusters = self.n
        else:
            codes = cluster_codes(clusters)
            self.n_clusters = int(codes.max(initial=-1)) + 1
            counts = np.zeros((self.n_clusters, len(atoms)))
            np.add.at(counts, (codes, place.reshape(-1)), 1)
            # Sorted, so that the same pairs in another order meet the same resamples.
            self._counts = counts[np.lexsort(counts.T)]
            self.sizes = np.ones(self.n_clusters, dtype=np.intp)
        x, y = atoms[:, 0], atoms[:, 1]
        self._sides = tuple(_Ranked.of(side) for side in (x, y))
        share = times / max(1, self.n)
        means = float(share @ x), float(share @ y)
        self._centred = (x - means[0], y - means[1])
        self._shift = means[1] - means[0]
        self._spread = tuple(float(share @ side**2) for side in self._centred)
        apart = y - x
        self._means = {
            "mae": np.abs(apart),
            "bias": apart,
            "squares": apart**2,
            "exact": np.abs(apart) < EQUAL,
            "within_one": np.abs(apart) < 1 + EQUAL,
        } | {name: (own == other)[kept] for name, (own, other) in bins.items()}
        self._order = self._concordance()

    def statistics(self, drawn: FloatArray) -> dict[str, FloatArray]:
        """Every statistic of each resample.

        Args:
            drawn: How often clusters of each kind are drawn, shape (B, K).

        Returns:
            Arrays of shape (B,), NaN where a statistic is not defined (a list without spread, no pair).
        """
        rows = max(1, _CELLS_AT_ONCE // max(1, self._order.shape[1], len(self._sides[0].place)))
        parts = [self._batch(drawn[start : start + rows]) for start in range(0, len(drawn), rows)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _batch(self, drawn: FloatArray) -> dict[str, FloatArray]:
        weights = drawn if self._counts is None else drawn @ self._counts
        with np.errstate(invalid="ignore", divide="ignore"):
            n = weights.sum(axis=1)
            found = {name: np.asarray(weights @ values / n) for name, values in self._means.items()}
            squares = found.pop("squares")
            found["rmse"] = np.sqrt(squares)
            return found | self._moments(weights, n, squares) | self._ranks(drawn, weights, n)

    def _moments(self, weights: FloatArray, n: FloatArray, squares: FloatArray) -> dict[str, FloatArray]:
        """Pearson's correlation; kappa with quadratic weights, 1 − E[(x − y)²] / that of independent lists."""
        x, y = self._centred
        mean_x, mean_y = weights @ x / n, weights @ y / n
        spread = [
            np.where(var > _ROUNDING * whole, var, np.nan)
            for var, whole in (
                (weights @ x**2 / n - mean_x**2, self._spread[0]),
                (weights @ y**2 / n - mean_y**2, self._spread[1]),
            )
        ]
        covariance = weights @ (x * y) / n - mean_x * mean_y
        chance = spread[0] + spread[1] + (mean_y - mean_x + self._shift) ** 2
        return {
            "pearson": np.clip(covariance / np.sqrt(spread[0] * spread[1]), -1, 1),
            "quadratic_kappa": 1 - squares / chance,
        }

    def _ranks(self, drawn: FloatArray, weights: FloatArray, n: FloatArray) -> dict[str, FloatArray]:
        """Spearman's ρ of mid-ranks and Kendall's τ-b."""
        products, squares, untied, constant = np.ones_like(weights), [], [], np.zeros(len(n), dtype=bool)
        for side in self._sides:
            tied = side.tied(weights)
            ranks = np.cumsum(tied, axis=1) - tied / 2 - n[:, None] / 2  # their mean is 0
            squares.append((tied * ranks**2).sum(axis=1))
            products = products * ranks[:, side.place]
            untied.append(n**2 - (tied**2).sum(axis=1))
            constant |= (tied > 0).sum(axis=1) < 2  # noqa: PLR2004  no order
        found = {
            "spearman": (weights * products).sum(axis=1) / np.sqrt(squares[0] * squares[1]),
            "kendall_tau_b": self._surplus(drawn, weights) / np.sqrt(untied[0] * untied[1]),
        }
        return {name: np.where(constant, np.nan, np.clip(values, -1, 1)) for name, values in found.items()}

    def _surplus(self, drawn: FloatArray, weights: FloatArray) -> FloatArray:
        """Concordant less discordant ordered pairs of pairs: a quadratic form in the weights."""
        taken = drawn if self._by_cluster else weights
        # In single precision whole numbers up to 2^24 are exact, and a row of signs adds up to n at most.
        return np.asarray(((taken.astype(self._order.dtype) @ self._order) * taken).sum(axis=1))

    @property
    def _by_cluster(self) -> bool:
        return self._counts is not None and self.n_clusters < self._counts.shape[1]

    def _concordance(self) -> npt.NDArray[np.floating[Any]]:
        """sgn(Δx)·sgn(Δy) of any two atoms, shape (P, P), or summed over clusters, shape (G, G), if those are fewer."""
        x, y = (side.place for side in self._sides)
        atoms = len(x)
        counts = self._counts if self._by_cluster else None
        found = np.zeros((atoms, atoms), np.float32) if counts is None else np.zeros((len(counts), len(counts)))
        rows = max(1, _CELLS_AT_ONCE // max(1, atoms))
        for start in range(0, atoms, rows):
            part = slice(start, start + rows)
            signs = (np.sign(x[part, None] - x) * np.sign(y[part, None] - y)).astype(np.float32)
            if counts is None:
                found[part] = signs
            else:
                found += counts[:, part] @ (signs @ counts.T.astype(np.float32)).astype(np.float64)
        return found
