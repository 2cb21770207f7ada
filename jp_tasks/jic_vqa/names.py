"""Names in the texts of JIC-VQA: the domain that a question is of, and the names that a text mentions."""

from __future__ import annotations

import re
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
#: What rejects the name before it; 〜ではないでしょうか and the like ask, and mean it.
_REJECTED = re.compile(
    r"[」』】)\"']*(?:という(?:名前|花|料理|食べ物|場所|施設|もの))?(?:では|じゃ|とは)"
    r"(?:なく|なかった|なさそう|ない(?!か|でしょうか|だろうか|かと)|ありません(?!か)|ございません(?!か)|違)"
    r"|[」』】)\"']*(?:とは|では)異な"
)


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
    places = _places(text, names)
    return sorted(places, key=lambda name: places[name][0])


def given_in(text: str, names: Iterable[str]) -> list[str]:
    """As `named_in`, without the names that the text rejects wherever it mentions them (寿司 in 寿司ではなく天ぷら)."""
    plain = _plain(text)
    places = _places(text, names)
    kept = {
        name: own
        for name, all_ in places.items()
        if (own := [place for place in all_ if not _REJECTED.match(plain, place + len(_plain(name)))])
    }
    return sorted(kept, key=lambda name: kept[name][0])


def _places(text: str, names: Iterable[str]) -> dict[str, list[int]]:
    """Where each name that is mentioned begins in the plain text; longer names are looked for first."""
    left = _plain(text)
    found: dict[str, list[int]] = {}
    for name in sorted(dict.fromkeys(names), key=lambda name: (-len(_plain(name)), name)):
        plain = _plain(name)
        if plain and (places := [match.start() for match in re.finditer(re.escape(plain), left)]):
            found[name] = places
            left = left.replace(plain, "\0" * len(plain))
    return found


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
