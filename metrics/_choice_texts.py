"""Where an answer names an option by the option's own text."""

from __future__ import annotations

import re
from typing import TypeAlias

from lmms_eval_ja.metrics import _choice_words as words
from lmms_eval_ja.metrics._choice_mentions import Firmness, Mention, goes_on, is_final
from lmms_eval_ja.metrics._choice_options import Options, spelled

#: Around an answer that consists of an option's text: "答えは大阪です。", "「大阪」", "Answer: Osaka".
_POLITE_START = re.compile(
    r"^[\s\"'「『(\[【]*(?:(?:これ|それ|この[^。\n、は]{1,8}|写真|画像|図)は、?)?(?:(?:最終)?(?:答え?|正解|正答|解答|回答)(?:は、?|\s?[:=]|\s|】)|(?:final\s)?answer\s?[:=])?[\s\"'「『(\[【]*",
    re.IGNORECASE,
)
_POLITE_END = re.compile(
    r"[\s\"'」』)\]】。.!…]*(?:(?:だ|である)?と(?:思い|考えられ|考え)ます|です(?:ね|よ)?|だ|である|でしょう|になります|となります|が正解(?:です)?)?[\s\"'」』)\]】。.!…]*$"
)
#: Hiragana beside a hiragana edge of an option's text: particles before it, particles and copulas behind it.
_HIRAGANA = re.compile(r"[ぁ-ゖ]")
_PARTICLE_LEFT = re.compile(r"[はがをにのもとでやへか]$")
_PARTICLE_RIGHT = re.compile(r"[はがをにのもとへやか、。]|です|だ|で|である|ね|よ|な[のど]")
#: A label before an option's text repeats the question and chooses nothing: "A. 東京", "Aは東京".
_LISTED = re.compile(r"(?:^|[^A-Za-z0-9ァ-ヴー])[A-Za-z0-9ァ-ヴ]\s?[).:、はが]\s?[「『\"(]?$")
_NUMBER = re.compile(r"[0-9.,]+")
#: Start, end and option.
_Place: TypeAlias = tuple[int, int, int]
#: In a single sentence of so many characters, the only option named is the answer.
_SHORT = 60


def whole_text(folded: str, options: Options) -> frozenset[int]:
    """The options whose text is all that an answer consists of, in whatever spelling.

    Args:
        folded: The answer as `without_markup` gives it, in small letters.
        options: The options.

    Returns:
        Positions: several if the options' texts are alike, none if there is more or something else.
    """
    if not options.longest_first or len(folded) > 3 * len(options.texts[options.longest_first[0]]) + 60:
        return frozenset()
    for text in (folded, folded[_end(_POLITE_START, folded) : _start(_POLITE_END, folded)]):
        found = options.spelled.get(spelled(text), frozenset()) or options.spelled.get(text, frozenset())
        if found and text:
            return found
    return frozenset()


def text_mentions(text: str, folded: str, options: Options) -> list[Mention]:
    """Find the places where options are chosen by their texts.

    Args:
        text: As `without_markup` gives it.
        folded: The same in small letters, of the same length.
        options: The options.

    Returns:
        In the order of the text; places that reject an option, repeat the question or only talk about it are left out.
    """
    found: list[Mention] = []
    group: list[_Place] = []
    for place in _places(folded, options):
        if group and not words.TOGETHER.fullmatch(text, group[-1][1], place[0]):
            found += _judged(text, group, options)
            group = []
        group.append(place)
    return found + _judged(text, group, options) if group else found


def _judged(text: str, group: list[_Place], options: Options) -> list[Mention]:
    """Judge texts that are named together by what stands on either side of them; none or one mention."""
    start, end = group[0][0], group[-1][1]
    left, right = text[max(0, start - words.AROUND) : start], text[end : end + words.AROUND]
    if words.BAD_RIGHT.match(right) or words.BAD_LEFT.search(left) or words.WRONG_LEFT.search(left):
        return []
    if words.SUPPOSED_RIGHT.match(right) or _LISTED.search(left):
        return []
    named: frozenset[int | None] = frozenset(number for _, _, number in group)
    if words.STATED_LEFT.search(left) and words.STATED_RIGHT.match(right):
        return [Mention(start, named, Firmness.STATED, is_final(left))]
    if any(_NUMBER.fullmatch(options.texts[number]) for _, _, number in group):
        return []  # a bare number in a sentence may be any number
    for firmness, pattern in ((Firmness.STATED, words.GOOD_RIGHT), (Firmness.SAID, words.SAID_RIGHT)):
        if pattern.match(right):
            return [Mention(start, named, firmness, is_final(left))]
    shown = len(text) <= _SHORT and words.SHOWN_RIGHT.match(right)
    return [Mention(start, named, Firmness.NOTED, final=False)] if shown else []


def _places(folded: str, options: Options) -> list[_Place]:
    """Find start, end and option of every text that is words of its own; a longer one hides the shorter in it."""
    taken: list[_Place] = []
    for number in options.standing_alone:
        wanted = options.texts[number]
        start = folded.find(wanted)
        while start != -1:
            end = start + len(wanted)
            if not any(start < other_end and other_start < end for other_start, other_end, _ in taken) and _apart(
                folded, start, end
            ):
                taken.append((start, end, number))
            start = folded.find(wanted, end)
    return sorted(taken)


def _apart(folded: str, start: int, end: int) -> bool:
    """Whether the words at a place are not parts of longer ones."""
    before, first, last = folded[max(0, start - 1) : start], folded[start], folded[end - 1]
    if goes_on(folded, end, last) or (start and goes_on(folded, start, before)):
        return False
    if _HIRAGANA.match(first) and _HIRAGANA.match(before) and not _PARTICLE_LEFT.search(before):
        return False
    behind = folded[end : end + 3]
    return not (_HIRAGANA.match(last) and _HIRAGANA.match(behind)) or _PARTICLE_RIGHT.match(behind) is not None


def _end(pattern: re.Pattern[str], text: str) -> int:
    """Where a match at the beginning ends."""
    match = pattern.match(text)
    return match.end() if match else 0


def _start(pattern: re.Pattern[str], text: str) -> int:
    """Where a match at the end begins."""
    match = pattern.search(text)
    return match.start() if match else len(text)
