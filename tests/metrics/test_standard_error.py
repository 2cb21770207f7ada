import math

import numpy as np
import pytest

from lmms_eval_ja.metrics import clustered_standard_error


def test_a_case_by_hand():
    # x̄ = 3, deviations −2 −1 0 3, s² = 14/3; cross terms: cluster a 2·(−2)(−1) = 4, cluster b 2·0·3 = 0.
    # sqrt(14/3/4 + 4/16) = sqrt(17/12)
    assert clustered_standard_error([1, 2, 3, 6], ["a", "a", "b", "b"]) == pytest.approx(math.sqrt(17 / 12))


def test_clusters_of_one_give_the_plain_error():
    values = np.random.default_rng(0).random(50)
    assert clustered_standard_error(values, range(50)) == pytest.approx(values.std(ddof=1) / math.sqrt(50))


def test_equals_lmms_eval():
    metrics = pytest.importorskip("lmms_eval.api.metrics")
    rng = np.random.default_rng(0)
    for n, n_clusters in ((2, 2), (7, 3), (103, 21), (1000, 50), (1000, 1000)):
        values = rng.normal(50, 20, n)
        clusters = [f"image {number}" for number in rng.integers(0, n_clusters, n)]
        values += 10 * np.array([int(cluster[6:]) % 5 for cluster in clusters])
        theirs = metrics.clustered_stderr(values.tolist(), clusters)
        assert clustered_standard_error(values, clusters) == pytest.approx(theirs, rel=1e-9)


def test_the_order_of_the_documents_changes_nothing():
    rng = np.random.default_rng(0)
    values, clusters, order = rng.random(200), rng.integers(0, 20, 200), rng.permutation(200)
    assert clustered_standard_error(values[order], clusters[order].tolist()) == clustered_standard_error(
        values, clusters.tolist()
    )


def test_rounding_below_zero_is_zero():
    # Clusters that cancel: the cross terms take nearly the whole variance away.
    assert clustered_standard_error([1, 1, 1], "aab") == 0.0
    assert clustered_standard_error([0.1, 0.3] * 1000, [0] * 2000) < 1e-3


@pytest.mark.parametrize("values", [[], [1.0]])
def test_fewer_than_two_documents_have_no_error(values):
    assert math.isnan(clustered_standard_error(values, ["a"] * len(values)))


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="2 values but 1 clusters"):
        clustered_standard_error([1.0, 2.0], ["a"])
