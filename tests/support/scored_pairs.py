"""A population of answers with two scores of 1 to 10 each, on images, in which every statistic of agreement is known.

An image is of one of five kinds. The two scores of its answers are independent draws from the kind's table of
probabilities, so that answers of one image are alike and the table of all answers is the mean of the kinds' tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
SCALE = np.arange(1.0, 11.0)
#: Share of the images, mean of the trusted scores, and what the judge adds, by kind.
_KINDS = ((0.15, 3.0, 0.0), (0.2, 5.0, 0.7), (0.3, 6.5, -0.4), (0.25, 8.0, 0.3), (0.1, 8.5, -1.2))
_SPREAD_TRUSTED, _SPREAD_JUDGED = 1.3, 1.2


@dataclass(frozen=True)
class Population:
    """Shares of the kinds, shape (K,), and their tables of (trusted, judged), shape (K, 10, 10)."""

    shares: Array
    tables: Array

    @property
    def table(self) -> Array:
        """Of all answers, shape (10, 10)."""
        return np.tensordot(self.shares, self.tables, 1)

    def draw(self, rng: np.random.Generator, images: int, answers: int) -> tuple[Array, Array, list[int]]:
        """Trusted scores, judged scores and images of `answers` answers on each of some images."""
        kinds = rng.choice(len(self.shares), images, p=self.shares)
        bounds = self.tables.reshape(len(self.shares), -1).cumsum(axis=1)
        cells = np.empty((images, answers), dtype=np.intp)
        for kind in range(len(self.shares)):
            mine = kinds == kind
            cells[mine] = np.searchsorted(bounds[kind], rng.random((int(mine.sum()), answers))).clip(max=99)
        first, second = np.divmod(cells.reshape(-1), 10)
        return SCALE[first], SCALE[second], np.repeat(np.arange(images), answers).tolist()

    def truth(self) -> dict[str, float]:
        """Every statistic of the whole population, by its definition."""
        p = self.table
        x, y = np.meshgrid(SCALE, SCALE, indexing="ij")
        first, second = p.sum(axis=1), p.sum(axis=0)
        mean_x, mean_y = first @ SCALE, second @ SCALE
        covariance = (p * (x - mean_x) * (y - mean_y)).sum()
        var_x, var_y = first @ (SCALE - mean_x) ** 2, second @ (SCALE - mean_y) ** 2
        squares = (p * (y - x) ** 2).sum()
        return {
            "pearson": covariance / np.sqrt(var_x * var_y),
            "spearman": _of_mid_ranks(p, first, second),
            "kendall_tau_b": _tau_b(p, first, second),
            "quadratic_kappa": 1 - squares / (var_x + var_y + (mean_x - mean_y) ** 2),
            "mae": (p * np.abs(y - x)).sum(),
            "rmse": np.sqrt(squares),
            "bias": mean_y - mean_x,
            "exact": np.trace(p),
            "within_one": p[np.abs(x - y) <= 1].sum(),
            # The bins 1 | 2 | 3 | 4-5 | 6 | 7-8 | 9-10, and 1-3 | 4-6 | 7-8 | 9-10.
            "strict_division": _same(p, [0, 1, 2, 3, 3, 4, 5, 5, 6, 6]),
            "fuzzy_division": _same(p, [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]),
        }


def population() -> Population:
    """The population."""
    tables = []
    for _, mean, added in _KINDS:
        trusted = _discrete(np.array([mean]), _SPREAD_TRUSTED)[0]
        tables.append(trusted[:, None] * _discrete(SCALE + added, _SPREAD_JUDGED))
    return Population(np.array([share for share, _, _ in _KINDS]), np.array(tables))


def _discrete(means: Array, spread: float) -> Array:
    """Normal densities at the scores, made to add up to 1; shape (means, 10)."""
    density = np.exp(-(((SCALE - means[:, None]) / spread) ** 2) / 2)
    return np.asarray(density / density.sum(axis=1, keepdims=True))


def _of_mid_ranks(p: Array, first: Array, second: Array) -> float:
    ranks = [shares.cumsum() - shares / 2 - 0.5 for shares in (first, second)]
    spread = [shares @ rank**2 for shares, rank in zip((first, second), ranks, strict=True)]
    return float(ranks[0] @ p @ ranks[1] / np.sqrt(spread[0] * spread[1]))


def _tau_b(p: Array, first: Array, second: Array) -> float:
    concordant = sum(p[a, b] * (p[:a, :b].sum() - p[:a, b + 1 :].sum()) for a in range(10) for b in range(10))
    return float(2 * concordant / np.sqrt((1 - (first**2).sum()) * (1 - (second**2).sum())))


def _same(p: Array, bins: list[int]) -> float:
    return float(sum(p[a, b] for a in range(10) for b in range(10) if bins[a] == bins[b]))
