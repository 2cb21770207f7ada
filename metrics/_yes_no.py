"""Whether an answer says yes or no."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lmms_eval_ja.metrics._answer import generation_failure
from lmms_eval_ja.metrics._choice_words import REFUSAL
from lmms_eval_ja.metrics._plain_text import read_answer, without_markup
from lmms_eval_ja.metrics._short_answer import is_stated, short_answer

YesNoReason: TypeAlias = Literal["generation failed", "empty", "unfinished", "ambiguous", "refusal", "none"]


@dataclass(frozen=True)
class YesNo:
    """What an answer to a yes-or-no question says.

    Attributes:
        value: True for yes, False for no; None if neither could be read.
        reason: Why neither: "generation failed", "empty", "unfinished", "ambiguous", "refusal" or "none".
    """

    value: bool | None
    reason: YesNoReason | None = None


_YES = (
    r"はい(?![るりっけせく])|ええ(?![ぁ-ん])|うん(?![ぁ-ん])|そうです|そうだ|その通り|そのとおり|yes(?![a-z])|イエス"
    r"|true(?![a-z])"
)
_NO = (
    r"いいえ|いえ(?![ばる])|いや(?![ぁ-ん])|違います|ちがいます|違う(?![ぁ-んァ-ヺ一-鿿])|no(?![a-z']|\.?\s?[0-9])"
    r"|ノー(?![ァ-ヺー])|false(?![a-z])"
)
_WORDS = re.compile(rf"(?<![ぁ-ゖァ-ヺーa-z0-9])(?:(?P<yes>{_YES})|(?P<no>{_NO}))|(?P<no_2>いいえ)", re.IGNORECASE)
#: An answer that is one of these and nothing more.
_WHOLE_YES = re.compile(
    r"(?:それは|これは)?(?:正しい|正解|合って(?:い)?ます|間違い(?:は)?(?:ない|ありません)|[あい]ります|[あい]ます|[oO○◯])(?:です)?"
)
_WHOLE_NO = re.compile(
    r"(?:それは|これは)?(?:正しくない|正しくありません|誤り|間違い|間違って(?:い)?ます|不正解|[あい]りません|[いあ]ません|ない|[xX×✕])(?:です)?"
)
_QUOTED = re.compile(r"^」?\s?(?:とは|では|と(?:言え|い[えわ])(?:な|ませ))")
_BESIDE = re.compile(r"\W*(?:または|又は|もしくは|あるいは|か|と|や|or)?\W*", re.IGNORECASE)


def parse_yes_no(answer: str) -> YesNo:
    """Read whether an answer says yes (はい, その通りです, Yes) or no (いいえ, 違います, No), without ever guessing.

    What stands behind "答えは" or in a box decides; else what the answer begins with; else the only of the two that it
    holds as a word of its own. "はい、いいえ" is ambiguous. "I do not know" and "No. 1" hold no "no".

    Args:
        answer: What a model wrote, or a failed generation.

    Returns:
        The value, or the reason why there is none.
    """
    if generation_failure(answer.strip()) is not None:
        return YesNo(None, "generation failed")
    plain = without_markup(read_answer(answer))
    if not _SAYS_ANYTHING.search(plain):
        return YesNo(None, "unfinished" if not plain and answer.strip() else "empty")
    short = short_answer(answer)
    values = (_values(short) if is_stated(answer) else set()) or _values(plain) or _whole(short)
    if not values:
        return YesNo(None, "refusal" if REFUSAL.search(plain) else "none")
    return YesNo(values.pop()) if len(values) == 1 else YesNo(None, "ambiguous")


_SAYS_ANYTHING = re.compile(r"[\w○◯×✕]")


def _whole(short: str) -> set[bool]:
    """What a short answer says that consists of 正しい, ありません, × or the like."""
    return {value for value, whole in ((True, _WHOLE_YES), (False, _WHOLE_NO)) if whole.fullmatch(short)}


def _values(text: str) -> set[bool]:
    """What a text says: what it begins with, unless the other follows at once; else all that it holds."""
    found = [
        (match.start(), match.end(), bool(match["yes"]))
        for match in _WORDS.finditer(text)
        if not _QUOTED.match(text[match.end() : match.end() + 10])
    ]
    if not found:
        return set()
    (start, end, first), rest = found[0], found[1:]
    begins = not re.search(r"\w", text[:start])
    beside = bool(rest) and rest[0][2] is not first and bool(_BESIDE.fullmatch(text, end, rest[0][0]))
    return {first} if begins and not beside else {value for _, _, value in found}
