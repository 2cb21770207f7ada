"""Agreement of a judge with trusted scores: by value, where it does not exist, and how often its intervals cover."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lmms_eval_ja.metrics import Agreement, agreement
from lmms_eval_ja.metrics._meta_evaluation import STATISTICS
from support.benchmarks import SHARED, needs_shared
from support.scored_pairs import population

_GOLDEN_NAMES = {
    "bias_judge_minus_human": "bias",
    "exact_match": "exact",
    "within_1": "within_one",
    "quadratic_kappa_observed_range": "quadratic_kappa",
}
HUMAN, JUDGE = [9, 8, 3, 6, 7, 1, 10, 5, 4, 8], [8, 8, 4, 6, 6, 1, 9, 3, 5, 7]


def _values(found: Agreement) -> dict[str, float | None]:
    return {name: one.value for name, one in found.statistics.items()}


def _golden() -> list[dict[str, Any]]:
    if SHARED is None:
        return []
    cases: list[dict[str, Any]] = json.loads((SHARED / "golden/golden_agreement.json").read_text("utf-8"))["cases"]
    return cases


@needs_shared
@pytest.mark.parametrize("case", _golden(), ids=lambda case: case["name"])
def test_golden_cases(case: dict[str, Any]) -> None:
    found, expected = agreement(case["human"], case["judge"]), case["expected"]
    fisher = expected.pop("pearson_ci95_fisher", None)
    assert found.n == expected.pop("n")
    expected.pop("kendall_tau_c")  # depends on how many scores a sample happens to have
    values = _values(found)
    for name, value in expected.items():
        assert values[_GOLDEN_NAMES.get(name, name)] == pytest.approx(value, abs=1e-12), name
    assert found.pearson_fisher == (None if fisher is None else pytest.approx(fisher))


def test_by_hand() -> None:
    values = _values(agreement([1, 2, 3, 4], [1, 3, 2, 4]))
    # Sum of products of deviations 4, of squares 5 and 5; five pairs concordant, one discordant; |d| = 0 1 1 0.
    assert values["pearson"] == pytest.approx(0.8)
    assert values["spearman"] == pytest.approx(0.8)
    assert values["kendall_tau_b"] == pytest.approx(4 / 6)
    assert values["mae"] == 0.5
    assert values["bias"] == 0
    assert values["exact"] == 0.5
    assert values["within_one"] == 1
    assert values["strict_division"] == 0.5  # 1 and 4 alone
    assert values["fuzzy_division"] == 1  # 1 to 3 is one bin


def test_ties_are_treated_as_scipy_does() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(1, 6, (2, 300)).astype(float)
    y = np.where(rng.random(300) < 0.5, x, y)
    values = _values(agreement(x, y))
    assert values["pearson"] == pytest.approx(stats.pearsonr(x, y).statistic)
    assert values["spearman"] == pytest.approx(stats.spearmanr(x, y).statistic)
    assert values["kendall_tau_b"] == pytest.approx(stats.kendalltau(x, y).statistic)


@pytest.mark.parametrize("clusters", [None, [n // 10 for n in range(200)]])
def test_scores_without_ties(clusters: list[int] | None) -> None:
    x, e = np.random.default_rng(0).normal(5, 1, (2, 200))
    values = _values(agreement(x, x + e - 5, clusters=clusters, strict_bins=None, fuzzy_bins=None))
    assert values["kendall_tau_b"] == pytest.approx(stats.kendalltau(x, x + e - 5).statistic)
    assert values["spearman"] == pytest.approx(stats.spearmanr(x, x + e - 5).statistic)


def test_missing_scores_are_left_out_and_counted() -> None:
    found = agreement([9, None, 3, 6, 7, math.nan], [8, 8, None, 6, 6, None])
    assert (found.n, found.without_trusted, found.without_judged) == (3, 2, 1)
    assert found.statistics["mae"].value == pytest.approx(2 / 3)


def test_a_constant_judge_has_errors_and_no_correlation() -> None:
    found = agreement(HUMAN, [7] * 10)
    for name in ("pearson", "spearman", "kendall_tau_b", "quadratic_kappa"):
        assert found.statistics[name].value is None
        assert found.statistics[name].why_none == "the judge scores every answer 7"
    assert found.statistics["bias"].value == pytest.approx(0.9)  # 7 − 6.1
    assert agreement([7] * 10, JUDGE).statistics["pearson"].why_none == "all trusted scores are 7"


def test_a_judge_that_is_constant_but_for_rounding_has_no_correlation() -> None:
    found = agreement([1, 2, 3, 4, 5], [0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2, 0.3], strict_bins=None, fuzzy_bins=None)
    for name in ("pearson", "spearman", "kendall_tau_b", "quadratic_kappa"):
        assert found.statistics[name].why_none == "the judge scores every answer 0.3"


@pytest.mark.parametrize("n", [0, 2])
def test_two_pairs_say_nothing(n: int) -> None:
    found = agreement(HUMAN[:n], JUDGE[:n])
    assert set(_values(found).values()) == {None}
    assert found.statistics["mae"].why_none == f"{n} answers have both scores; 3 are needed"


def test_perfect_agreement_has_no_interval_but_that_of_a_share() -> None:
    found = agreement([1, 3, 6, 8, 10], [1, 3, 6, 8, 10])
    assert found.statistics["pearson"].ci_low is None
    assert found.statistics["mae"].why_no_interval == "it is the same in every resample"
    # Clopper and Pearson's for 5 of 5: 0.025^(1/5)
    exact = found.statistics["exact"]
    assert (exact.value, exact.ci_low, exact.ci_high) == (1, pytest.approx(0.025 ** (1 / 5)), 1)
    none = agreement([1, 2, 3], [7, 8, 9]).statistics["exact"]
    assert (none.value, none.ci_low, none.ci_high) == (0, 0, pytest.approx(1 - 0.025 ** (1 / 3)))


def test_one_image_gives_no_interval() -> None:
    found = agreement(HUMAN, JUDGE, clusters=["a"] * 10)
    assert found.n_clusters == 1
    for one in found.statistics.values():
        assert one.ci_low is None
        assert one.why_no_interval == "all answers are of one cluster"


def test_the_bias_has_the_interval_of_a_mean() -> None:
    # d = −1 0 1 0 −1 0 −1 −2 1 −1, s² = 8.4/9; t of 9 degrees at 97.5 % is 2.262157. The bootstrap's error (times
    # √(10/9)) is that of s/√10 but for the noise of 20,000 resamples.
    bias = agreement(HUMAN, JUDGE, resamples=20_000).statistics["bias"]
    assert bias.ci_high is not None
    assert bias.ci_high + 0.4 == pytest.approx(2.262157 * math.sqrt(8.4 / 9 / 10), rel=0.02)


def test_scales_that_differ_leave_correlations() -> None:
    found = agreement(HUMAN, [score / 2 for score in JUDGE], same_scale=False)
    values = _values(found)
    assert values["pearson"] == pytest.approx(0.9429140723896728)
    assert {name for name, value in values.items() if value is not None} == {"pearson", "spearman", "kendall_tau_b"}
    assert found.statistics["mae"].why_none == "the two scales differ"


def test_a_scale_may_have_no_bins() -> None:
    found = agreement(HUMAN, JUDGE, strict_bins=None)
    assert found.statistics["strict_division"].why_none == "the scale has no bins"
    assert found.statistics["fuzzy_division"].value == pytest.approx(0.6)


def test_categories_have_their_own() -> None:
    categories = ["conv"] * 6 + ["detail"] * 4
    found = agreement(HUMAN, JUDGE, clusters=list("aabbccddee"), categories=categories)
    assert list(found.categories) == ["conv", "detail"]
    conv = agreement(HUMAN[:6], JUDGE[:6], clusters=list("aabbcc"))
    assert found.categories["conv"] == conv
    assert found.n == 10


def test_the_same_input_gives_the_same_numbers_in_any_order() -> None:
    x, y, images = population().draw(np.random.default_rng(3), 21, 5)
    first = agreement(x, y, clusters=images)
    assert agreement(x, y, clusters=images) == first
    order = np.random.default_rng(4).permutation(len(x))
    second = agreement(x[order], y[order], clusters=[images[at] for at in order])
    for name in STATISTICS:
        one, other = first.statistics[name], second.statistics[name]
        assert (other.value, other.ci_low, other.ci_high) == pytest.approx((one.value, one.ci_low, one.ci_high))
    assert agreement(x, y, clusters=images, seed=1) != first


def test_images_widen_the_intervals() -> None:
    # Two scores of each answer's image twice over: as many pairs, half the knowledge.
    x, y, _ = population().draw(np.random.default_rng(5), 60, 1)
    x, y = np.repeat(x, 4), np.repeat(y, 4)
    alone, together = agreement(x, y), agreement(x, y, clusters=[at // 4 for at in range(240)])
    for name in ("pearson", "mae", "bias", "exact"):
        widths = [
            one.ci_high - one.ci_low
            for found in (alone, together)
            if (one := found.statistics[name]).ci_low is not None and one.ci_high is not None
        ]
        assert widths[1] == pytest.approx(2 * widths[0], rel=0.35)


def test_the_intervals_cover() -> None:
    """200 images with 5 answers each: 93 % to 97 % of the intervals hold the population's value."""
    whole = population()
    truth, rng, runs = whole.truth(), np.random.default_rng(1), 600
    covered = dict.fromkeys(STATISTICS, 0)
    for _ in range(runs):
        x, y, images = whole.draw(rng, 200, 5)
        for name, one in agreement(x, y, clusters=images, resamples=250).statistics.items():
            assert one.ci_low is not None
            assert one.ci_high is not None
            covered[name] += one.ci_low <= truth[name] <= one.ci_high
    # The standard error of a coverage of 95 % in 600 runs is √(0.95 · 0.05 / 600) = 0.9 %.
    shares = {name: float(count / runs) for name, count in covered.items()}
    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(agreement, [1, 2], [1]), "2 trusted scores but 1 judged"),
        (partial(agreement, [1, 2], [1, 2], clusters=[1]), "2 trusted scores but 1 clusters"),
        (partial(agreement, [1, 2], [1, 2], categories=["a"]), "2 trusted scores but 1 categories"),
        (partial(agreement, [1, math.inf], [1, 2]), r"trusted\[1\] is inf"),
        (partial(agreement, [1, 2, 3], [1, 2, 11]), r"judged\[2\]: 11 is in no bin"),
        (partial(agreement, [1], [1], confidence=2), "confidence 2"),
        (partial(agreement, [1], [1], resamples=0), "0 resamples"),
    ],
)
def test_wrong_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
