from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from lmms_eval_ja.metrics import clustered_standard_error, paired_differences


def data(models: int = 3, sizes=(5, 4, 5, 3, 5, 5, 4, 5, 2, 5, 5, 3), seed: int = 0):
    """Influences of models that share documents and clusters."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    shared = rng.normal(50, 10, len(clusters)) + rng.normal(0, 5, len(sizes))[clusters]
    return shared + rng.normal(0, 8, (models, len(clusters))), clusters


def plain_bootstrap(x, y, clusters, resamples, seed) -> float:
    """The error of a mean difference, in plain Python: clusters drawn one by one from the same stream of numbers."""
    groups = sorted(set(clusters))
    sums = [sum(a - b for a, b, c in zip(x, y, clusters, strict=True) if c == group) for group in groups]
    sizes = [list(clusters).count(group) for group in groups]
    drawn = np.random.default_rng(seed).integers(0, len(groups), (resamples, len(groups))).tolist()
    means = [sum(sums[g] for g in row) / sum(sizes[g] for g in row) for row in drawn]
    middle = sum(means) / len(means)
    variance = sum((m - middle) ** 2 for m in means) / (len(means) - 1)
    return math.sqrt(variance * len(groups) / (len(groups) - 1))


def test_every_pair_equals_a_bootstrap_in_plain_python():
    influence, clusters = data()
    found = paired_differences(influence, clusters, resamples=300, seed=7)
    assert list(zip(found.first, found.second, strict=True)) == list(combinations(range(3), 2))
    for k, (a, b) in enumerate(combinations(range(3), 2)):
        error = plain_bootstrap(influence[a].tolist(), influence[b].tolist(), clusters.tolist(), 300, 7)
        difference = float(np.mean(influence[a]) - np.mean(influence[b]))
        half = stats.t.ppf(0.975, 11) * error  # 12 clusters
        assert found.difference[k] == pytest.approx(difference, rel=1e-9)
        assert found.standard_error[k] == pytest.approx(error, rel=1e-9)
        assert (found.ci_low[k], found.ci_high[k]) == pytest.approx((difference - half, difference + half), rel=1e-9)
        assert found.p[k] == pytest.approx(2 * stats.t.sf(abs(difference) / error, 11), rel=1e-9)
    assert set(found.n) == {51}
    assert set(found.clusters) == {12}


def test_the_bootstrap_comes_near_the_formula():
    influence, clusters = data(2)
    found = paired_differences(influence, clusters, resamples=20_000)
    # Equation 4 of arXiv 2411.00640 has no factor G/(G − 1) for few clusters.
    formula = clustered_standard_error(influence[0] - influence[1], clusters.tolist()) * math.sqrt(12 / 11)
    assert found.standard_error[0] == pytest.approx(formula, rel=0.03)


def test_few_clusters_take_the_formula():
    # Differences 1 1 | 2 4 | 1 3 in three clusters: mean 2, residuals of the clusters' sums −2, 2, 0, so that the error
    # is √(8 · 3/2)/6 = 0.57735; t = 2/0.57735 = 3.4641 with 2 degrees of freedom, p = 0.0742.
    influence = np.array([[1.0, 1, 2, 4, 1, 3], [0.0] * 6])
    found = paired_differences(influence, np.array([0, 0, 1, 1, 2, 2]))
    assert found.difference[0] == pytest.approx(2)
    assert found.standard_error[0] == pytest.approx(math.sqrt(12) / 6)
    assert found.p[0] == pytest.approx(0.0742, abs=1e-4)
    assert found.ci_low[0] == pytest.approx(2 - 4.302653 * math.sqrt(12) / 6, rel=1e-6)


def test_documents_that_either_lacks_are_left_out():
    influence, clusters = data(3)
    influence[1, 3] = influence[2, 4] = math.nan
    found = paired_differences(influence, clusters, resamples=300)
    assert found.n.tolist() == [50, 50, 49]
    kept = [i for i in range(51) if i not in {3, 4}]
    apart = influence[1, kept] - influence[2, kept]
    assert found.difference[2] == pytest.approx(apart.mean())
    residuals = [sum(apart[clusters[kept] == g] - apart.mean()) for g in range(12)]
    assert found.standard_error[2] == pytest.approx(math.sqrt(12 / 11 * sum(r**2 for r in residuals)) / 49)
    whole = paired_differences(influence[:, kept], clusters[kept], resamples=20_000)
    assert found.standard_error[2] == pytest.approx(whole.standard_error[2], rel=0.03)


def test_the_judges_spread_widens_the_interval():
    influence, clusters = data(2)
    without = paired_differences(influence, clusters)
    with_ = paired_differences(influence, clusters, extra_variance=np.array([0.5, 0.25]))
    assert with_.standard_error[0] == pytest.approx(math.sqrt(without.standard_error[0] ** 2 + 0.75))
    assert with_.difference[0] == without.difference[0]
    assert with_.p[0] > without.p[0]


def test_equal_answers_do_not_differ_and_a_constant_gap_is_no_accident():
    influence, clusters = data(1)
    found = paired_differences(np.stack([influence[0], influence[0], influence[0] + 0.5]), clusters)
    assert found.difference.tolist() == pytest.approx([0, -0.5, -0.5])
    assert found.ci_low.tolist() == pytest.approx([0, -0.5, -0.5])
    # 12 clusters on one side: 2 · 2^−12
    assert found.p.tolist() == pytest.approx([1, 2**-11, 2**-11])


def test_one_cluster_has_no_error():
    influence, _ = data(2)
    found = paired_differences(influence, np.zeros(51, dtype=int))
    assert not math.isnan(found.difference[0])
    assert all(math.isnan(x[0]) for x in (found.standard_error, found.ci_low, found.ci_high, found.p))


def test_nothing_in_common_is_nothing():
    influence = np.array([[1.0, math.nan, 2], [math.nan, 1.0, math.nan]])
    found = paired_differences(influence, np.arange(3))
    assert found.n[0] == 0
    assert math.isnan(found.difference[0])
    nothing = paired_differences(np.full((2, 3), math.nan), np.arange(3))
    assert math.isnan(nothing.difference[0])
    assert math.isnan(nothing.p[0])


def test_the_order_of_documents_and_the_cluster_numbers_do_not_matter():
    influence, clusters = data(3)
    one = paired_differences(influence, clusters)
    order = np.random.default_rng(1).permutation(51)
    two = paired_differences(influence[:, order], 10 * clusters[order] + 3)
    assert one.standard_error == pytest.approx(two.standard_error, rel=1e-9)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="3 documents but clusters of shape"):
        paired_differences(np.zeros((2, 3)), np.zeros(2, dtype=int))
