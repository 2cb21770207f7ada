"""Bias-deviation and bias-conformity, by value and by hand."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

import pytest

from lmms_eval_ja.metrics import bias_conformity, bias_deviation
from support.benchmarks import SHARED, needs_shared


@needs_shared
def test_golden_case() -> None:
    assert SHARED is not None
    golden = json.loads((SHARED / "golden/golden_judge_correction.json").read_text("utf-8"))["mm_judgebias"]
    original, perturbed = zip(*golden["pairs_original_then_perturbed"], strict=True)
    assert bias_deviation(original, perturbed).value == pytest.approx(golden["BD"], rel=1e-12)
    found = bias_conformity(original, perturbed, high=golden["scale_max"])
    assert found.value == pytest.approx(golden["BC"], rel=1e-12)


def test_by_hand() -> None:
    # Falls 6 of 7, 0 of 9, up by 2 (counts as 0), 3 of 3; the one at 1 cannot fall: (6/7 + 0 + 0 + 1)/4.
    found = bias_deviation([8, 10, 1, 5, 4], [2, 10, 1, 7, 1])
    assert found.value == pytest.approx((6 / 7 + 1) / 4)
    assert found.n == 4
    # 1 − 6/7, 1 − 0, 1 − 0, 1 − 2/5 (5 may go to 10), 1 − 3/6.
    assert bias_conformity([8, 10, 1, 5, 4], [2, 10, 1, 7, 1], high=10).value == pytest.approx(
        (1 / 7 + 1 + 1 + 3 / 5 + 1 / 2) / 5
    )


def test_the_ends() -> None:
    assert bias_deviation([5, 3, 4], [1, 1, 1]).value == 1
    assert bias_deviation([5, 3, 4], [5, 3, 4]).value == 0
    assert bias_conformity([5, 3, 4], [5, 3, 4], high=5).value == 1
    assert bias_conformity([5, 1], [1, 5], high=5).value == 0


def test_missing_scores_are_left_out() -> None:
    found = bias_deviation([5, None, 5, 3], [1, 1, math.nan, 3])
    assert (found.value, found.n) == (0.5, 2)
    assert math.isnan(bias_deviation([1, 1], [1, 1]).value)  # nothing can fall
    assert math.isnan(bias_conformity([None], [1], high=5).value)


def test_clusters_go_with_what_is_left() -> None:
    found = bias_deviation([5, 1, 5, 5], [1, 1, 3, None], clusters=["a", "a", "b", "c"])
    assert (found.value, found.n, found.n_clusters) == (0.75, 2, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(bias_deviation, [1, 2], [1]), "2 original scores but 1 perturbed"),
        (partial(bias_deviation, [1], [1], clusters=[]), "1 original scores but 0 clusters"),
        (partial(bias_deviation, [0.5], [1]), r"original\[0\] is 0.5; expected 1 to inf"),
        (partial(bias_conformity, [1], [6], high=5), r"perturbed\[0\] is 6; expected 1 to 5"),
        (partial(bias_conformity, [1], [1], high=1), "a scale of 1 to 1 has no width"),
    ],
)
def test_wrong_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
