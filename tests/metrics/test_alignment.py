"""The alignment score: the golden cases by value, what has no value, and its interval."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from lmms_eval_ja.metrics import alignment_score
from support.benchmarks import SHARED, needs_shared


def _golden() -> list[dict[str, Any]]:
    if SHARED is None:
        return []
    cases: list[dict[str, Any]] = json.loads((SHARED / "golden/golden_alignment.json").read_text("utf-8"))["cases"]
    return cases


@needs_shared
@pytest.mark.parametrize("case", _golden(), ids=lambda case: case["name"])
def test_golden_cases(case: dict[str, Any]) -> None:
    found, expected = alignment_score(case["clusters"], scale=tuple(case["scale"])), case["expected"]
    assert found.n_clusters == expected["n_clusters_used"]
    assert found.n_singletons == expected["n_singletons_skipped"]
    assert found.mean_score == pytest.approx(expected["mean_score_micro"], rel=1e-12)
    assert found.consistency == pytest.approx(expected["consistency_0_1"], rel=1e-12)
    for name, dispersion in found.dispersions.items():
        assert dispersion.mean == pytest.approx(expected[f"mean_{name}"], rel=1e-12)
        assert dispersion.is_infinite == expected["align_is_infinite"]
        inverse = expected[f"align_inv_mean_{name}"]
        assert dispersion.alignment == (None if inverse is None else pytest.approx(inverse, rel=1e-12))


def test_by_hand() -> None:
    # Means 7 and 6; deviations ±1 everywhere: divisor k gives 1 and 1; divisor k − 1 gives 4/3 and 2, mean 5/3.
    found = alignment_score([[8, 8, 6, 6], [5, 7]], scale=(1, 10))
    assert found.alignment == 1
    assert found.default == "std_ddof0"
    assert found.dispersions["var_ddof1"].alignment == pytest.approx(0.6)
    assert found.dispersions["std_ddof1"].mean == pytest.approx((math.sqrt(4 / 3) + math.sqrt(2)) / 2)
    assert found.consistency == pytest.approx(1 - 1 / 4.5)
    assert alignment_score([[8, 8, 6, 6], [5, 7]], dispersion="var_ddof1").alignment == pytest.approx(0.6)


def test_singletons_are_left_out_of_the_dispersion_and_counted() -> None:
    found = alignment_score([[4], [5, 7], [], [9]])
    assert (found.n_clusters, found.n_singletons, found.n_empty) == (1, 2, 1)
    assert found.alignment == 1
    assert found.mean_score == 6.25  # (4 + 5 + 7 + 9) / 4
    assert found.dispersions["std_ddof0"].alignment_low is None  # one cluster has no interval


@pytest.mark.parametrize("clusters", [[], [[3], [4]]])
def test_without_a_cluster_of_two_there_is_no_score(clusters: list[list[float]]) -> None:
    found = alignment_score(clusters)
    assert found.alignment is None
    assert not found.is_infinite
    assert found.consistency is None
    assert found.why_none == "no cluster has two scores"


def test_no_dispersion_is_infinite_and_never_a_number() -> None:
    found = alignment_score([[5, 5], [9, 9, 9]], scale=(1, 10))
    assert (found.alignment, found.is_infinite, found.consistency) == (None, True, 1.0)
    assert found.why_none is not None
    assert "infinite" in found.why_none


def test_the_interval_of_the_inverse_is_the_inverted_one() -> None:
    clusters = np.random.default_rng(0).normal(6, 1, (60, 6)).tolist()
    one = alignment_score(clusters).dispersions["std_ddof0"]
    assert one.mean_low is not None
    assert one.mean_high is not None
    assert one.alignment_low == pytest.approx(1 / one.mean_high)
    assert one.alignment_high == pytest.approx(1 / one.mean_low)
    # On the logarithm: symmetric about the mean; t of 59 degrees is 2.001, and the bootstrap's error has 2 % noise.
    assert one.mean_low * one.mean_high == pytest.approx(one.mean**2 if one.mean else 0)
    spread = np.std([np.std(members) for members in clusters], ddof=1) / math.sqrt(60) / (one.mean or 1)
    assert math.log(one.mean_high / one.mean_low) / 2 == pytest.approx(2.001 * spread, rel=0.06)


def test_clusters_that_share_an_image_are_drawn_together() -> None:
    rng = np.random.default_rng(1)
    spreads = np.repeat(rng.uniform(0.2, 2, 20), 5)  # five clusters an image, alike in spread
    clusters = (6 + spreads[:, None] * rng.normal(0, 1, (100, 4))).tolist()
    alone = alignment_score(clusters).dispersions["std_ddof0"]
    together = alignment_score(clusters, groups=[at // 5 for at in range(100)]).dispersions["std_ddof0"]
    assert together.alignment == alone.alignment
    widths = [one.mean_high - one.mean_low for one in (alone, together) if one.mean_low and one.mean_high]
    assert widths[1] > 1.5 * widths[0]


def test_the_order_of_the_clusters_changes_nothing() -> None:
    clusters = np.random.default_rng(2).integers(1, 11, (30, 4)).tolist()
    assert alignment_score(clusters[::-1]).dispersions["std_ddof0"].mean_low == pytest.approx(
        alignment_score(clusters).dispersions["std_ddof0"].mean_low, rel=1e-12
    )


def test_the_interval_covers() -> None:
    # Standard deviations of 6 normal draws (divisor 6) whose own spread is 0.5 or 1.5 with equal chance: the mean is
    # c₆·(0.5 + 1.5)/2 with c₆ = √(2/6)·Γ(3)/Γ(2.5).
    truth = math.sqrt(2 / 6) * math.gamma(3) / math.gamma(2.5)
    rng, covered = np.random.default_rng(0), 0
    for _ in range(300):
        clusters = rng.normal(6, rng.choice([0.5, 1.5], (200, 1)), (200, 6))
        one = alignment_score(clusters.tolist(), resamples=200).dispersions["std_ddof0"]
        assert one.alignment_low is not None
        assert one.alignment_high is not None
        covered += one.alignment_low <= 1 / truth <= one.alignment_high
    assert 0.93 <= covered / 300 <= 0.97


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(alignment_score, [[1, 2], [3, math.nan]]), r"clusters\[1\] holds a score that is not finite"),
        (partial(alignment_score, [[1, 12]], scale=(1, 10)), r"clusters\[0\] holds a score off the scale of 1 to 10"),
        (partial(alignment_score, [[1, 2]], dispersion="sd"), "unknown dispersion 'sd'; expected one of std_ddof0"),
        (partial(alignment_score, [[1, 2]], groups=[]), "1 clusters but 0 groups"),
        (partial(alignment_score, [[1, 2]], confidence=95), "confidence 95"),
        (partial(alignment_score, [[1, 2]], resamples=1), "1 resamples; expected 2 or more"),
    ],
)
def test_wrong_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_equal_scores_have_no_dispersion_whatever_they_are() -> None:
    found = alignment_score([[4.3] * 3, [0.1] * 6])  # their rounded means are not 4.3 and 0.1
    assert found.is_infinite
    assert [dispersion.mean for dispersion in found.dispersions.values()] == [0, 0, 0, 0]
