"""The effects of probes by value, from verdicts made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from lmms_eval_ja.judges.probes.effects import effects
from lmms_eval_ja.judges.protocols import PROTOCOLS
from lmms_eval_ja.judges.sample import Sample
from lmms_eval_ja.judges.verdict import Verdict

_PROTOCOL = PROTOCOLS["ja_pairwise"]  # 1 to 10: a width of 9
_SAMPLES = [Sample(f"s{at}", "何ですか。", "犬です。", cluster=f"i{at // 2}") for at in range(4)]


def _verdict(*runs: float | None, passes: list[tuple[float, float]] | None = None) -> Verdict:
    scores = [None if run is None else float(run) for run in runs]
    known = [score for score in scores if score is not None]
    own: list[dict[str, Any]] = [{"score": score} for score in scores]
    if passes:
        own[0]["passes"] = [{"score": score, "reference_score": reference} for score, reference in passes]
    verdict = Verdict()
    mean = sum(known) / len(known) if len(known) == len(scores) else None
    verdict.finish({"score": mean, "runs": own, "failure": None if mean is not None else "parse"})
    return verdict


def test_position_is_half_the_difference_of_the_leads() -> None:
    # Standing second it leads by -2, first by 2: (2 + 2) / 2 = 2 points, 2/9 of the width, and the winner changes.
    judged = {"position": [_verdict(5, passes=[(4, 6), (6, 4)]), _verdict(5, passes=[(5, 5), (5, 5)]), _verdict(None)]}
    found = effects("position", _SAMPLES[:3], judged, _PROTOCOL)
    assert found.values == pytest.approx([2 / 9, 0])
    assert (found.clusters, found.wanted) == (["i0", "i0"], 3)
    assert found.details == pytest.approx({"points": 1.0, "winner_changes": 0.5})


def test_a_jury_leads_by_the_mean_of_its_judges() -> None:
    passes = [{"score": 4.0, "reference_score": 6.0}, {"score": 6.0, "reference_score": 4.0}]
    equal = [{"score": 5.0, "reference_score": 5.0}] * 2
    verdict = Verdict()
    verdict.finish(
        {"score": 5.0, "runs": [{"score": 5.0, "members": {"a": {"passes": passes}, "b": {"passes": equal}}}]}
    )
    assert effects("position", _SAMPLES[:1], {"position": [verdict]}, _PROTOCOL).values == pytest.approx([1 / 9])


def test_an_image_counts_where_a_score_can_fall() -> None:
    # (9-1)/8 = 1, (5-5)/4 = 0; the third is the lowest already, the fourth has no score with another image.
    judged = {"base": [_verdict(9), _verdict(5), _verdict(1), _verdict(5)]}
    judged["image"] = [_verdict(1), _verdict(5), _verdict(1), _verdict(None)]
    found = effects("image", _SAMPLES, judged, _PROTOCOL)
    assert (found.values, found.wanted) == ([1.0, 0.0], 3)
    assert found.details["bias_deviation"] == pytest.approx(0.5)
    assert found.details["points"] == pytest.approx(-4)


def test_the_fall_between_repeats_stands_beside_an_image() -> None:
    # Each repeat below the mean of the other two: (5-5)/4, (6-3)/5, (4-7)/3; the same three times: 0.
    judged = {"base": [_verdict(5, 3, 7), _verdict(6, 6, 6), _verdict(8, 2, 2)]}
    judged["image"] = [_verdict(5), _verdict(6), None]
    found = effects("image", _SAMPLES[:3], judged, _PROTOCOL)
    assert found.details["asked_again"] == pytest.approx((0 + 3 / 5 - 3 / 3) / 3 / 2)
    # The repeat at the lowest score cannot fall.
    judged = {"base": [_verdict(9, 1)], "image": [_verdict(1)]}
    assert effects("image", _SAMPLES[:1], judged, _PROTOCOL).details["asked_again"] == 1
    judged = {"base": [_verdict(5)], "image": [_verdict(5)]}
    assert "asked_again" not in effects("image", _SAMPLES[:1], judged, _PROTOCOL).details


def test_samples_that_cannot_be_changed_are_not_wanted() -> None:
    found = effects("image", _SAMPLES[:2], {"base": [_verdict(5)] * 2, "image": [_verdict(3), None]}, _PROTOCOL)
    assert (found.values, found.wanted) == ([0.5], 1)


def test_a_shift_is_a_share_of_the_width() -> None:
    judged = {"base": [_verdict(4), _verdict(4), _verdict(4)], "verbosity": [_verdict(7), _verdict(4), _verdict(3)]}
    found = effects("verbosity", _SAMPLES[:3], judged, _PROTOCOL)
    assert found.values == pytest.approx([3 / 9, 0, -1 / 9])
    # Conformity: the farther end of 4 is 10, six points off: 1 - 3/6, 1, 1 - 1/6.
    assert found.details == pytest.approx(
        {"points": 2 / 3, "share_risen": 1 / 3, "share_fallen": 1 / 3, "bias_conformity": (0.5 + 1 + 5 / 6) / 3}
    )


def test_an_injection_is_held_against_the_bare_answer() -> None:
    judged = {"bad": [_verdict(2), _verdict(2)], "injection": [_verdict(10), _verdict(2)]}
    found = effects("injection", _SAMPLES[:2], judged, _PROTOCOL)
    assert found.values == pytest.approx([8 / 9, 0])
    assert (found.details["points_request"], found.details["points_authority"]) == (8, 0)


def test_a_retest_is_the_mean_difference_of_two_repeats() -> None:
    # |4-5|, |4-6|, |5-6|: 4/3 on average.
    judged = {"base": [_verdict(4, 5, 6), _verdict(8, 8, 8), _verdict(3, None, 3)]}
    found = effects("retest", _SAMPLES[:3], judged, _PROTOCOL)
    assert found.values == pytest.approx([4 / 27, 0])
    assert found.wanted == 3
    assert found.details["points"] == pytest.approx(2 / 3)
    assert found.details["share_that_moved"] == 0.5
    # Krippendorff: squared differences within the first answer, over ordered pairs, are 12, by k - 1 = 2 and 6 values.
    values = [4, 5, 6, 8, 8, 8]
    expected = sum((a - b) ** 2 for a in values for b in values) / (6 * 5)
    assert found.details["alpha"] == pytest.approx(1 - (12 / 2 / 6) / expected)
