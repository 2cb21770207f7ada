"""Units and counters: their spellings, and the base each is counted in. Only what is the same thing is made equal."""

import re
from fractions import Fraction

#: Base unit: spelling → how many of the base it is. Spellings are in NFKC and small letters.
UNITS: dict[str, dict[str, Fraction | int]] = {
    "%": {"%": 1, "パーセント": 1, "percent": 1, "割": 10},
    "ポイント": {"ポイント": 1, "pt": 1},
    "m": {
        **dict.fromkeys(("km", "キロメートル"), 1000),
        **dict.fromkeys(("cm", "センチメートル", "センチ"), Fraction(1, 100)),
        **dict.fromkeys(("mm", "ミリメートル"), Fraction(1, 1000)),
        **dict.fromkeys(("m", "メートル"), 1),
    },
    "m2": {
        **dict.fromkeys(("km2", "平方キロメートル"), 10**6),
        **dict.fromkeys(("ha", "ヘクタール"), 10**4),
        **dict.fromkeys(("m2", "平方メートル"), 1),
    },
    "g": {
        **dict.fromkeys(("kg", "キログラム"), 1000),
        **dict.fromkeys(("mg", "ミリグラム"), Fraction(1, 1000)),
        **dict.fromkeys(("g", "グラム"), 1),
        **dict.fromkeys(("t", "トン"), 10**6),
    },
    "l": {
        **dict.fromkeys(("ml", "ミリリットル"), Fraction(1, 1000)),
        **dict.fromkeys(("l", "リットル"), 1),
    },
    "円": {"円": 1},
    "ドル": {"ドル": 1, "米ドル": 1, "usd": 1},
    "ユーロ": {"ユーロ": 1},
    "度": {"度": 1, "°c": 1, "°": 1},
    "人": {"人": 1, "名": 1},
    "個": {"個": 1, "つ": 1, "コ": 1},
    "歳": {"歳": 1, "才": 1},
    "か月": dict.fromkeys(("か月", "ヶ月", "ケ月", "カ月", "ヵ月", "箇月"), 1),
    "か所": dict.fromkeys(("か所", "ヶ所", "ケ所", "カ所", "ヵ所", "箇所"), 1),
    "か国": dict.fromkeys(("か国", "ヶ国", "ケ国", "カ国", "ヵ国", "箇国"), 1),
    **{
        counter: {counter: 1}
        for counter in (
            *("年度", "年間", "年", "月", "週間", "日間", "日", "時間", "時", "分間", "分", "秒"),
            *"本枚台冊匹頭羽件社校回倍位番階点軒戸票巻章号代期組行列色品食杯袋箱足席問話曲",
            *("番目", "世帯", "種類", "km/h", "kw", "kwh", "w", "v", "hz", "cal", "kcal"),
        )
    },
}  # fmt: skip

_BASE = {spelling: (name, factor) for name, spellings in UNITS.items() for spelling, factor in spellings.items()}
_LONGEST_FIRST = sorted(_BASE, key=len, reverse=True)
_LATIN = "|".join(re.escape(unit) for unit in _LONGEST_FIRST if unit.isascii() and unit[-1].isalnum())
_OTHER = "|".join(re.escape(unit) for unit in _LONGEST_FIRST if not (unit.isascii() and unit[-1].isalnum()))
_UNIT = re.compile(rf"\s?(?:(?:{_LATIN})(?![a-z0-9])|{_OTHER})", re.IGNORECASE)
#: Words that begin as a counter does.
_NOT_UNIT = re.compile(
    r"つつ|日本|人工|分野|分類|分析|本当|本社|本来|点数|度合|年齢|月曜|日曜|時代|台湾|台風|階段|回転|番組|名前|行政|品質|食品"
)


def unit_at(text: str, at: int) -> tuple[str, Fraction, int]:
    """Read the unit that stands at a position.

    Args:
        text: In NFKC.
        at: Where the number before it ends.

    Returns:
        The base unit, how many of it the unit is, and where the unit ends; "", 1 and `at` if there is none.
    """
    match = _UNIT.match(text, at)
    if match is None or _NOT_UNIT.match(text, at):
        return "", Fraction(1), at
    name, factor = _BASE[match[0].strip().lower()]
    return name, Fraction(factor), match.end()
