"""Whether a free answer gives the reference answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from lmms_eval_ja.metrics._answer import generation_failure
from lmms_eval_ja.metrics._choice_options import spelled
from lmms_eval_ja.metrics._choice_words import BAD_LEFT, BAD_RIGHT
from lmms_eval_ja.metrics._dates import located_dates, parse_date, short_dates, western
from lmms_eval_ja.metrics._nfkc import nfkc
from lmms_eval_ja.metrics._numbers import Quantity, find_quantities, written
from lmms_eval_ja.metrics._plain_text import read_answer, without_markup
from lmms_eval_ja.metrics._short_answer import is_stated, short_answer, trimmed

OpenVariant = Literal["contained", "equal", "evalmm"]

_JAPANESE = r"ぁ-ゖァ-ヺー々〆一-鿿㐀-䶿"
_SPACES = re.compile(rf"(?<=[{_JAPANESE}])\s+(?=[{_JAPANESE}])|\s+(?=[、。」』)])|(?<=[「『(])\s+")
_WAVE = re.compile(r"[〜～]")
_APPROXIMATELY = re.compile(r"約|およそ|おおよそ|ほぼ|大体|だいたい|計|合計|about\s|approximately\s", re.IGNORECASE)
_ALONE = re.compile(r"[\s\"'「」『』()。、.]*")
_COUNTER = re.compile(r"[ぁ-ゖァ-ヺー一-鿿a-z%]{0,3}?(?=で|じゃ|以外|より|is|was)", re.IGNORECASE)
_EDGE = {
    "digit": (re.compile(r"[0-9]$|[0-9][.,]$|[\-▲]$"), re.compile(r"[0-9]|[.,][0-9]")),
    "latin": (re.compile(r"[a-z]$"), re.compile(r"[a-z]")),
}
_LETTER = re.compile(rf"[{_JAPANESE}]")
#: Further places where the reference stands are not looked at.
_MOST_PLACES = 1_000


def open_match(reference: str | Sequence[str], answer: str, *, variant: OpenVariant = "contained") -> bool:
    r"""Whether an answer gives the reference answer, whatever way it is written.

    Alike are full and half width, case, 1,000円 and 1000円, 一万二千円 and 1.2万円, 50% and 50パーセント, 5km and
    5000m, 令和6年 and 2024年, 2024/05/03 and 2024年5月3日, 東京 タワー and 東京タワー. Where the answer has a
    `\boxed{}` or says "答えは", only that is looked at.

    - A number is given by an equal one with the same unit, or with none on one side: 3 is not in 13, nor in 3〜5,
      nor in 3人ではなく4人, nor in 3月5日.
    - A date is given by one that is as exact or more.
    - Any other reference must stand in the answer as words of its own by MeCab's segmentation (京都 is not in
      東京都), and not be rejected (東京ではなく, 東京は含まれません) or one of two (東京か大阪).

    Args:
        reference: The reference, or several of which one suffices. An empty one is never given.
        answer: What a model wrote.
        variant: "contained"; "equal", where the short answer must be the reference and nothing more; or "evalmm", what
            llm-jp-eval-mm (9f450a5) does for JDocQA: without です, 。, 、 and spaces, in NFKC, the reference is a part
            of the answer, inside of words and numbers, too.

    Returns:
        Whether it does. A failed generation does not.

    Raises:
        ValueError: The variant is not known.
    """
    references = (reference,) if isinstance(reference, str) else tuple(reference)
    if variant not in _VARIANTS:
        raise ValueError(f"unknown variant {variant!r}; expected one of {', '.join(map(repr, _VARIANTS))}")
    if generation_failure(answer) is not None:
        return False
    if variant == "evalmm":
        return any(_as_evalmm(one) in _as_evalmm(answer) for one in references)
    wanted = [short for one in references if (short := trimmed(without_markup(nfkc(one))))]
    if not wanted:
        return False
    short = short_answer(answer)
    if any(_equal(one, short) for one in wanted):
        return True
    if variant == "equal":
        return False
    text = short if is_stated(answer) else without_markup(read_answer(answer))
    return any(_given(one, text) for one in wanted)


_VARIANTS: tuple[OpenVariant, ...] = ("contained", "equal", "evalmm")


def canonical(text: str) -> str:
    """A text with its dates, numbers and units written in one way, in small letters.

    Args:
        text: Any text.

    Returns:
        For example "12000円" for 一万二千円 and for 1.2万円, "2024年度" for 令和6年度, "50%" for 50パーセント.
    """
    text = western(nfkc(text)).strip()
    pieces, at = [], 0
    for quantity in find_quantities(text):
        pieces += [text[at : quantity.start], written(quantity.value), quantity.unit, quantity.bound]
        at = quantity.end
    pieces.append(text[at:])
    return _WAVE.sub("~", _SPACES.sub("", "".join(pieces))).casefold()


def _equal(reference: str, short: str) -> bool:
    """Whether a short answer is the reference and nothing more."""
    if spelled(reference.casefold()) == spelled(short.casefold()) != "":
        return True
    quantity = _only_quantity(reference)
    other = _only_quantity(short)
    if quantity is not None and other is not None:
        return _same(quantity, other)
    day = parse_date(reference)
    if day is not None:
        return day == parse_date(short)
    return spelled(canonical(reference)) == spelled(canonical(short)) != ""


def _given(reference: str, text: str) -> bool:
    """Whether a text holds the reference: a date, a number, or words."""
    day = parse_date(reference)
    if day is not None:
        dated = western(text)
        if any(day.agrees(o) and not _rejected(dated, start, end) for o, start, end in located_dates(dated)):
            return True
        return day.year is None and day.day is not None and day in short_dates(text)
    quantity = _only_quantity(reference)
    if quantity is not None:
        return _number_given(quantity, text)
    return _words_given(canonical(reference), canonical(text))


def _only_quantity(text: str) -> Quantity | None:
    """The quantity that a text consists of, but for words such as 約."""
    found = find_quantities(_APPROXIMATELY.sub("", text))
    rest = _APPROXIMATELY.sub("", nfkc(text)).strip()
    if len(found) != 1 or not _ALONE.fullmatch(rest[: found[0].start] + rest[found[0].end :]):
        return None
    return found[0]


def _same(wanted: Quantity, given: Quantity) -> bool:
    """Whether two quantities are equal, with the same unit and bound where both have them."""
    if wanted.bound and given.bound and wanted.bound != given.bound:
        return False
    if wanted.unit and given.unit and wanted.unit != given.unit:
        return False
    return wanted.value == given.value or (wanted.unit != given.unit and wanted.face == given.face)


def _number_given(wanted: Quantity, text: str) -> bool:
    """Whether a text holds an equal number that is not rejected, nor a part of a range, a sum or a date."""
    text = western(text)
    if not wanted.unit or wanted.unit in {"月", "日", "年"}:
        text = _LONG_DATE.sub("#", text)
    return any(
        not quantity.partial and _same(wanted, quantity) and not _rejected(text, quantity.start, quantity.end)
        for quantity in find_quantities(text)
    )


_LONG_DATE = re.compile(r"(?:[0-9]{4}年)?[0-9]{1,2}月[0-9]{1,2}日|[0-9]{4}年[0-9]{1,2}月")


def _words_given(wanted: str, text: str) -> bool:
    """Whether a text holds words as words of their own, not rejected."""
    start, boundaries = text.find(wanted), None
    for _ in range(_MOST_PLACES):
        if start == -1:
            return False
        end = start + len(wanted)
        if _apart(text, start, end) and not _rejected(text, start, end):
            inner = [at for at in (start, end) if _joined(text, at)]
            if inner and boundaries is None:
                boundaries = _boundaries(text)
            if not inner or boundaries is None or boundaries.issuperset(inner):
                return True
        start = text.find(wanted, start + 1)
    return False


def _apart(text: str, start: int, end: int) -> bool:
    """Whether numbers and Latin words at the edges of a place do not go on beside it."""
    first, last = text[start], text[end - 1]
    for kind, (before, behind) in _EDGE.items():
        inside = str.isdigit if kind == "digit" else str.isascii
        if inside(first) and first.isalnum() and before.search(text[max(0, start - 2) : start]):
            return False
        if inside(last) and last.isalnum() and behind.match(text, end):
            return False
    return True


def _joined(text: str, at: int) -> bool:
    """Whether Japanese letters stand on both sides of a position."""
    return 0 < at < len(text) and bool(_LETTER.match(text[at - 1]) and _LETTER.match(text[at]))


def _boundaries(text: str) -> set[int]:
    """Where MeCab's words begin and end."""
    from lmms_eval_ja.metrics._tokenize import tokenize

    found, at = {0, len(text)}, 0
    for word in tokenize(text, "raw"):
        start = text.find(word, at)
        if start == -1:
            continue
        at = start + len(word)
        found |= {start, at}
    return found


def _rejected(text: str, start: int, end: int) -> bool:
    """Whether what stands at a place is said not to be the answer: "5人ではなく", "東京以外", "東京か大阪"."""
    counter = _COUNTER.match(text, end)
    left = text[max(0, start - 20) : start]
    if BAD_LEFT.search(left) or _EITHER_LEFT.search(left):
        return True
    for at in {end, counter.end() if counter else end}:
        right = text[at : at + 60]
        if BAD_RIGHT.match(right) or _NEGATED.match(right) or _EITHER_RIGHT.match(right):
            return True
    return False


_NEVER = r"(?:な(?:い|かった|く(?:て|、))|ませ|ず(?:、|に|$|。))"
#: Right of a reference: "していない", "傾向は見られない", "とは書かれていません", "もいません". A subject may be denied
#: other things and still be the answer: "A社は参加していません".
_NEGATED = re.compile(
    rf"(?:し|され)(?:て(?:は|も)?(?:い|お[りら])?)?{_NEVER}|せ(?:ず|られ{_NEVER})"
    r"|(?:する|した|である|という)?(?:傾向|様子|事実|記載|記述|こと|わけ)?(?:とは?|[はがもで])"
    r"(?:、?(?:資料|本文|文中|図|表|画像|写真)(?:に|で|から)は?)?"
    r"(?:(?:記載|記述|明記|記さ|書か|書い|述べ|示さ|示し|明示|言及|見ら|見え|見当たら|認めら|含ま|存在|確認|該当|読み取|掲載|登場|起き|限ら|言え|いえ)"
    rf"[^。\n、]{{0,6}}?{_NEVER}|いな(?:い|かった)|いませ|おりませ|な(?:い|かった)(?:です|。|と|$)|ありませ)"
)
#: One of two is no answer: "東京か大阪", "東京または大阪".
_OR = r"(?:または|又は|もしくは|若しくは|あるいは|或いは)"
_EITHER_RIGHT = re.compile(rf"[」』)\"]?、?\s?(?:か、?(?=[^ぁ-ゖ\s。、…」』)?!月国所年条村店箇])|か?、?{_OR}|\bor\b)")
_EITHER_LEFT = re.compile(rf"(?:(?<![何誰幾確僅静])(?<=[一-鿿ァ-ヺー0-9a-z])か、?|{_OR}、?|\bor\s)[「『(\"]?$")


def _as_evalmm(text: str) -> str:
    """A text as llm-jp-eval-mm normalises it for JDocQA."""
    return nfkc(text.replace("です", "").replace("。", "").replace("、", "").replace(" ", "").strip())
