"""Wilson's interval of a share."""

from __future__ import annotations

import pytest

from lmms_eval_ja.metrics import wilson_interval


def test_a_share_of_ten() -> None:
    # z² = 3.8415: middle (0.8 + 0.1921) / 1.3841 = 0.7167, half 1.96·sqrt(0.016 + 0.0096) / 1.3841 = 0.2266
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_all_and_none_have_an_interval_too() -> None:
    # (1 + z²/2n − z·z/2n) / (1 + z²/n) = 1 / (1 + 0.38415) for ten of ten
    assert wilson_interval(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    low, high = wilson_interval(0, 10)
    assert low == 0
    assert high == pytest.approx(1 - 0.7225, abs=1e-4)


def test_less_confidence_is_narrower() -> None:
    low, high = wilson_interval(8, 10, confidence=0.5)
    assert 0.4902 < low < 0.8 < high < 0.9433


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (-1, 3), (4, 3)])
def test_a_share_of_nothing_is_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{hits} of {n} documents"):
        wilson_interval(hits, n)


def test_a_confidence_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"confidence 95; expected a number between 0 and 1"):
        wilson_interval(1, 2, confidence=95)
