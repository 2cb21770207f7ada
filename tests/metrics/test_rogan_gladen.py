"""Rogan and Gladen's share: by value, its limits, and how often its interval covers."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from lmms_eval_ja.metrics import corrected_share, rogan_gladen
from support.benchmarks import SHARED, needs_shared


@needs_shared
def test_golden_case() -> None:
    assert SHARED is not None
    golden = json.loads((SHARED / "golden/golden_judge_correction.json").read_text("utf-8"))["rogan_gladen"]
    found = rogan_gladen(golden["p_judge_positive"], golden["sensitivity"], golden["specificity"])
    assert found == pytest.approx(golden["expected"], rel=1e-12)


def test_by_hand() -> None:
    # (0.7 + 0.8 − 1)/(0.9 + 0.8 − 1) = 5/7
    assert rogan_gladen(0.7, 0.9, 0.8) == pytest.approx(5 / 7)
    assert rogan_gladen(0.1, 0.9, 0.8) == 0
    assert rogan_gladen(0.95, 0.9, 0.8) == 1


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.2, 0.7)])
def test_a_judge_no_better_than_chance_tells_nothing(rates: tuple[float, float]) -> None:
    assert rogan_gladen(0.5, *rates) is None


def test_a_share_by_hand() -> None:
    labels = [True] * 5 + [False] * 5
    judged = [True] * 4 + [False] + [False] * 4 + [True]
    found = corrected_share(labels, judged, [True] * 7 + [False] * 3)
    # Se = Sp = 4/5, p = 12/20: (0.6 − 0.2)/0.6
    assert (found.sensitivity, found.specificity, found.judged_share) == (0.8, 0.8, 0.6)
    assert found.value == pytest.approx(2 / 3)
    assert found.ci_low < found.value < found.ci_high <= 1
    assert (found.n, found.n_others) == (10, 10)


def test_without_other_documents_it_is_the_share_of_the_labels() -> None:
    labels, judged = [True] * 6 + [False] * 4, [True] * 5 + [False] * 4 + [True]
    # p = Se·0.6 + (1 − Sp)·0.4, so that θ = 0.6
    assert corrected_share(labels, judged, []).value == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("labels", "why"),
    [([True] * 4, "no negative"), ([False] * 4, "no positive"), ([True, True, False, False], "no better than chance")],
)
def test_labels_that_tell_nothing_give_no_number(labels: list[bool], why: str) -> None:
    found = corrected_share(labels, [False, False, True, True], [True])
    assert math.isnan(found.value)
    assert math.isnan(found.ci_low)
    assert found.why_none is not None
    assert why in found.why_none


def test_the_interval_covers() -> None:
    """200 images with 5 answers, 200 labels, sensitivity 0.9, specificity 0.8, a share of 0.6."""
    rng, runs, held = np.random.default_rng(0), 300, 0
    images = np.repeat(np.arange(200), 5)
    for _ in range(runs):
        h = (rng.random((200, 5)) < rng.beta(3, 2, (200, 1))).reshape(-1)  # a mean of 3/5
        f = np.where(h, rng.random(1000) < 0.9, rng.random(1000) > 0.8)
        has = np.zeros(1000, dtype=bool)
        has[rng.choice(1000, 200, replace=False)] = True
        among = (images[has].tolist(), images[~has].tolist())
        found = corrected_share(h[has].tolist(), f[has].tolist(), f[~has].tolist(), clusters=among)
        held += found.ci_low <= 0.6 <= found.ci_high
    assert 0.93 <= held / runs <= 0.98  # t with two fitted rates is a little wide


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(rogan_gladen, 1.2, 0.9, 0.8), "judged_share 1.2; expected 0 to 1"),
        (partial(corrected_share, [True], [True], []), "1 labels; 3 are needed"),
        (partial(corrected_share, [True] * 3, [True], []), "3 labels but 1 judged"),
        (partial(corrected_share, [True] * 3, [True] * 3, [], confidence=0), "confidence 0"),
    ],
)
def test_wrong_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
