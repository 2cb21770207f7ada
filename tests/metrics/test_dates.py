from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmms_eval_ja.metrics import Day, find_dates, parse_date
from lmms_eval_ja.metrics._dates import western
from support.cases import by_kind


@pytest.mark.parametrize("of_kind", by_kind("dates"))
def test_dates_by_kind(of_kind):
    wanted = {case["text"]: case["date"] and Day(*case["date"]) for case in of_kind}
    assert {text: parse_date(text) for text in wanted} == wanted


def test_dates_in_a_text():
    text = "令和6年5月3日に始まり、2024/05/06に終わった。次は5月、その次は2025年。"
    assert find_dates(text) == [Day(2024, 5, 3), Day(2024, 5, 6), Day(None, 5), Day(2025)]
    assert find_dates("5年間、3か月、13月、昭和70年、1月間") == []


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("令和6年度の予算", "2024年度の予算"),
        ("令和元年に", "2019年に"),
        ("平成三十年四月一日", "2018年4月1日"),
        ("H30.4.1", "2018年4月1日"),
        ("昭和70年", "昭和70年"),  # the era had 64 years
        ("2024/05/03", "2024年5月3日"),
        ("一年生", "1年生"),
        ("日本の三大祭", "日本の三大祭"),
        ("1.5", "1.5"),
    ],
)
def test_one_form(text, written):
    assert western(text) == written


def test_agrees_with_what_is_as_exact_or_more():
    assert Day(2024).agrees(Day(2024, 5, 3))
    assert not Day(2024, 5, 3).agrees(Day(2024))
    assert Day(None, 5, 3).agrees(Day(2024, 5, 3))
    assert not Day(None, 5, 3).agrees(Day(2024, 5, 4))


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.dates(min_value=date(1926, 12, 26)))
def test_a_day_in_any_form_is_that_day(day):
    wanted = Day(day.year, day.month, day.day) if day.year < 3000 else None
    forms = [f"{day.year}年{day.month}月{day.day}日", day.isoformat(), f"{day.year}/{day.month:02}/{day.day:02}"]
    assert {parse_date(form) for form in forms} == {wanted}


@pytest.mark.parametrize("piece", ["令和", "2024/", "5月", "二", "R6.", "2024年5月", "十"])
def test_a_long_text_is_read(piece):
    find_dates(piece * (100_000 // len(piece)))
