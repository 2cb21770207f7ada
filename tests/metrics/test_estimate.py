import json
import math
import warnings
from dataclasses import FrozenInstanceError
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lmms_eval_ja.metrics import clustered_standard_error, mean, mean_of_ratios, ratio_of_means

SHARED = Path(__file__).parents[2].parent / "shared"


def read(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} of ../shared is not here")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def no_warning_leaks():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def heron_data(seed=0):
    """103 documents on 21 images, 42 conv, 40 complex, 21 detail, scores 1 to 10 that depend on the image."""
    rng = np.random.default_rng(seed)
    categories = np.array(["conv"] * 42 + ["complex"] * 40 + ["detail"] * 21)
    images = np.concatenate([np.arange(42) % 21, np.arange(40) % 21, np.arange(21)])
    effect = rng.normal(0, 1.5, 21)[images]
    model = np.clip(np.rint(6 + effect + rng.normal(0, 1.5, 103)), 1, 10)
    reference = np.clip(np.rint(8.5 + 0.3 * effect + rng.normal(0, 1, 103)), 1, 10)
    return model, reference, categories.tolist(), images.tolist()


# --- values and influences ---


def test_a_plain_mean():
    estimate = mean([1.0, 2.0, 6.0])
    assert estimate.value == 3.0
    assert estimate.influence.tolist() == [1.0, 2.0, 6.0]
    # variance (4 + 1 + 9) / 2 = 7, error sqrt(7 / 3); t of 2 degrees at 97.5 % is 4.302653
    assert estimate.standard_error == pytest.approx(math.sqrt(7 / 3))
    assert estimate.ci_high == pytest.approx(3 + 4.302653 * math.sqrt(7 / 3), rel=1e-6)
    assert estimate.ci_low == pytest.approx(3 - 4.302653 * math.sqrt(7 / 3), rel=1e-6)
    assert (estimate.n, estimate.n_clusters, estimate.method) == (3, 3, "t")


def test_a_ratio_of_means():
    estimate = ratio_of_means([4, 6, 8], [8, 10, 6])
    # 18 / 24
    assert estimate.value == pytest.approx(75)
    # r̄ = 8: 0.75 + (4 − 6)/8 = 0.5, 0.75 + (6 − 7.5)/8 = 0.5625, 0.75 + (8 − 4.5)/8 = 1.1875
    assert estimate.influence == pytest.approx([50, 56.25, 118.75])
    assert estimate.standard_error == pytest.approx(np.std([50, 56.25, 118.75], ddof=1) / math.sqrt(3))


def test_a_mean_of_ratios_weighs_categories_and_not_documents():
    estimate = mean_of_ratios([5, 8, 6, 10], [10, 10, 10, 10], ["detail", "conv", "conv", "conv"])
    # detail 5/10 = 0.5, conv 24/30 = 0.8, mean 0.65; by documents it would be 29/40 = 0.725
    assert estimate.value == pytest.approx(65)
    # n/(C·n_c) = 4/2 and 4/6: 0.65 + 2·0; 0.65 + (2/3)·(0, −2, 2)/10
    assert estimate.influence == pytest.approx([65, 65, 65 - 40 / 3, 65 + 40 / 3])


def test_one_category_is_a_ratio_of_means():
    model, reference, _, images = heron_data()
    alone = mean_of_ratios(model, reference, ["conv"] * 103, images)
    assert alone == ratio_of_means(model, reference, images)


def test_the_mean_of_the_influences_is_the_value():
    model, reference, categories, images = heron_data()
    for estimate in (
        mean(model, images),
        ratio_of_means(model, reference, images),
        mean_of_ratios(model, reference, categories, images),
    ):
        assert estimate.influence.shape == (103,)
        assert estimate.influence.mean() == pytest.approx(estimate.value, rel=1e-12)
        assert clustered_standard_error(estimate.influence, images) == pytest.approx(estimate.standard_error)
        assert estimate.ci_low < estimate.value < estimate.ci_high
        assert (estimate.n, estimate.n_clusters, estimate.method) == (103, 21, "BCa bootstrap")


def test_table_9_of_the_paper():
    table = read("data/published/llm_jp_3_vila_tables.json")["table9"]
    assert len(table) == 14
    categories = ["detail", "conv", "complex"]
    for row in table.values():
        estimate = mean_of_ratios([row[name] for name in categories], [100.0] * 3, categories)
        assert estimate.value == pytest.approx(row["average"], abs=0.07)


def test_aggregates_of_the_peer():
    met = []
    for case in read("golden/heron_aggregate.json"):
        scores = [(one["score"], one["score_gpt"]) for one in case["scores"]]
        kept = [(m, r, c) for (m, r), c in zip(scores, case["categories"], strict=True) if c != "other"]
        model, reference, categories = zip(*kept, strict=True)
        if min(model) < 0 or min(reference) <= 0:
            continue  # a failure counted as −1, or a reference of 0: there this project differs on purpose
        output = case["output"]
        assert set(categories) == {"conv", "detail", "complex"}
        assert mean_of_ratios(model, reference, categories).value == pytest.approx(output["overall_score"], rel=1e-12)
        for name in set(categories):
            chosen = [(m, r) for m, r, c in kept if c == name]
            ratio = ratio_of_means(*zip(*chosen, strict=True))
            assert ratio.value == pytest.approx(output["details"][f"{name}_rel"], rel=1e-12)
        met.append(case["name"])
    assert met == ["simple_all_5_vs_10", "all_zero", "unknown_category", "model_beats_gpt", "random_102"]


# --- standard errors and intervals ---


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_error_agrees_with_a_cluster_bootstrap(seed):
    model, reference, categories, images = map(np.asarray, heron_data(seed))
    totals = np.array(
        [
            [[values[(images == image) & (categories == name)].sum() for name in ("conv", "complex", "detail")]
             for values in (model, reference)]
            for image in range(21)
        ]
    )  # fmt: skip
    drawn = np.random.default_rng(seed + 100).integers(0, 21, (10_000, 21))
    sums = totals[drawn].sum(axis=1)
    bootstrapped = 100 * (sums[:, 0] / sums[:, 1]).mean(axis=1)
    estimate = mean_of_ratios(model, reference, categories.tolist(), images.tolist())
    assert estimate.standard_error == pytest.approx(bootstrapped.std(ddof=1), rel=0.05)
    percentiles = np.percentile(bootstrapped, [2.5, 97.5])
    assert [estimate.ci_low, estimate.ci_high] == pytest.approx(percentiles, abs=0.5 * estimate.standard_error)


def test_the_same_seed_gives_the_same_interval():
    model, reference, categories, images = heron_data()
    first = mean_of_ratios(model, reference, categories, images, seed=3)
    assert mean_of_ratios(model, reference, categories, images, seed=3) == first
    other = mean_of_ratios(model, reference, categories, images, seed=4)
    assert other.ci_low != first.ci_low
    assert other.standard_error == first.standard_error


@pytest.mark.parametrize("clustered", [True, False])
def test_the_order_of_the_documents_changes_nothing(clustered):
    model, reference, categories, images = heron_data()
    model = model + np.random.default_rng(1).normal(0, 0.1, 103)  # sums that rounding could tell apart
    clusters = [f"image {image}" for image in images] if clustered else None
    first = mean_of_ratios(model, reference, categories, clusters)
    order = np.random.default_rng(2).permutation(103).tolist()
    second = mean_of_ratios(
        model[order],
        reference[order],
        [categories[i] for i in order],
        [clusters[i] for i in order] if clusters else None,
    )
    assert second == first
    assert (second.influence == first.influence[order]).all()


def test_a_wider_confidence_gives_a_wider_interval():
    values = list(range(40))
    narrow, wide = mean(values, confidence=0.8), mean(values, confidence=0.99)
    assert wide.ci_low < narrow.ci_low < narrow.ci_high < wide.ci_high


def test_few_clusters_give_students_t():
    clusters = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    estimate = mean([1, 2, 3, 2, 3, 4, 9, 9, 9], clusters)
    assert estimate.method == "t"
    # t of 3 − 1 degrees at 97.5 %
    assert estimate.ci_high - estimate.value == pytest.approx(4.302653 * estimate.standard_error, rel=1e-6)
    assert mean(range(9)).method == "t"
    assert mean(range(10)).method == "BCa bootstrap"


@pytest.mark.parametrize(("values", "clusters"), [([7.0], None), ([7.0, 8.0, 9.0], ["a"] * 3)])
def test_a_single_cluster_has_a_value_and_no_error(values, clusters):
    estimate = mean(values, clusters)
    assert estimate.value == pytest.approx(np.mean(values))
    assert math.isnan(estimate.standard_error)
    assert math.isnan(estimate.ci_low)
    assert math.isnan(estimate.ci_high)
    assert (estimate.n_clusters, estimate.method) == (1, "none")


@pytest.mark.parametrize("n", [2, 9, 10, 50])
@pytest.mark.parametrize("value", [0.0, 0.1, 5.0])
def test_equal_values_give_an_interval_without_width(n, value):
    estimate = mean([value] * n)
    assert estimate.value == pytest.approx(value)
    assert estimate.standard_error == pytest.approx(0, abs=1e-15)
    assert estimate.ci_low == pytest.approx(estimate.value, abs=1e-15)
    assert estimate.ci_high == pytest.approx(estimate.value, abs=1e-15)


def test_equal_clusters_fall_back_to_percentiles():
    # Documents differ and clusters do not: every resample gives 2.
    estimate = mean([1, 3] * 12, [i // 2 for i in range(24)])
    assert (estimate.ci_low, estimate.ci_high, estimate.method) == (2.0, 2.0, "percentile bootstrap")


def test_resamples_without_a_category_are_left_out():
    # One document of "a": a resample of 12 documents misses it with a probability of (11/12)^12 = 0.35.
    estimate = mean_of_ratios([5, *[4, 6] * 5, 5], [10] * 12, ["a", *["b"] * 11])
    assert estimate.method == "percentile bootstrap"
    assert 45 < estimate.ci_low < 50 < estimate.ci_high < 55


def test_more_than_5000_documents_take_percentiles():
    values = np.random.default_rng(0).random(5_001)
    estimate = mean(values, resamples=200)
    assert estimate.method == "percentile bootstrap"
    assert estimate.ci_high - estimate.ci_low == pytest.approx(2 * 1.96 * estimate.standard_error, rel=0.25)


# --- no score ---


@pytest.mark.parametrize(
    ("estimate", "n"),
    [
        (partial(mean, []), 0),
        (partial(ratio_of_means, [], []), 0),
        (partial(mean_of_ratios, [], [], [], []), 0),
        (partial(ratio_of_means, [5, 6], [0, 0]), 2),
        (partial(ratio_of_means, [0, 0], [0, 0]), 2),
        (partial(mean_of_ratios, [5, 6, 7], [10, 10, 0], ["a", "a", "b"]), 3),
    ],
)
def test_no_documents_or_no_reference_is_nan_and_never_infinite(estimate, n):
    result = estimate()
    assert all(map(math.isnan, (result.value, result.standard_error, result.ci_low, result.ci_high)))
    assert result.influence.shape == (n,)
    assert np.isnan(result.influence).all()
    assert (result.n, result.method) == (n, "none")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(mean, [1, math.nan]), r"values\[1\] is nan; leave missing scores out"),
        (partial(ratio_of_means, [1, 2], [1, math.inf]), r"reference\[1\] is inf"),
        (partial(ratio_of_means, [None, 2], [1, 2]), r"model\[0\] is nan"),
        (partial(mean, [[1.0, 2.0]]), r"values has shape \(1, 2\); expected one number per document"),
        (partial(ratio_of_means, [1, 2], [1]), "2 documents but 1 reference"),
        (partial(mean_of_ratios, [1, 2], [1, 2], ["a"]), "2 documents but 1 categories"),
        (partial(mean, [1, 2], ["a"]), "2 documents but 1 clusters"),
        (partial(mean, [1, 2], confidence=95), "confidence 95; expected a number between 0 and 1"),
        (partial(mean, [1, 2], resamples=0), "0 resamples; expected 1 or more"),
    ],
)
def test_wrong_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_estimate_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        mean([1, 2]).value = 3.0
