"""Whether a wording that a model wrote can stand beside the question: what a program can see of that."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from lmms_eval_ja.jp_tasks.rephrasing.sentences import QUOTED, options

_NUMBER = re.compile(r"\d+(?:[.,:：]\d+)*")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9'’-]*")
_COUNT = re.compile(r"[一二三四五六七八九十]+[つ人本匹個枚]")
#: What ends an answer and says nothing.
_ENDING = re.compile(r"(?:です|ます|でした|ました|だ|である)?[。．.！!]*$")
#: So many characters of an answer in a row give it away, where it is longer.
_TELLING = 8
#: A wording may be so much longer than the question.
_LONGER, _LONGER_BY = 2, 20


def fault_of(wording: str, question: str, answer: str, others: Iterable[str] = ()) -> str | None:
    """What is wrong with a wording, or None.

    Args:
        wording: what the model wrote.
        question: the benchmark's.
        answer: the reference, of which the wording must say nothing that the question does not.
        others: wordings that there are already.
    """
    new, old = _plain(wording), _plain(question)
    faults = {
        "not text": not _is_text(wording),
        "empty": not new,
        "no other wording": new == old or new in {_plain(other) for other in others},
        "much longer than the question": len(new) > _LONGER * len(old) + _LONGER_BY,
        "other numbers": any(_kept(kind, new) != _kept(kind, old) for kind in (_NUMBER, _COUNT)),
        "other quotations": _kept(QUOTED, wording) != _kept(QUOTED, question),
        "other options": _options(wording) != _options(question),
        "other words in Latin letters": _kept(_LATIN, new) != _kept(_LATIN, old),
        "it gives the answer away": _gives_away(new, old, _plain(answer)),
    }
    return next((fault for fault, found in faults.items() if found), None)


def _is_text(wording: str) -> bool:
    """Whether it can be written to a file; half a character (a lone surrogate) cannot."""
    try:
        wording.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()


def _options(text: str) -> list[tuple[str, str]]:
    return [(_plain(label), _plain(option)) for label, option in options(text)]


def _kept(pattern: re.Pattern[str], text: str) -> Counter[str]:
    return Counter(match[0] for match in pattern.finditer(text))


def _gives_away(new: str, old: str, answer: str) -> bool:
    """Whether a telling part of the answer stands in the wording, and not in the question."""
    core = _ENDING.sub("", answer)
    size = min(_TELLING, len(core))
    parts = {core[at : at + size] for at in range(len(core) - size + 1)} if size else set()
    return any(part in new and part not in old for part in parts)
