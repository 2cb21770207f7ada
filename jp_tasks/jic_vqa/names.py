"""Names in the texts of JIC-VQA: the domain that a question is of, and the names that a text mentions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from lmms_eval_ja.jp_tasks.dataset import DatasetError

#: What a question asks for, by its domain.
DOMAINS = {
    "jaflower30": "花",
    "jafood101": "食べ物",
    "jalandmark10": "ランドマーク",
    "jafacility20": "施設",
}


def domain_of(question: str) -> str:
    """The domain whose word comes first in the question; an option further on may hold another's.

    Raises:
        DatasetError: no domain's word is in it.
    """
    places = {domain: place for domain, word in DOMAINS.items() if (place := question.find(word)) >= 0}
    if not places:
        raise DatasetError(f"question {question!r}: expected one of the words {', '.join(DOMAINS.values())}")
    return min(places, key=places.__getitem__)


def named_in(text: str, names: Iterable[str]) -> list[str]:
    """The names that a text mentions, in the order in which they first stand there.

    A name inside a longer one that is mentioned (天ぷら in 天ぷらうどん) does not count. Full-width forms and case do
    not matter.
    """
    left = _plain(text)
    found: dict[str, int] = {}
    for name in sorted(dict.fromkeys(names), key=lambda name: (-len(_plain(name)), name)):
        plain = _plain(name)
        if plain and (place := left.find(plain)) >= 0:
            found[name] = place
            left = left.replace(plain, "\0" * len(plain))
    return sorted(found, key=found.__getitem__)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
