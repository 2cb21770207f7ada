from __future__ import annotations

import math
import pickle
import random
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from lmms_eval_ja.judges import LEAST_COVERAGE, MetricItem, Score, Verdict
from lmms_eval_ja.judges.scores import (
    AGGREGATIONS,
    category_means_ja,
    category_ratios_ja,
    mean_ja,
    natural_key,
    percent_ja,
    ratio_of_means_ja,
    reference_mean_ja,
)
from support.verdicts import WatchedVerdict


def verdict(*runs: tuple[float, float | None], failure: str | None = None) -> Verdict:
    """A finished verdict of (answer's score, reference's score) per run, or of a failure."""
    made = Verdict()
    per_run = [{"score": score, "reference_score": reference, "failure": None} for score, reference in runs]
    made.finish({"failure": failure, "runs": per_run or [{"score": None, "reference_score": None}]})
    return made


def item(sample_id: object, *runs, failure: str | None = None, category: str = "", cluster: str = "") -> MetricItem:
    return MetricItem(
        sample_id=str(sample_id),
        answer="答え",
        category=category,
        cluster=cluster,
        verdict=verdict(*runs, failure=failure),
    )


def heron_items() -> list[MetricItem]:
    """Three categories of two documents on three images."""
    scores = [
        ("conv", 4, 8),
        ("conv", 8, 8),
        ("detail", 3, 6),
        ("detail", 6, 12),
        ("complex", 9, 10),
        ("complex", 9, 8),
    ]
    return [
        item(k, (score, reference), category=category, cluster=f"image{k % 3}")
        for k, (category, score, reference) in enumerate(scores)
    ]


def influences(items) -> list[float]:
    return [one["influence"] for one in items]


def lmms_eval_clustered(values, clusters) -> float:
    """lmms-eval 0.7.3's `clustered_stderr`, written down as its docstring states it."""
    x, n = np.asarray(values, dtype=float), len(values)
    cross = sum(
        (x[i] - x.mean()) * (x[j] - x.mean())
        for i in range(n)
        for j in range(n)
        if i != j and clusters[i] == clusters[j]
    )
    return math.sqrt(max(0.0, x.var(ddof=1) / n + cross / n**2))


# --- values ---


def test_the_names_in_the_registry():
    assert dict(AGGREGATIONS) == {
        "mean_ja": mean_ja,
        "percent_ja": percent_ja,
        "ratio_of_means_ja": ratio_of_means_ja,
        "category_ratios_ja": category_ratios_ja,
        "category_means_ja": category_means_ja,
        "reference_mean_ja": reference_mean_ja,
    }
    assert LEAST_COVERAGE == 0.95


def right_or_wrong(values: dict[str, Sequence[float | None]]) -> list[MetricItem]:
    """Items without a judge by category; None stands for a document whose picture is gone."""
    return [
        MetricItem(
            sample_id=f"{category}{n}",
            answer="A",
            category=category,
            value=value,
            failure="picture" if value is None else None,
        )
        for category, own in values.items()
        for n, value in enumerate(own)
    ]


def test_category_means_weigh_categories_alike():
    score = category_means_ja(right_or_wrong({"flower": [100, 0, 100, 100], "food": [0, 100]}))
    # (75 + 50) / 2
    assert score == pytest.approx(62.5)
    # the mean of the influences is the score: 62.5 + 6/(2·4)·(x − 75) or 62.5 + 6/(2·2)·(x − 50)
    assert [i["influence"] for i in score.report.items] == pytest.approx(
        [62.5 + 0.75 * 25, 62.5 - 0.75 * 75, 62.5 + 0.75 * 25, 62.5 + 0.75 * 25, 62.5 - 75, 62.5 + 75]
    )


def test_a_share_of_independent_documents_has_wilsons_interval():
    score = mean_ja(right_or_wrong({"food": [100] * 8 + [0] * 2}))
    # Wilson for 8 of 10 (tests/metrics/test_wilson.py); the error is that of the mean, sqrt(0.8·0.2·10/9)/sqrt(10)
    assert score == 80
    assert (score.estimate.ci_low, score.estimate.ci_high) == pytest.approx((49.02, 94.33), abs=0.01)
    assert score.estimate.standard_error == pytest.approx(100 * math.sqrt(0.16 / 9))
    assert score.estimate.method == "Wilson"


def test_answers_that_are_all_right_have_an_interval_of_as_many_as_there_are_pictures():
    items = right_or_wrong({"food": [100] * 20})
    for n, one in enumerate(items):
        one["cluster"] = str(n // 2)
    # 10 of 10 (tests/metrics/test_wilson.py)
    assert mean_ja(items).estimate.ci_low == pytest.approx(72.25, abs=0.01)
    items[0].value = 0.0
    assert mean_ja(items).estimate.method.endswith("bootstrap")


def test_documents_without_a_picture_are_left_out_however_many_they_are():
    score = mean_ja(right_or_wrong({"flower": [100, 0, None, None]}))
    assert score == 50
    assert (score.report.coverage, score.report.why_none) == (0.5, None)
    assert not score.report.incomplete
    gone = mean_ja(right_or_wrong({"flower": [None, None]}))
    assert math.isnan(gone)
    assert gone.report.why_none == "no sample of 2 has its picture"


def test_the_mean_and_its_influences():
    items = [item(k, (score, None)) for k, score in enumerate([1, 2, 6])]
    score = mean_ja(items)
    assert score == 3.0
    assert influences(items) == [1, 2, 6]
    # variance 7, error sqrt(7/3), as there are no clusters
    assert score.estimate.standard_error == pytest.approx(math.sqrt(7 / 3))
    assert (score.report.n, score.report.scored, score.report.coverage) == (3, 3, 1.0)
    assert score.report.runs == (3.0,)
    assert dict(score.report.failures) == {}
    assert score.report.why_none is None


def test_the_ratio_of_means():
    items = [item(k, pair) for k, pair in enumerate([(4, 8), (6, 10), (8, 6)])]
    # 18 / 24
    assert ratio_of_means_ja(items) == pytest.approx(75)
    # r̄ = 8: 0.75 + (4 − 6)/8 = 0.5, 0.75 + (6 − 7.5)/8 = 0.5625, 0.75 + (8 − 4.5)/8 = 1.1875
    assert influences(items) == pytest.approx([50, 56.25, 118.75])


def test_the_mean_over_categories():
    # conv 12/16 = 75, detail 9/18 = 50, complex 18/18 = 100: mean 75; the plain ratio were 39/52
    assert category_ratios_ja(heron_items()) == pytest.approx(75)
    assert ratio_of_means_ja(heron_items()) == pytest.approx(75)
    more = [*heron_items(), item(6, (10, 10), category="complex"), item(7, (10, 10), category="complex")]
    # complex 38/38 = 100 still: the categories weigh the same, the documents do not: 59/72
    assert category_ratios_ja(more) == pytest.approx(75)
    assert ratio_of_means_ja(more) == pytest.approx(100 * 59 / 72)


def test_the_means_that_a_ratio_hides():
    # 39 / 6 and 52 / 6
    assert mean_ja(heron_items()) == pytest.approx(6.5)
    assert reference_mean_ja(heron_items()) == pytest.approx(52 / 6)


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
def test_the_harness_prints_the_error_of_the_metric(name):
    rng = np.random.default_rng(0)
    items = [
        item(
            k,
            (float(rng.integers(1, 11)), float(rng.integers(5, 11))),
            category=("conv", "detail", "complex")[k % 3],
            cluster=f"image{k // 5}",
        )
        for k in range(60)
    ]
    score = AGGREGATIONS[name](items)
    clusters = [one["cluster"] for one in items]
    assert np.mean(influences(items)) == pytest.approx(float(score))
    assert lmms_eval_clustered(influences(items), clusters) == pytest.approx(score.estimate.standard_error)
    assert score.estimate.n_clusters == 12
    assert score.estimate.ci_low < score < score.estimate.ci_high


def test_documents_without_a_cluster_are_their_own():
    items = [item(k, (float(k % 5 + 1), None)) for k in range(20)]
    score = mean_ja(items)
    assert [one["cluster"] for one in items] == [str(k) for k in range(20)]
    clt = np.std(influences(items), ddof=1) / math.sqrt(20)
    assert score.estimate.standard_error == pytest.approx(clt)


# --- repeats ---


def test_over_repeats_the_runs_ratios_are_averaged():
    # run 0: 10/20 = 50; run 1: 18/12 = 150; the ratio of all scores were 28/32
    items = [item(0, (4, 10), (9, 6)), item(1, (6, 10), (9, 6))]
    score = ratio_of_means_ja(items)
    assert score == pytest.approx(100)
    assert score.report.runs == pytest.approx((50, 150))
    # run 0: 0.5 ± (4 − 5)/10 = 0.4, 0.6; run 1: 1.5, 1.5
    assert influences(items) == pytest.approx([95, 105])


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
def test_over_repeats_the_harness_prints_the_error_too(name):
    rng = np.random.default_rng(1)
    items = [
        item(
            k,
            *((float(rng.integers(1, 11)), float(rng.integers(5, 11))) for _ in range(3)),
            category=("conv", "detail")[k % 2],
            cluster=f"image{k // 4}",
        )
        for k in range(48)
    ]
    score = AGGREGATIONS[name](items)
    clusters = [one["cluster"] for one in items]
    assert len(score.report.runs) == 3
    assert np.mean(score.report.runs) == pytest.approx(float(score))
    assert lmms_eval_clustered(influences(items), clusters) == pytest.approx(score.estimate.standard_error)


# --- missing scores ---


def with_failures(n: int, failed: int, failure: str) -> list[MetricItem]:
    return [
        item(k, failure=failure) if k < failed else item(k, (float(k % 5 + 1), 5.0), category="conv") for k in range(n)
    ]


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
@pytest.mark.parametrize("failure", ["parse", "range", "refusal", "filter"])
def test_at_95_percent_there_is_a_headline_without_the_missing(name, failure):
    items = with_failures(100, 5, failure)
    score = AGGREGATIONS[name](items)
    assert math.isfinite(score)
    assert score == pytest.approx(float(AGGREGATIONS[name](items[5:])))
    assert (score.report.coverage, score.report.scored) == (0.95, 95)
    assert dict(score.report.failures) == {failure: 5}
    assert not score.report.incomplete
    assert all("influence" not in one for one in items[:5])
    assert all(math.isfinite(value) for value in influences(items[5:]))


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
def test_below_95_percent_there_is_none(name):
    items = with_failures(100, 6, "parse")
    score = AGGREGATIONS[name](items)
    assert math.isnan(score)
    assert math.isnan(score.estimate.standard_error)
    assert math.isnan(score.estimate.ci_low)
    assert score.report.coverage == 0.94
    assert score.report.why_none == "94 of 100 samples have a score; failures: 6 parse"
    assert not score.report.incomplete
    assert all("influence" not in one for one in items[:6])
    assert all(math.isnan(value) for value in influences(items[6:]))


@pytest.mark.parametrize("failure", ["transport", "key", "generation"])
def test_a_failure_that_can_be_mended_leaves_the_task_incomplete(failure):
    items = with_failures(100, 1, failure)
    score = mean_ja(items)
    assert math.isnan(score)
    assert score.report.incomplete
    assert score.report.coverage == 0.99
    assert score.report.why_none == f"99 of 100 samples have a score; failures: 1 {failure}"
    assert all(math.isnan(value) for value in influences(items[1:]))


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
def test_no_samples_give_no_score(name):
    score = AGGREGATIONS[name]([])
    assert math.isnan(score)
    assert score.report.why_none == "no samples"
    assert score.report.coverage == 0


def test_no_sample_with_a_score():
    score = category_ratios_ja(with_failures(3, 3, "refusal"))
    assert math.isnan(score)
    assert score.report.scored == 0


# --- plain numbers, items without a judge ---


def test_plain_numbers():
    score = mean_ja([10.0, 20.0, 60.0])
    assert score == 30
    assert score.estimate.influence.tolist() == [10, 20, 60]


def test_a_plain_nan_is_a_failed_generation():
    score = mean_ja([10.0] * 99 + [math.nan])
    assert math.isnan(score)
    assert dict(score.report.failures) == {"generation": 1}
    assert score.report.incomplete


def test_items_with_a_value_of_their_own():
    items = [MetricItem(sample_id=str(k), answer="", value=value) for k, value in enumerate([0.0, 50.0])]
    assert mean_ja(items) == 25
    failed = MetricItem(sample_id="2", answer="", failure="generation")
    assert failed.failed() == "generation"
    assert math.isnan(mean_ja([*items, failed]))


# --- order, pickling ---


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
def test_the_order_of_the_items_moves_no_digit(name):
    rng = np.random.default_rng(2)
    scores = [(float(rng.uniform(1, 10)), float(rng.uniform(1, 10))) for _ in range(50)]

    def made() -> list[MetricItem]:
        return [item(k, pair, category=("a", "b")[k % 2], cluster=f"c{k % 17}") for k, pair in enumerate(scores)]

    straight, mixed = made(), made()
    random.Random(0).shuffle(mixed)  # noqa: S311 (a test's order)
    one, two = AGGREGATIONS[name](straight), AGGREGATIONS[name](mixed)
    assert one.estimate == two.estimate
    assert {i.sample_id: i["influence"] for i in straight} == {i.sample_id: i["influence"] for i in mixed}
    assert [i.sample_id for i in two.report.items] == [str(k) for k in range(50)]


def test_samples_are_sorted_as_people_count():
    assert sorted(["q10", "q2", "q1-11", "q1-2", "b", "3"], key=natural_key) == ["3", "b", "q1-2", "q1-11", "q2", "q10"]


def test_a_score_is_a_number_that_keeps_its_report_when_pickled():
    items = heron_items()
    score = category_ratios_ja(items)
    copy = pickle.loads(pickle.dumps(score))  # noqa: S301 (our own bytes)
    assert isinstance(copy, float)
    assert type(copy) is Score
    assert copy == score
    assert copy.estimate == score.estimate
    assert copy.report.n == 6
    assert [one.sample_id for one in copy.report.items] == ["0", "1", "2", "3", "4", "5"]
    assert [one.failed() for one in copy.report.items] == [None] * 6
    assert influences(copy.report.items) == influences(items)


def test_an_item_pickles_with_its_verdict_and_what_is_shared_stays_shared():
    shared = verdict((3.0, None))
    pair = [MetricItem(sample_id="1", answer="答え", category="conv", verdict=shared) for _ in range(2)]
    one, two = pickle.loads(pickle.dumps(pair))  # noqa: S301 (our own bytes)
    assert (one.sample_id, one.answer, one.category) == ("1", "答え", "conv")
    assert dict(one) == {"cluster": "1", "category": "conv"}
    assert one.verdict is two.verdict
    assert one.scores(0)[0] == 3.0


def test_the_aggregation_waits_for_the_verdicts():
    pending = WatchedVerdict()
    result: list[Score] = []
    thread = threading.Thread(
        target=lambda: result.append(mean_ja([MetricItem(sample_id="1", answer="", verdict=pending)]))
    )
    thread.start()
    assert pending.waited_for.wait(30)
    assert result == []
    pending.finish(dict(verdict((4.0, None))))
    thread.join(30)
    assert result == [4.0]
