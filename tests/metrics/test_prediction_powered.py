"""Prediction-powered inference: by value, its limits, and how often its intervals cover."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from lmms_eval_ja.metrics import clustered_standard_error, prediction_powered_mean
from support.benchmarks import SHARED, needs_shared

HUMAN, JUDGED, OTHERS = [2, 4, 2, 4, 3], [3, 4, 2, 5, 4], [4, 5, 3, 4, 5, 2, 4, 3, 5, 4]


@needs_shared
def test_golden_case() -> None:
    assert SHARED is not None
    golden = json.loads((SHARED / "golden/golden_judge_correction.json").read_text("utf-8"))["ppi"]
    data = [golden[name] for name in ("human_labelled", "judge_labelled", "judge_unlabelled")]
    plain, tuned = (prediction_powered_mean(*data, method=method) for method in ("ppi", "ppi++"))
    assert plain.value == pytest.approx(golden["classical_ppi_mean"], rel=1e-12)
    assert plain.standard_error == pytest.approx(golden["classical_ppi_se_ddof1"], rel=1e-12)
    assert plain.judge_mean == pytest.approx(golden["naive_judge_mean"], rel=1e-12)
    assert plain.labels_mean == pytest.approx(golden["human_only_mean"], rel=1e-12)
    assert tuned.power == pytest.approx(golden["ppi_plusplus_lambda_clipped"], rel=1e-12)
    assert tuned.value == pytest.approx(golden["ppi_plusplus_mean"], rel=1e-12)
    assert tuned.standard_error == pytest.approx(golden["ppi_plusplus_se_ddof1"], rel=1e-12)


def test_ppi_by_hand() -> None:
    found = prediction_powered_mean(HUMAN, JUDGED, OTHERS, method="ppi")
    # The judge's 3.9 less its bias (1 + 0 + 0 + 1 + 1)/5.
    assert found.value == pytest.approx(3.9 - 0.6)
    assert found.bias == pytest.approx(0.6)
    # Deviations of the others: squares 8.9 in all, of h − f: 2 · 0.36 + 3 · 0.16 = 1.2.
    assert found.standard_error == pytest.approx(math.sqrt(8.9 / 9 / 10 + 1.2 / 4 / 5))
    # t of 5 − 1 degrees at 97.5 %
    assert found.ci_high - found.value == pytest.approx(2.776445 * found.standard_error, rel=1e-6)
    assert (found.n, found.n_others, found.n_clusters, found.power) == (5, 10, (5, 10), 1)


def test_the_fitted_weight_costs_a_degree_of_freedom() -> None:
    found = prediction_powered_mean(HUMAN, JUDGED, OTHERS)
    # t of 3 degrees, times √(4/3)
    assert found.ci_high - found.value == pytest.approx(3.182446 * math.sqrt(4 / 3) * found.standard_error, rel=1e-6)


def test_labels_alone() -> None:
    alone = prediction_powered_mean(HUMAN, JUDGED, OTHERS, method="labels")
    # s² = (1 + 1 + 1 + 1 + 0)/4
    assert (alone.value, alone.power) == (3, 0)
    assert alone.standard_error == pytest.approx(math.sqrt(1 / 5))
    assert (alone.ci_low, alone.ci_high) == (alone.labels_ci_low, alone.labels_ci_high)
    everything = prediction_powered_mean(HUMAN, JUDGED, [])
    assert (everything.method, everything.value, everything.standard_error) == ("labels", 3, alone.standard_error)
    assert math.isnan(everything.judge_mean)


@pytest.mark.parametrize("judged", [[4, 4, 4, 4, 4], [3, 1, 3, 1, 2]])
def test_a_judge_that_tells_nothing_or_the_contrary_is_not_used(judged: list[float]) -> None:
    others = [judged[0]] * 10 if len(set(judged)) == 1 else OTHERS
    found = prediction_powered_mean(HUMAN, judged, others)
    assert found.power == 0
    assert found.value == 3


def test_a_judge_that_is_off_by_a_constant_is_as_good_as_people() -> None:
    others = np.random.default_rng(0).integers(1, 5, 500)
    found = prediction_powered_mean([1, 2, 3, 4], [2, 3, 4, 5], others + 1, method="ppi")
    assert found.value == pytest.approx(others.mean())
    assert found.standard_error == pytest.approx(others.std(ddof=1) / math.sqrt(500))
    assert found.ci_low < others.mean() < found.ci_high


def test_clusters_of_one_change_nothing() -> None:
    alone = prediction_powered_mean(HUMAN, JUDGED, OTHERS)
    assert prediction_powered_mean(HUMAN, JUDGED, OTHERS, clusters=(range(5), range(5, 15))) == alone


def test_labels_in_clusters_have_the_clustered_error() -> None:
    rng = np.random.default_rng(0)
    images = np.repeat(np.arange(10), 3).tolist()
    h = np.repeat(rng.normal(5, 1, 10), 3) + rng.normal(0, 0.3, 30)
    found = prediction_powered_mean(h, h, h, method="labels", clusters=(images, images))
    assert found.standard_error == pytest.approx(clustered_standard_error(h, images))
    assert found.n_clusters == (10, 10)


def test_documents_of_one_image_on_both_sides_are_not_independent() -> None:
    # λ = 1, h − f of an image is minus what its other documents are above the mean: what one side adds the other takes.
    h, f = np.zeros(6), np.array([1.0, 1, 2, 2, 3, 3])
    images = ([0, 0, 1, 1, 2, 2], [0, 1, 2])
    found = prediction_powered_mean(h, f, [1, 2, 3], method="ppi", clusters=images)
    assert found.value == 0
    # Var of the labelled part 2(1 + 1)/(6·5) + 2·2/36 (pairs within), of the others 2/(2·3), both together
    # −2·(2 + 2)/(6·3): 2/15 + 1/9 + 1/3 − 4/9.
    assert found.standard_error == pytest.approx(math.sqrt(2 / 15 + 1 / 9 + 1 / 3 - 4 / 9))


def test_a_single_cluster_of_labels_gives_no_interval() -> None:
    found = prediction_powered_mean(HUMAN, JUDGED, OTHERS, clusters=(["a"] * 5, list("bcdefghijk")))
    assert math.isnan(found.ci_low)
    two = prediction_powered_mean(HUMAN, JUDGED, OTHERS, clusters=(list("aabbb"), list("bcdefghijk")))
    assert math.isnan(two.ci_low)  # one degree of freedom went into λ
    assert not math.isnan(two.labels_ci_low)


@pytest.mark.parametrize("by_image", [False, True])
def test_the_interval_covers_and_is_narrower_than_that_of_the_labels(by_image: bool) -> None:
    """200 images with 5 answers, 200 labels (of random answers, or of all answers on 40 images), correlation 0.8."""
    rng, runs = np.random.default_rng(1), 500
    images = np.repeat(np.arange(200), 5)
    held, width, correlations = dict.fromkeys(("ppi", "ppi++"), 0), dict.fromkeys(("ppi", "ppi++", "labels"), 0.0), []
    for _ in range(runs):
        # var(h) = 0.6² + 0.8² = 1, the judge's noise 0.35² + 0.66² = 0.558: correlation √(1/1.558) = 0.80.
        h = (6 + rng.normal(0, 0.6, (200, 1)) + rng.normal(0, 0.8, (200, 5))).reshape(-1)
        f = h + (rng.normal(0, 0.35, (200, 1)) + rng.normal(0.4, 0.66, (200, 5))).reshape(-1)
        correlations.append(np.corrcoef(h, f)[0, 1])
        has = np.zeros(1000, dtype=bool)
        has[rng.choice(1000, 200, replace=False)] = True
        if by_image:
            has = np.isin(images, rng.choice(200, 40, replace=False))
        among = (images[has].tolist(), images[~has].tolist())
        for method in held:
            found = prediction_powered_mean(h[has], f[has], f[~has], method=method, clusters=among)  # type: ignore[arg-type]
            held[method] += found.ci_low <= 6 <= found.ci_high
            width[method] += found.ci_high - found.ci_low
        width["labels"] += found.labels_ci_high - found.labels_ci_low
    assert np.mean(correlations) == pytest.approx(0.8, abs=0.01)
    shares = {name: count / runs for name, count in held.items()}
    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares
    assert width["ppi++"] < 0.85 * width["labels"]
    assert width["ppi"] < width["labels"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(prediction_powered_mean, [1, 2], [1, 2], [3]), "2 labels; 3 are needed"),
        (partial(prediction_powered_mean, HUMAN, [1], OTHERS), "5 labels but 1 judged"),
        (partial(prediction_powered_mean, HUMAN, JUDGED, [math.nan]), r"judged_others\[0\] is nan; leave missing"),
        (partial(prediction_powered_mean, HUMAN, JUDGED, OTHERS, method="ppi2"), "unknown method 'ppi2'; expected"),
        (partial(prediction_powered_mean, HUMAN, JUDGED, OTHERS, confidence=95), "confidence 95"),
        (
            partial(prediction_powered_mean, HUMAN, JUDGED, OTHERS, clusters=([1], range(10))),
            "5 labels but 1 clusters of labelled documents",
        ),
    ],
)
def test_wrong_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
