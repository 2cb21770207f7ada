"""Where an answer names an option by its label, and how firmly it does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from lmms_eval_ja.metrics import _choice_words as words
from lmms_eval_ja.metrics._choice_options import Options, label_key

#: What a label looks like. Beside letters, digits, "I'm", "T-shirt", "C++", "U.S." a letter is no label.
_LABELS = {
    "letter": re.compile(
        r"(?<![A-Za-z0-9°])(?<![A-Za-z0-9][-.'’&+@_])[A-Za-z](?![A-Za-z0-9+#@_]|[-'’][A-Za-z0-9]|\.[A-Za-z0-9])"
    ),
    "digit": re.compile(r"(?<![A-Za-z0-9])(?<![0-9][.,:/\-−])[0-9]{1,2}(?![A-Za-z0-9%°]|[.,:/\-−][0-9])"),
    "kana": re.compile(r"(?<![ァ-ヴー])[ァ-ヴ](?![ァ-ヴー])"),
}
_ARTICLES = frozenset("AaIi")
_LATIN_WORD = re.compile(r"\s[A-Za-z]{2}")
_LATIN_WORD_LEFT = re.compile(r"[A-Za-z]{2}\s$")
#: A word of one of these goes on behind an option's text if the text ends in the same kind of letter.
_KINDS = tuple(re.compile(kind) for kind in (r"[a-z]", r"[0-9]", r"[ァ-ヺー]", r"[一-鿿々]"))


class Firmness(IntEnum):
    """How an option is named, the firmest first."""

    STATED = 1  # "答えはB", "Bが正解", "Answer: B"
    LEADING = 2  # at the beginning of a line: "B", "B. 大阪"
    SAID = 3  # at the end of a sentence: "Bです", "AではなくB"
    NOTED = 4  # in brackets or with the option's own text: "大阪(B)"


@dataclass(frozen=True)
class Mention:
    """A place where one option is chosen, or several are.

    Attributes:
        start: Where in the text.
        options: Positions of the options named together; None stands for a label that no option has.
        firmness: How firmly.
        quoted: The option's text stands behind the label, as in the question.
        final: A word such as よって, いや or 最終 stands before it: what was said earlier no longer holds.
    """

    start: int
    options: frozenset[int | None]
    firmness: Firmness
    final: bool
    quoted: bool = False


@dataclass(frozen=True)
class _Seen:
    """A label in the text, with the option's text that stands right behind it."""

    start: int
    label_end: int
    end: int
    options: frozenset[int | None]
    small: bool

    @property
    def attached(self) -> bool:
        """Whether an option's text follows."""
        return self.end > self.label_end


def mentions(text: str, folded: str, options: Options) -> list[Mention]:
    """Find the places where options are chosen by their labels.

    Args:
        text: As `without_markup` gives it.
        folded: The same in small letters, of the same length.
        options: The options.

    Returns:
        In the order of the text; places that reject an option or only talk about it are left out.
    """
    return [mention for group in _groups(text, folded, options) for mention in _judged(text, group, options)]


def rejected(text: str, folded: str, options: Options) -> frozenset[int | None]:
    """Find the options that are rejected by their labels: "Bではありません".

    Args:
        text: As `without_markup` gives it.
        folded: The same in small letters, of the same length.
        options: The options.

    Returns:
        Their positions.
    """
    return frozenset(
        option
        for group in _groups(text, folded, options)
        if _is_rejected(*_beside(text, group))
        for seen in group
        for option in seen.options
    )


def is_final(left: str) -> bool:
    """Whether the text before a mention says that it is the conclusion or a correction."""
    if words.FINAL_NEAR.search(left):
        return True
    start = 0
    for sentence in words.SENTENCE_END.finditer(left):
        start = sentence.end()
    return words.FINAL_HERE.search(left, start) is not None


def goes_on(folded: str, at: int, last: str) -> bool:
    """Whether a word of Latin letters, digits, katakana or Han that ends in `last` goes on at a position."""
    following = folded[at : at + 1]
    return any(kind.match(last) and kind.match(following) for kind in _KINDS)


def _groups(text: str, folded: str, options: Options) -> Iterator[list[_Seen]]:
    """Find the labels, those together that are named together."""
    group: list[_Seen] = []
    for seen in _seen(text, folded, options):
        if group and not words.TOGETHER.fullmatch(text, group[-1].end, seen.start):
            yield group
            group = []
        group.append(seen)
    if group:
        yield group


def _seen(text: str, folded: str, options: Options) -> Iterator[_Seen]:
    """Find every label that is not part of a word; of "ビタミンAとC", the C is none since the A is none."""
    before_end, before_label = -1, True
    for match in _pattern(options).finditer(text):
        start, end = match.span()
        if start < before_end:
            continue  # in the option's text behind the label before: "B. AとC"
        key = label_key(match[0])
        number = options.index_of.get(key)
        latin = key.isascii() and key.isalpha()
        if number is None and not latin:
            continue  # a number or a kana that is no label says nothing
        attached, after = _attached(folded, end, options)
        chained = not before_label and words.TOGETHER.fullmatch(text, before_end, start) is not None
        before_end, before_label = (
            after,
            attached is not None or (not chained and _is_label(text, start, end, latin=latin)),
        )
        if not before_label:
            continue
        said = {number, attached, _before(folded, start, options)} - {None}
        named = frozenset(said if number is not None else {None, *said})
        yield _Seen(start, end, after, named, match[0].islower())


def _is_label(text: str, start: int, end: int, *, latin: bool) -> bool:
    """Whether a letter, a digit or a kana is a label by its neighbours."""
    left, right = text[max(0, start - 12) : start], text[end : end + 12]
    if words.WORD_RIGHT.match(right) and not words.LABEL_BEFORE.match(right):
        return False
    if words.WORD_LEFT.search(left) and not words.LABEL_AFTER.search(left):
        return False
    if not latin:
        return True
    if _LATIN_WORD_LEFT.search(left) and not words.ENGLISH_LEFT.search(left):
        return False  # "vitamin C"
    label = text[start:end]
    if _LATIN_WORD.match(right) and (label in _ARTICLES or label.islower()):
        return words.ENGLISH_RIGHT.match(right) is not None  # not "A cat", "I think"
    return True


def _attached(folded: str, end: int, options: Options) -> tuple[int | None, int]:
    """The option whose text stands right behind a label, and where it ends; the longest that fits."""
    between = words.BEFORE_TEXT.match(folded, end)
    for at in range(end, between.end() + 1 if between else end + 1):  # a text may begin with a sign: "A. -5"
        for number in options.longest_first:
            text = options.texts[number]
            if folded.startswith(text, at) and not goes_on(folded, at + len(text), text[-1]):
                return number, at + len(text)
    return None, end


def _before(folded: str, start: int, options: Options) -> int | None:
    """The option whose text stands right before a label, as in "大阪(B)"; the longest that fits."""
    between = words.AFTER_TEXT.search(folded, max(0, start - 8), start)
    if between is None:
        return None
    return next((n for n in options.longest_first if folded.endswith(options.texts[n], 0, between.start())), None)


def _judged(text: str, group: list[_Seen], options: Options) -> list[Mention]:
    """Judge labels that are named together by what stands on either side of them; none or one mention."""
    first, last = group[0], group[-1]
    left, right = _beside(text, group)
    if _is_rejected(left, right) or _is_supposed(left, right) or words.VERDICT_RIGHT.match(right):
        return []
    firmness = _firmness(group, left, right, text[last.label_end : last.label_end + 2])
    if firmness is None or (firmness is Firmness.SAID and _is_name(left, text, first, options)):
        return []
    named = frozenset(option for seen in group for option in seen.options)
    return [Mention(first.start, named, firmness, is_final(left), first.attached)]


def _beside(text: str, group: list[_Seen]) -> tuple[str, str]:
    """What stands left and right of labels."""
    start, end = group[0].start, group[-1].end
    return text[max(0, start - words.AROUND) : start], text[end : end + words.AROUND]


def _is_rejected(left: str, right: str) -> bool:
    """Whether what stands between is said not to be the answer."""
    return bool(words.BAD_RIGHT.match(right) or words.BAD_LEFT.search(left) or words.WRONG_LEFT.search(left))


def _is_supposed(left: str, right: str) -> bool:
    """Whether what stands between is only supposed, leads to another option, or is what others say."""
    if words.SUPPOSED_RIGHT.match(right) or words.SUPPOSED_LEFT.search(left):
        return True
    return words.OTHERS_RIGHT.match(right) is not None and words.OTHERS_LEFT.search(left) is not None


def _is_name(left: str, text: str, seen: _Seen, options: Options) -> bool:
    """Whether a letter is the name of an exit, a blood group or the like, unless its option's text begins with it."""
    if not words.NAMED_LEFT.search(left):
        return False
    label = text[seen.start : seen.label_end].casefold()
    return not any(number is not None and options.texts[number].startswith(label) for number in seen.options)


def _firmness(group: list[_Seen], left: str, right: str, behind: str) -> Firmness | None:
    """How firmly labels are chosen; None if they are only talked about."""
    attached = group[-1].attached
    small = group[0].small and not (words.BRACKET_LEFT.search(left) and words.BRACKET_RIGHT.match(behind))
    if words.GOOD_RIGHT.match(right) or (
        words.STATED_LEFT.search(left) and (attached or words.STATED_RIGHT.match(right))
    ):
        return Firmness.STATED
    if words.TOPIC_RIGHT.match(right):
        return None
    if words.LINE_LEFT.search(left) and (attached or words.LINE_RIGHT.match(right)):
        return Firmness.LEADING
    if small:
        return None
    if words.SAID_RIGHT.match(right):
        return Firmness.SAID
    noted = (attached and not behind.startswith("の")) or len(group[-1].options) > 1
    return Firmness.NOTED if noted else None


def _pattern(options: Options) -> re.Pattern[str]:
    """What labels of this kind look like."""
    pattern = _LABELS.get(options.kind)
    if pattern is not None:
        return pattern
    keys = "|".join(map(re.escape, sorted(options.index_of, key=len, reverse=True)))
    return re.compile(rf"(?<![A-Za-z0-9ァ-ヴ一-鿿])(?:{keys})(?![A-Za-z0-9ァ-ヴー一-鿿])", re.IGNORECASE)
