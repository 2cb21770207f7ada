"""A text as its sentences; what stands in quotation marks is nobody's to change."""

from __future__ import annotations

import re
from collections.abc import Callable

#: A quotation, with its marks.
QUOTED = re.compile(r"「[^」]*」|『[^』]*』|“[^”]*”|\"[^\"]*\"")
#: What an option begins with: (ア) and ① anywhere; A. and 1) where a line begins, or after white space or a sentence.
_LABEL = re.compile(
    r"[（(](?P<both>[A-Za-zＡ-Ｚａ-ｚア-オ])[)）]|(?P<ringed>[①-⑳])"
    r"|(?:^|(?<=[\s。？?！!]))[（(]?(?P<one>[A-Za-zＡ-Ｚａ-ｚア-オ]|\d{1,2})[)）).．、:：](?!\d)",
    re.MULTILINE,
)
_SENTENCE = re.compile(r"(?:「[^」]*」|『[^』]*』|“[^”]*”|\"[^\"]*\"|[^。？?！!\n])+[。？?！!]?")


def sentences(text: str) -> list[str] | None:
    """The sentences of a text of one line, which they make when joined; None for options, and for several lines."""
    if options(text):
        return None
    stripped = text.strip()
    found = _SENTENCE.findall(stripped)
    return found if found and "".join(found) == stripped else None


def options(text: str) -> list[tuple[str, str]]:
    """(label, text) of the options in a text, in their order; a single label makes no options."""
    found = list(_LABEL.finditer(text))
    if len(found) < 2:  # noqa: PLR2004 (there is nothing to choose from)
        return []
    ends = [match.start() for match in found[1:]] + [len(text)]
    return [
        (match[match.lastgroup or 0], re.split(r"[\n。]", text[match.end() : end].strip())[0].strip())
        for match, end in zip(found, ends, strict=True)
    ]


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
