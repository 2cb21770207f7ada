import math

import pytest

from lmms_eval_ja.metrics import accuracy, mean, wilson_interval


def test_failures_are_wrong_answers_and_shown_apart():
    found = accuracy([True, False, None, True, None])
    assert (found.overall.value, found.overall.n) == (40.0, 5)  # 2 of 5
    assert (found.answered.value, found.answered.n) == (pytest.approx(200 / 3), 3)  # 2 of 3
    assert (found.failures, found.failure_rate) == (2, 40.0)


def test_independent_documents_have_wilsons_interval():
    found = accuracy([True] * 8 + [False] * 2).overall
    low, high = wilson_interval(8, 10)
    assert (found.ci_low, found.ci_high, found.method) == (100 * low, 100 * high, "Wilson")
    # p = 0.8, n = 10, z = 1.95996: (0.8 + 0.19207 ± 1.95996·sqrt(0.016 + 0.0096036)) / 1.38415 = 0.7167 ± 0.2266
    assert (found.ci_low, found.ci_high) == (pytest.approx(49.016, abs=1e-3), pytest.approx(94.332, abs=1e-3))
    assert accuracy([True, False], ["a", "b"]).overall.method == "Wilson"  # clusters of one document each


def test_clusters_have_the_interval_of_mean():
    right = [number % 3 != 0 or number > 60 for number in range(80)]
    clusters = [number // 4 for number in range(80)]
    found = accuracy(right, clusters).overall
    estimate = mean([100.0 * one for one in right], clusters)
    assert (found.value, found.ci_low, found.ci_high) == (estimate.value, estimate.ci_low, estimate.ci_high)
    assert found.method == "BCa bootstrap"


def test_few_clusters_stay_within_0_and_100():
    found = accuracy([True, True, True, False], list("aabb")).overall
    assert (found.value, found.ci_low, found.ci_high, found.method) == (75.0, 0.0, 100.0, "t")


def test_where_all_agree_clusters_count_as_documents():
    found = accuracy([True] * 8, list("aabbccdd")).overall
    assert (found.ci_low, found.ci_high) == (100 * wilson_interval(4, 4)[0], 100.0)
    assert accuracy([False] * 8, list("aabbccdd")).overall.ci_high == 100 * wilson_interval(0, 4)[1]


def test_one_cluster_has_no_interval_and_no_documents_no_value():
    found = accuracy([True, False], ["a", "a"]).overall
    assert found.value == 50.0
    assert math.isnan(found.ci_low)
    nothing = accuracy([None, None])
    assert (nothing.overall.value, nothing.answered.n, nothing.failure_rate) == (0.0, 0, 100.0)
    assert math.isnan(nothing.answered.value)
    assert math.isnan(accuracy([]).overall.value)
    assert math.isnan(accuracy([]).failure_rate)


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match="2 documents but 1 clusters"):
        accuracy([True, False], ["a"])
    with pytest.raises(ValueError, match="confidence 95"):
        accuracy([True], confidence=95)
