"""How far a benchmark would put the same models into the same order with other documents of its kind."""

import math

import numpy as np

from lmms_eval_ja.metrics._standard_error import FloatArray, IntArray

_FEWEST_MODELS, _FEWEST_CLUSTERS = 3, 4
_NO_SPREAD = 1e-20


def split_half_reliability(values: FloatArray, clusters: IntArray, *, splits: int = 200, seed: int = 0) -> float:
    """Spearman–Brown corrected correlation of the models' means over random halves of the clusters.

    2r/(1 + r) of each split (Spearman 1910, Brown 1910), averaged over the splits; an r below 0 counts as 0, for which
    the correction is not made.

    Args:
        values: What each document adds to a model's score, shape (M, n); NaN where there is no score.
        clusters: Numbers of the documents' clusters, shape (n,).
        splits: Number of random halves.
        seed: Of the halves.

    Returns:
        0 to 1; NaN for fewer than 3 models or 4 clusters, or where the models do not differ.
    """
    codes = np.unique(clusters, return_inverse=True)[1].reshape(-1)
    groups = int(codes.max(initial=-1)) + 1
    if len(values) < _FEWEST_MODELS or groups < _FEWEST_CLUSTERS:
        return math.nan
    members = np.zeros((len(codes), groups))
    members[np.arange(len(codes)), codes] = 1
    known = ~np.isnan(values)
    sums, counts = np.where(known, values, 0.0) @ members, known.astype(float) @ members  # (M, G)
    order = np.argsort(np.random.default_rng(seed).random((splits, groups)), axis=1)
    half = (order < groups // 2).astype(float)  # (splits, G)
    halves = []
    for chosen in (half, 1 - half):
        with np.errstate(divide="ignore", invalid="ignore"):
            halves.append((chosen @ sums.T) / (chosen @ counts.T))  # (splits, M)
    r = _correlations(*halves)
    r = r[np.isfinite(r)]
    return float(np.mean(2 * np.maximum(r, 0) / (1 + np.maximum(r, 0)))) if len(r) else math.nan


def _correlations(x: FloatArray, y: FloatArray) -> FloatArray:
    """Pearson's, row by row; NaN where a row has no spread."""
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    squares = (x**2).sum(axis=1) * (y**2).sum(axis=1)
    found = np.full(len(x), np.nan)
    np.divide((x * y).sum(axis=1), np.sqrt(squares), out=found, where=squares > _NO_SPREAD)
    return found
