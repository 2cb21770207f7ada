"""A text as its sentences; what stands in quotation marks is nobody's to change."""

from __future__ import annotations

import re
from collections.abc import Callable

#: A quotation, with its marks.
QUOTED = re.compile(r"「[^」]*」|『[^』]*』|“[^”]*”|\"[^\"]*\"")
_SENTENCE = re.compile(r"(?:「[^」]*」|『[^』]*』|“[^”]*”|\"[^\"]*\"|[^。？?！!\n])+[。？?！!]?")


def sentences(text: str) -> list[str] | None:
    """The sentences of a text of one line, which they make when joined; None for several lines (options, lists)."""
    stripped = text.strip()
    found = _SENTENCE.findall(stripped)
    return found if found and "".join(found) == stripped else None


def unquoted(text: str) -> str:
    """A text without its quotations."""
    return QUOTED.sub("", text)


def outside_quotes(text: str, change: Callable[[str], str]) -> str:
    """A text with a change made everywhere but in quotations."""
    parts, at = [], 0
    for match in QUOTED.finditer(text):
        parts += [change(text[at : match.start()]), match[0]]
        at = match.end()
    return "".join([*parts, change(text[at:])])
