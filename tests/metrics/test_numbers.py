from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmms_eval_ja.metrics import find_quantities, parse_number
from lmms_eval_ja.metrics._numbers import written
from lmms_eval_ja.metrics._units import UNITS, unit_at
from support.cases import by_kind


@pytest.mark.parametrize("of_kind", by_kind("numbers"))
def test_numbers_by_kind(of_kind):
    wanted = {case["text"]: case["value"] and Fraction(case["value"]) for case in of_kind}
    assert {text: parse_number(text) for text in wanted} == wanted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("一万二千円", [(12000, "円", "")]),
        ("約1,400万人", [(14_000_000, "人", "")]),
        ("5kmと5mm", [(5000, "m", ""), (Fraction(1, 200), "m", "")]),
        ("50パーセント以上", [(50, "%", "以上")]),
        ("3〜5人", [(3, "", ""), (5, "人", "")]),
        ("第3回、3位", [(3, "回", ""), (3, "位", "")]),
        ("-5℃から５℃", [(-5, "度", ""), (5, "度", "")]),
        ("¥1,080、$5", [(1080, "円", ""), (5, "ドル", "")]),
        ("7割", [(70, "%", "")]),
        ("三人と四つ", [(3, "人", ""), (4, "個", "")]),
        ("三菱と千葉の一般人、十分、一番", []),
        ("十分間", [(10, "分間", "")]),
        ("1" * 61, []),
        ("", []),
    ],
)
def test_quantities(text, found):
    assert [(quantity.value, quantity.unit, quantity.bound) for quantity in find_quantities(text)] == found


def test_ends_of_ranges_and_operands_are_partial():
    assert [quantity.partial for quantity in find_quantities("3〜5人")] == [True, True]
    assert [quantity.partial for quantity in find_quantities("12+12=24")] == [True, True, False]
    assert [quantity.partial for quantity in find_quantities("3人、5人")] == [False, False]


def test_the_number_as_it_stands_is_kept():
    (quantity,) = find_quantities("5km")
    assert (quantity.value, quantity.face, quantity.start, quantity.end) == (5000, 5, 0, 3)


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (Fraction(12000), "12000"),
        (Fraction(1, 2), "0.5"),
        (Fraction(-5), "-5"),
        (Fraction(157, 50), "3.14"),
        (Fraction(1, 3), "1/3"),
        (Fraction(-1, 8), "-0.125"),
        (Fraction(0), "0"),
    ],
)
def test_values_are_written_without_separators(value, digits):
    assert written(value) == digits


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.integers(-(10**15), 10**15), st.integers(0, 3))
def test_a_number_that_is_written_is_read(number, places):
    value = Fraction(number, 10**places)
    assert parse_number(written(value)) == value
    assert parse_number(f"{number:,}") == number


KANJI = "〇一二三四五六七八九"


def in_kanji(number: int) -> str:
    """Write a number below 10^16 as Japanese does: 12034 is 一万二千三十四."""
    parts = []
    for power, large in ((12, "兆"), (8, "億"), (4, "万"), (0, "")):
        section = number // 10**power % 10**4
        digits = "".join(
            (KANJI[digit] if digit > 1 or not small else "") + small
            for digit, small in zip(map(int, f"{section:04d}"), ("千", "百", "十", ""), strict=True)
            if digit
        )
        parts.append(digits + large if section else "")
    return "".join(parts)


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.integers(1, 10**16 - 1))
def test_a_number_in_kanji_is_read(number):
    assert parse_number(in_kanji(number)) == number


def test_every_unit_is_read_behind_a_number():
    for name, spellings in UNITS.items():
        for spelling, factor in spellings.items():
            assert unit_at(f"5{spelling}", 1) == (name, Fraction(factor), 1 + len(spelling)), spelling
    assert unit_at("5日本", 1) == ("", Fraction(1), 1)
    assert unit_at("5mx", 1) == ("", Fraction(1), 1)


@pytest.mark.parametrize(
    "piece", ["1", "1,", "一", "万", "1万", "1/", "分の", "-", "3〜", "5km", "¥1", "1,000", "十分"]
)
def test_a_long_text_is_read(piece):
    # The square of its length would take hours.
    find_quantities(piece * (50_000 // len(piece)))
