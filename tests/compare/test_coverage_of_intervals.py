"""Simulated comparisons whose truth is known: how often intervals hold it, and equal models are told apart.

docs/comparison.md has the figures of many more runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from lmms_eval_ja.metrics import holm, paired_differences, rank_intervals

#: First used when the methods were chosen already.
SEED = 20261125
#: Heron-Bench: 103 questions on 21 pictures.
HERON = tuple([5] * 19 + [4] * 2)
MANY = tuple(np.random.default_rng(5).integers(1, 4, 200).tolist())


@dataclass(frozen=True)
class Seen:
    """Shares of runs or pairs: pairs whose interval holds the truth, runs with a false finding, runs whose intervals of
    ranks all hold the true ranks, models whose own does; and pairs that were found to differ."""

    pairs: float
    false_finding: float
    all_ranks: float
    ranks: float
    found: float


@cache
@threadpool_limits.wrap(limits=1)  # products this small only lose by threads
def simulated(runs: int, models: int, sizes: tuple[int, ...], gap: float) -> Seen:
    """Scores with effects of document, cluster, model × cluster and model × document, and true gaps between models."""
    rng = np.random.default_rng(SEED)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    truth = gap * np.arange(models)
    first, second = np.triu_indices(models, 1)
    apart = truth[first] - truth[second]
    best = 1 + (truth[None, :] > truth[:, None]).sum(axis=1)
    worst = models - (truth[None, :] < truth[:, None]).sum(axis=1)
    rows = []
    for _ in range(runs):
        noise = rng.normal(0, 1, len(clusters)) + rng.normal(0, 0.7, len(sizes))[clusters]
        noise = (
            noise + rng.normal(0, 0.5, (models, len(sizes)))[:, clusters] + rng.normal(0, 1, (models, len(clusters)))
        )
        scores = np.clip(np.round(3 + noise), 1, 5) if gap == 0 else noise
        found = paired_differences(scores + truth[:, None], clusters)
        significant = holm(found.p) < 0.05
        low, high = rank_intervals(models, first, second, found.difference, significant)
        wrong = significant & (np.sign(found.difference) != np.sign(apart))
        held = (low <= best) & (worst <= high)
        inside = (found.ci_low <= apart) & (apart <= found.ci_high)
        rows.append((inside.mean(), wrong.any(), held.all(), held.mean(), significant.mean()))
    return Seen(*np.mean(rows, axis=0).tolist())


@pytest.mark.parametrize("sizes", [HERON, MANY], ids=["21 clusters", "200 clusters"])
def test_intervals_of_differences_hold_the_truth(sizes):
    seen = simulated(200 if sizes is HERON else 60, 20, sizes, 0.0)
    # 95 % of 190 pairs in each run; the pairs of a run go together, so that the share has an error of about 0.5 %.
    assert 0.93 <= seen.pairs <= 0.97


@pytest.mark.parametrize("sizes", [HERON, MANY], ids=["21 clusters", "200 clusters"])
def test_equal_models_are_seldom_told_apart(sizes):
    runs = 200 if sizes is HERON else 60
    seen = simulated(runs, 20, sizes, 0.0)
    # At most 5 %; the number of runs with a finding is binomial, of which two standard errors are allowed for.
    assert seen.false_finding <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)
    # All are equal, so that any of the 20 ranks is true of each, and all of them must be in its interval.
    assert seen.all_ranks >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("gap", [0.05, 0.2])
def test_intervals_of_ranks_hold_the_true_ranks_of_all_models_together(gap):
    seen = simulated(200, 8, HERON, gap)
    assert seen.all_ranks >= 0.95
    assert seen.ranks >= 0.95
    assert seen.false_finding <= 0.05
    assert seen.found > 0.2 if gap == 0.2 else seen.found < 0.2  # the intervals are not wide for nothing


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [HERON, MANY], ids=["21 clusters", "200 clusters"])
def test_at_most_one_null_comparison_of_20_finds_a_difference(sizes):
    seen = simulated(6000 if sizes is MANY else 3000, 20, sizes, 0.0)
    assert seen.false_finding <= 0.05
    assert 0.94 <= seen.pairs <= 0.96
