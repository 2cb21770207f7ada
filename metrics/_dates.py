"""Dates as Japanese texts write them: 令和6年5月3日, R6.5.3, 2024/05/03, 2024年5月3日, 二〇二四年五月三日, 5月3日."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lmms_eval_ja.metrics._nfkc import nfkc

#: The year before each era's first, and how many years it had; the era of today is open.
_ERAS = {"明治": (1867, 45), "大正": (1911, 15), "昭和": (1925, 64), "平成": (1988, 31), "令和": (2018, 99)}
_LETTERS = {"M": "明治", "T": "大正", "S": "昭和", "H": "平成", "R": "令和"}
_KANJI = {
    sign: value
    for value, signs in enumerate(("〇零", "一", "二", "三", "四", "五", "六", "七", "八", "九"))
    for sign in signs
}

_N = r"[0-9]{1,2}|元|[〇一二三四五六七八九十]{1,4}"
_ERA = re.compile(rf"(?P<era>明治|大正|昭和|平成|令和)\s?(?P<year>{_N})\s?年")
_ERA_LETTER = re.compile(
    r"(?<![A-Za-z0-9])(?P<era>[MTSHR])\.?\s?(?P<year>[0-9]{1,2})\s?(?:年|[./\-](?=\s?[0-9]{1,2}\s?[./\-]\s?[0-9]{1,2}(?![0-9])))"
)
_KANJI_PART = re.compile(
    r"(?<![〇零一二三四五六七八九十百千万0-9第])([〇零一二三四五六七八九十]{1,4})\s?(?=[年月日](?![々本間中常記光]))"
)
_DATE = re.compile(
    r"(?<![0-9./\-])(?P<y>[12][0-9]{3})\s?(?:年|(?P<s>[./\-]))\s?(?P<m>[0-9]{1,2})\s?(?:月|(?P=s))\s?(?P<d>[0-9]{1,2})(?:\s?日|(?![0-9]))"
    r"|(?<![0-9./\-])(?P<y2>[12][0-9]{3})\s?(?:年\s?(?P<m2>[0-9]{1,2})\s?月|/\s?(?P<m3>[0-9]{1,2})(?![0-9/]))"
    r"|(?<![0-9])(?P<y4>[12][0-9]{3})\s?年(?!度|間)"
    r"|(?<![0-9])(?P<m5>[0-9]{1,2})\s?月(?:\s?(?P<d5>[0-9]{1,2})\s?日)?(?!間)"
)
_WEEKDAY = re.compile(r"\s?\(?\s?[月火水木金土日](?:曜日?)?\s?\)")
_SHORT = re.compile(r"(?P<m>[0-9]{1,2})\s?[/.]\s?(?P<d>[0-9]{1,2})")
_ENGLISH_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_ENGLISH = re.compile(
    rf"\b(?P<m>{_ENGLISH_MONTH})[a-z]{{0,6}}\.?\s(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?,?\s(?P<y>[12][0-9]{{3}})\b"
    rf"|\b(?P<d2>[0-9]{{1,2}})(?:st|nd|rd|th)?\s(?P<m2>{_ENGLISH_MONTH})[a-z]{{0,6}}\.?,?\s(?P<y2>[12][0-9]{{3}})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Day:
    """A date, or what of it a text gives.

    Attributes:
        year: Of the common era; None if not given.
        month: 1 to 12; None if not given.
        day: 1 to 31; None if not given.
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None

    def agrees(self, other: "Day") -> bool:
        """Whether another date gives all that this one gives, and the same; it may be more exact."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(mine is None or mine == theirs for mine, theirs in pairs)


def western(text: str) -> str:
    """Write a text's years of Japanese eras in the common era and its dates in one form.

    "令和6年5月3日", "R6.5.3", "2024/05/03" and "二〇二四年五月三日" become "2024年5月3日", 令和6年度 becomes 2024年度.
    Years that an era did not have (昭和70年) and days that no month has (2月30日) stay as they are.

    Args:
        text: In NFKC.

    Returns:
        The text, all else unchanged.
    """
    text = _KANJI_PART.sub(lambda match: str(_number(match[1])), text)
    text = _ERA.sub(_year, text)
    text = _ERA_LETTER.sub(_year, text)
    text = _ENGLISH.sub(_english, text)
    return _DATE.sub(lambda match: _form(_day(match), match[0]), text)


def find_dates(text: str) -> list[Day]:
    """Find the dates of a text.

    Args:
        text: Any text.

    Returns:
        In the order of the text, shape (n,).
    """
    return [day for day, _, _ in located_dates(western(nfkc(text)))]


def parse_date(text: str) -> Day | None:
    """Read a text that is a date and nothing else, but for the day of the week.

    Args:
        text: Such as "令和6年5月3日(金)", "2024-05-03", "5月3日" or "2024年".

    Returns:
        The date; None if it is none.
    """
    written = western(nfkc(text).strip())
    for day, start, end in located_dates(written):
        if start == 0 and (end == len(written) or _WEEKDAY.fullmatch(written, end)):
            return day
    return None


def short_dates(text: str) -> list[Day]:
    """Find what may be a month and a day in digits, such as "5/3"; for use where a date is asked for."""
    return [day for match in _SHORT.finditer(nfkc(text)) if (day := _valid(None, int(match["m"]), int(match["d"])))]


def located_dates(text: str) -> Iterator[tuple[Day, int, int]]:
    """Find dates with their places.

    Args:
        text: As `western` gives it.

    Yields:
        Date, start and end, in the order of the text.
    """
    for match in _DATE.finditer(text):
        day = _day(match)
        if day is not None:
            yield day, match.start(), match.end()


def _day(match: re.Match[str]) -> Day | None:
    """The date of a match of `_DATE`; None if no calendar has it."""
    numbers = [
        next((int(value) for name in names if (value := match[name])), None)
        for names in (("y", "y2", "y4"), ("m", "m2", "m3", "m5"), ("d", "d5"))
    ]
    return _valid(*numbers)


def _valid(year: int | None, month: int | None, day: int | None) -> Day | None:
    """A date that the calendar has; without a year, 29 February is one."""
    try:
        date(2000 if year is None else year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return None
    return Day(year, month, day)


def _form(day: Day | None, unchanged: str) -> str:
    """A date in the one form."""
    if day is None:
        return unchanged
    parts = ((day.year, "年"), (day.month, "月"), (day.day, "日"))
    return "".join(f"{number}{name}" for number, name in parts if number is not None)


def _year(match: re.Match[str]) -> str:
    """A year of an era in the common era, if the era had it; separators become 年."""
    before, last = _ERAS[_LETTERS.get(match["era"], match["era"])]
    year = 1 if match["year"] == "元" else _number(match["year"])
    if not 1 <= year <= last:
        return match[0]
    return f"{before + year}{match[0][-1]}"


def _english(match: re.Match[str]) -> str:
    """May 3, 2024 as 2024年5月3日."""
    month = 1 + _ENGLISH_MONTH.split("|").index((match["m"] or match["m2"])[:3].lower())
    return f"{match['y'] or match['y2']}年{month}月{match['d'] or match['d2']}日"


def _number(text: str) -> int:
    """Digits, or kanji numerals below 100, or kanji digits by position."""
    if text.isascii():
        return int(text)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return 10 * (_KANJI.get(tens, 1) if tens else 1) + _KANJI.get(ones, 0)
    return int("".join(str(_KANJI[sign]) for sign in text))
