from __future__ import annotations

import math

import pytest

from lmms_eval_ja.metrics import krippendorff_alpha

NAN = math.nan


def test_the_published_example():
    # Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C: four observers, twelve units;
    # alpha of interval data is given there as 0.849.
    ratings = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
    assert krippendorff_alpha(ratings) == pytest.approx(0.849, abs=5e-4)


def test_three_judges_by_hand():
    # Units (1, 2, 3), (4, 4, 4), (5, 5, 2).
    # Within: ordered pairs of the first 2(1 + 4 + 1) = 12, of the second 0, of the third 2(0 + 9 + 9) = 36.
    # D_o = (12 + 0 + 36) / 2 / 9 = 24/9.
    # All nine: sum 30, sum of squares 1+4+9+16*3+25*2+4 = 116; 2(9 * 116 - 30²) = 288; D_e = 288 / (9 * 8) = 4.
    # alpha = 1 - (24/9) / 4 = 1/3.
    assert krippendorff_alpha([[1, 4, 5], [2, 4, 5], [3, 4, 2]]) == pytest.approx(1 / 3)


def test_two_judges_by_hand():
    # (1, 2) and (2, 1): D_o = (2 + 2) / 4 = 1; all four 1, 2, 2, 1: 2(4 * 10 - 36) = 8, D_e = 8 / 12.
    # alpha = 1 - 12/8 = -0.5: the judges contradict each other.
    assert krippendorff_alpha([[1, 2], [2, 1]]) == pytest.approx(-0.5)


def test_agreement_is_one():
    assert krippendorff_alpha([[1, 4, 5], [1, 4, 5]]) == 1.0


def test_units_with_one_rating_say_nothing():
    assert krippendorff_alpha([[1, 2, 9], [2, 1, NAN]]) == pytest.approx(-0.5)


def test_it_does_not_move_with_the_zero_of_the_scale():
    table = [[1, 4, 5], [2, 4, 5], [3, 4, 2]]
    shifted = [[value + 1e6 for value in row] for row in table]
    assert krippendorff_alpha(shifted) == pytest.approx(krippendorff_alpha(table), abs=1e-9)


@pytest.mark.parametrize("ratings", [[[3, 3], [3, 3]], [[1, NAN], [NAN, 2]], [[1, 2, 3]], [[], []]])
def test_nothing_to_agree_on(ratings):
    assert math.isnan(krippendorff_alpha(ratings))


@pytest.mark.parametrize("ratings", [[1, 2, 3], [[1, math.inf], [1, 2]]])
def test_bad_ratings(ratings):
    with pytest.raises(ValueError, match="ratings"):
        krippendorff_alpha(ratings)
