"""Numbers as Japanese texts write them: 12,000, １２０００, 一万二千, 1.2万, 3億5000万, ▲5, 二〇二四."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from lmms_eval_ja.metrics._nfkc import nfkc
from lmms_eval_ja.metrics._units import UNITS, unit_at

_DIGITS = {
    sign: value
    for value, signs in enumerate(("〇零", "一壱", "二弐", "三参", "四", "五", "六", "七", "八", "九"))
    for sign in signs
}
_SMALL = {"十": 10, "拾": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "億": 10**8, "兆": 10**12, "京": 10**16}
_KANJI = "".join((*_DIGITS, *_SMALL, *_LARGE))

#: Runs of more digits are identifiers rather than numbers, and Python would take long to read them.
_MOST_DIGITS = 30
_ARABIC = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,9}(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
_TOKEN = re.compile(rf"(?P<arabic>{_ARABIC})|[{_KANJI}]+")
_PART = re.compile(rf"{_ARABIC}|[{''.join(_DIGITS)}]+|[{''.join(_SMALL)}]|[{''.join(_LARGE)}]")
_MINUS = re.compile(r"(?:(?<![0-9A-Za-z)々ぁ-ヺ一-鿿])[-−]|マイナス|[▲△])\s?$")
_YEN = re.compile(r"[¥￥]\s?$")
_DOLLAR = re.compile(r"\$\s?$")
_FRACTION = re.compile(r"\s?/\s?([0-9]{1,6})(?![0-9/])")
_NTH = re.compile(r"分の")
_RANGE_LEFT = re.compile(r"[0-9一二三四五六七八九十百千万億%年月日人個円つ]\s?(?:[~〜～–—\-]|から)\s?$")
_RANGE_RIGHT = re.compile(r"\s?(?:[~〜～–—\-]|から)\s?[0-9一二三四五六七八九十]")
_OPERATOR = re.compile(r"\s?[+×÷*=]")
_BOUND = re.compile(r"\s?(以上|以下|未満|超|以内)")
#: Kanji numerals in words that count nothing.
_WORDS = re.compile(
    r"十分(?![間前後])|一番(?!目)|一度(?!目)|一時(?!間|半|ごろ|頃)|一部|一回り|一日中|六本木|四日市|八日市|五日市|十日町|百人一首|二人三脚|千葉|万一"
)


@dataclass(frozen=True)
class Quantity:
    """A number in a text, with its unit.

    Attributes:
        value: Exact, in the unit's base ("5km" is 5000 of "m").
        unit: The base unit's name, "" if none is known.
        face: The number as it stands, before the unit is reckoned in: 5 of "5km".
        bound: 以上, 以下, 未満, 超, 以内 or "".
        start: Where it begins in the text.
        end: Where it ends, behind its unit.
        partial: One end of a range, or an operand of a sum: not a number that the text gives as such.
    """

    value: Fraction
    face: Fraction
    unit: str
    bound: str
    start: int
    end: int
    partial: bool


def parse_number(text: str) -> Fraction | None:
    """Read a text that is a number and nothing else.

    Args:
        text: Such as "12,000", "１２０００", "一万二千", "1.2万", "-5", "▲5", "1/3" or "3分の1".

    Returns:
        The exact value; None if it is no number, or has a unit.
    """
    found = find_quantities(text)
    stripped = nfkc(text).strip()
    if len(found) != 1 or found[0].unit or found[0].bound or (found[0].start, found[0].end) != (0, len(stripped)):
        return None
    return found[0].value


def find_quantities(text: str) -> list[Quantity]:
    """Find the numbers of a text.

    Kanji numerals count where a unit follows, where digits stand beside them, or where they are the whole text, so that
    一般, 千葉 or 三菱 hold no number. A run of more than 30 digits is no number.

    Args:
        text: Any text; positions are those in its NFKC without outer white space.

    Returns:
        In the order of the text, shape (n,).
    """
    text = nfkc(text).strip()
    found: list[Quantity] = []
    for start, end in _runs(text):
        value = _value(text[start:end])
        if value is None or _WORDS.match(text, start):
            continue
        quantity = _quantity(text, start, end, value)
        kanji = _ALL_KANJI.fullmatch(text, start, end) is not None
        if kanji and not quantity.unit and (quantity.start, quantity.end) != (0, len(text)):
            continue
        if found and quantity.start < found[-1].end:
            continue  # the denominator of a fraction
        found.append(quantity)
    return found


_ALL_KANJI = re.compile(rf"[{_KANJI}]+")


def _runs(text: str) -> list[tuple[int, int]]:
    """Find where digits and kanji numerals stand side by side."""
    runs: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(text):
        if runs and runs[-1][1] == token.start():
            runs[-1] = (runs[-1][0], token.end())
        else:
            runs.append(token.span())
    return runs


def _value(run: str) -> Fraction | None:
    """Read digits and kanji numerals: Σ (Σ digit · 千|百|十) · 万|億|兆; without any of these, 二〇二四 is 2024."""
    if len(run) > 2 * _MOST_DIGITS:
        return None
    total, section, current = Fraction(0), Fraction(0), None
    smallest = max(_LARGE.values()) * 10
    for part in _PART.findall(run):
        if part in _LARGE:
            section += current or 0
            if not section or _LARGE[part] >= smallest:
                return None  # 万 alone, or 万 after 万
            smallest = _LARGE[part]
            total, section, current = total + section * smallest, Fraction(0), None
        elif part in _SMALL:
            section += (1 if current is None else current) * _SMALL[part]
            current = None
        elif current is not None:
            return None  # two numbers side by side, such as 3五
        else:
            current = _plain(part)
    return total + section + (current or 0)


def _plain(part: str) -> Fraction:
    """Read digits of one kind."""
    if part[0] in _DIGITS:
        return Fraction(int("".join(str(_DIGITS[sign]) for sign in part)))
    return Fraction(part.replace(",", ""))


def _quantity(text: str, start: int, end: int, value: Fraction) -> Quantity:
    """Add what stands before and behind a number: sign, currency, fraction, unit, bound."""
    unit, first = "", start
    fraction = _FRACTION.match(text, end)
    if fraction and int(fraction[1]):
        value, end = value / int(fraction[1]), fraction.end()
    elif _NTH.match(text, end) and (numerator := _TOKEN.match(text, end + 2)) and value:
        above = _value(numerator[0])
        if above is not None:
            value, end = above / value, numerator.end()
    before = text[max(0, start - 12) : start]
    for sign, name in ((_YEN, "円"), (_DOLLAR, "ドル")):
        if match := sign.search(before):
            unit, first, before = name, start - len(before) + match.start(), before[: match.start()]
    if match := _MINUS.search(before):
        value, first = -value, first - len(before) + match.start()
    partial = bool(_RANGE_LEFT.search(text, max(0, first - 6), first))
    face, (name, factor, behind) = value, unit_at(text, end)
    if name and (not unit or unit == name):
        unit, value, end = name, value * factor, behind
    partial = partial or bool(_RANGE_RIGHT.match(text, end) or _OPERATOR.match(text, end))
    bound = _BOUND.match(text, end)
    return Quantity(value, face, unit, bound[1] if bound else "", first, bound.end() if bound else end, partial)


def written(value: Fraction) -> str:
    """A value in digits without separators: "12000", "0.5", and "1/3" where it never ends."""
    denominator = value.denominator
    while denominator % 2 == 0:
        denominator //= 2
    while denominator % 5 == 0:
        denominator //= 5
    if denominator > 1:
        return f"{value.numerator}/{value.denominator}"
    places = 0
    while value.denominator > 1 and (value * 10**places).denominator > 1:
        places += 1
    digits = str(abs(int(value * 10**places))).rjust(places + 1, "0")
    whole = digits if not places else f"{digits[:-places]}.{digits[-places:]}"
    return f"-{whole}" if value < 0 else whole


__all__ = ["UNITS", "Quantity", "find_quantities", "parse_number", "written"]
