from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from lmms_eval_ja.metrics import resampled_ranks, spearman_interval, split_half_reliability


def test_the_reliability_of_known_variances():
    # True scores of variance 1; the mean of 100 documents has an error of variance 100/100 = 1: reliability 1/(1 + 1).
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (2000, 1)) + rng.normal(0, 10, (2000, 100))
    assert split_half_reliability(values, np.arange(100)) == pytest.approx(0.5, abs=0.03)


def test_clusters_stay_together():
    # All documents of a cluster are the same one: splitting them apart would give 1.
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(0, 1, (2000, 1)) + rng.normal(0, 5, (2000, 25)), 4, axis=1)
    found = split_half_reliability(values, np.repeat(np.arange(25), 4))
    assert found == pytest.approx(0.5, abs=0.05)  # halves of 12 and 13 clusters


def test_missing_scores_are_left_out_and_models_that_agree_with_chance_give_0():
    rng = np.random.default_rng(0)
    values = np.arange(5.0)[:, None] + rng.normal(0, 0.01, (5, 40))
    values[2, 5] = math.nan
    assert split_half_reliability(values, np.arange(40)) == pytest.approx(1, abs=1e-3)
    noise = rng.normal(0, 1, (200, 40))
    assert split_half_reliability(noise, np.arange(40)) < 0.15


@pytest.mark.parametrize(("models", "clusters"), [(2, 40), (5, 3)])
def test_too_little_to_tell(models, clusters):
    values = np.random.default_rng(0).normal(size=(models, 40))
    assert math.isnan(split_half_reliability(values, np.arange(40) % clusters))


def test_models_that_do_not_differ():
    assert math.isnan(split_half_reliability(np.ones((4, 20)), np.arange(20)))


def test_spearman_equals_scipy_with_ties():
    x, y = np.array([1.0, 2, 2, 5, 7]), np.array([2.0, 1, 4, 4, 9])
    rho, low, high = spearman_interval(resampled_ranks(x), resampled_ranks(y))
    assert rho == pytest.approx(stats.spearmanr(x, y).statistic)
    assert -1 <= low <= rho <= high <= 1


def test_spearman_of_resamples_equals_scipy():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=8), rng.normal(size=8)
    _, low, high = spearman_interval(resampled_ranks(x, resamples=200), resampled_ranks(y, resamples=200))
    drawn = np.random.default_rng(0).integers(0, 8, (200, 8))
    values = [stats.spearmanr(x[row], y[row]).statistic for row in drawn]
    assert (low, high) == pytest.approx(np.quantile(values, [0.025, 0.975]), rel=1e-9)


@pytest.mark.parametrize(("x", "y"), [([1.0, 2], [1.0, 2]), ([1.0, 1, 1], [1.0, 2, 3])])
def test_too_few_or_no_order(x, y):
    assert all(map(math.isnan, spearman_interval(resampled_ranks(np.array(x)), resampled_ranks(np.array(y)))))
