"""Texts that stand in a prompt as data: where they imitate its marks, and what of them is made visible."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

from lmms_eval_ja.judges.protocols.normal_form import normal_form

#: Control characters but tab and newline, as their visible pictures; those without a picture as U+FFFD.
_VISIBLE = (
    {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
    | {0x7F: 0x2421}
    | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
)
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
#: Unicode categories that do not tell a mark from its imitation: accents and variation selectors, invisible and
#: control characters, white space.
_PASSED_OVER = {"Mn", "Me", "Cf", "Cc", "Zs", "Zl", "Zp"}
#: The same of other categories: letters and a pattern that are empty to the eye, and the pictures of `_VISIBLE`.
_EMPTY = {*"\u115f\u1160\u2800\ufffd", *map(chr, range(0x2400, 0x2422))}
#: A judge that quotes an answer must not end or begin its own thoughts by it.
_THOUGHT_MARKS = ("<think>", "</think>")
#: Special tokens of chat templates ("<|im_end|>", "<｜User｜>", "<turn|>", "[/INST]"): many servers write messages and
#: marks into one text and read both alike.
_SPECIAL_TOKEN = re.compile(
    r"<(?:[|｜][\w▁/-]{1,40}[|｜]?|[\w▁/-]{1,40}[|｜])>|<(?:start|end)_of_turn>|</s>|\[/?(?:INST|SYSTEM_PROMPT)\]|<</?SYS>>"
)


def visible(text: str) -> str:
    """The text with control characters other than tab and newline as pictures, and lone surrogates as "?"."""
    if _INVISIBLE.search(text) is None:
        return text
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\r\n", "\n").translate(_VISIBLE)


def imitations(text: str, marks: Sequence[str]) -> set[int]:
    """Where a text writes one of the marks, or one of those that are marks in every prompt.

    Marks are found in whatever case, width and spacing, with invisible characters and accents in them.

    Returns:
        Positions of the first characters; the mark goes on behind each.
    """
    raw = normal_form("NFKD", text)
    if not any(sign in raw for sign in _signs(tuple(marks))):
        return set()
    folded = text.translate(_FOLDED)
    found = {token.start() for token in _SPECIAL_TOKEN.finditer(text)}
    if starts := {at for mark in _folded_marks(tuple(marks)) if mark in folded for at in _occurrences(folded, mark)}:
        origins = [n for n, character in enumerate(text) for _ in _FOLDED[ord(character)]]
        found |= {origins[at] for at in starts}
    return found


@cache
def _folded_marks(marks: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(mark.translate(_FOLDED) for mark in (*marks, *_THOUGHT_MARKS))


@cache
def _signs(marks: tuple[str, ...]) -> frozenset[str]:
    """Characters without one of which a text, taken apart by NFKD, imitates none of the marks: most texts have none."""
    own = [next((c for c in mark if not c.isalnum()), mark[0]) for mark in _folded_marks(marks)]
    return frozenset([*own, "<", "["])  # special tokens begin with one of the two


def _occurrences(folded: str, mark: str) -> Iterator[int]:
    at = folded.find(mark)
    while at != -1:
        yield at
        at = folded.find(mark, at + 1)


class _Folded(dict[int, str]):
    """For `str.translate`, filled as it is used: a character without width, accents and case; "" if passed over."""

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFKD", chr(code))
        read = (c for c in parts if unicodedata.category(c) not in _PASSED_OVER and c not in _EMPTY)
        self[code] = folded = "".join(read).upper().casefold()
        return folded


_FOLDED = _Folded()
