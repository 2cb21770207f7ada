"""A sentence as the words of unidic-lite, with what a rule has to know of each."""

from __future__ import annotations

import itertools
import re
import shlex
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_own = threading.local()
#: Words that ask; one that か or も follows does not (どこか, だれも).
INTERROGATIVES = frozenset({
    "何", "なに", "なん", "いつ", "どこ", "どの", "どれ", "どちら", "どっち", "どう", "どんな", "誰", "だれ", "どなた",
    "いくら", "いくつ", "幾ら", "幾つ", "なぜ", "何故", "どうして", "いずれ", "いかが", "いつ頃", "いつごろ", "いかに",
    "なにゆえ", "ナニ",
})  # fmt: skip
#: What may ask though no word of the list is found.
_MAY_ASK = re.compile(
    "(?:いつ|なに|なん|ナニ|何|(?<![なほ])どの|どこ|どれ|どちら|だれ|誰|いく[つら])(?!も|でも|か|にも)|いか(?:に|なる|ほど)"
)
#: 何曜, 何色, which are one word each; いくつ is two, and neither asks before か or も.
_COUNTED, _HOW_MANY = re.compile("[何幾]."), re.compile("いく[つら](?![かも])")


@dataclass(frozen=True)
class Morpheme:
    """A word: as written, part of speech and its kind, conjugation and form, and the form that a dictionary lists."""

    surface: str
    pos: str
    kind: str
    conjugation: str
    form: str
    base: str


def morphemes(text: str) -> list[Morpheme]:
    """Split a text; joined, the surfaces are the text without its white space."""
    return [_morpheme(node) for node in _tagger()(text)]


def asks(words: list[Morpheme]) -> bool:
    """Whether a word among these asks for something."""
    following = [word.surface for word in words[1:]] + [""]
    found = any(
        (word.surface in INTERROGATIVES and after not in {"か", "も"}) or _COUNTED.match(word.surface)
        for word, after in zip(words, following, strict=True)
    )
    return found or _HOW_MANY.search("".join(word.surface for word in words)) is not None


def may_ask(text: str) -> bool:
    """Whether a text holds what may be a word that asks, though `asks` knows none in it."""
    return _MAY_ASK.search(text) is not None


def chooses(words: list[Morpheme]) -> bool:
    """Whether か follows a noun, as in 犬か猫: what is named before it can be chosen."""
    return any(
        word.surface == "か"
        and word.pos == "助詞"
        and before.pos in {"名詞", "接尾辞", "代名詞", "形状詞"}
        and before.surface not in INTERROGATIVES
        for before, word in itertools.pairwise(words)
    )


def is_noun_phrase(words: list[Morpheme]) -> bool:
    """Whether these are nouns, joined by の at the most, so that they can be moved as a whole."""
    joined = all(
        word.pos in {"名詞", "代名詞", "連体詞", "接尾辞", "接頭辞", "記号"}
        or (word.pos, word.surface) == ("助詞", "の")
        for word in words
    )
    return bool(words) and joined and words[-1].pos in {"名詞", "代名詞", "接尾辞"}


def _morpheme(node: Any) -> Morpheme:
    feature = node.feature
    return Morpheme(
        node.surface, feature.pos1, feature.pos2, feature.cType or "*", feature.cForm or "*", feature.orthBase or ""
    )


def _tagger() -> Any:
    """A tagger of this thread's own: MeCab's is not thread-safe."""
    if not hasattr(_own, "tagger"):
        import fugashi
        import unidic_lite

        folder = Path(unidic_lite.DICDIR)
        _own.tagger = fugashi.Tagger(f"-r {shlex.quote(str(folder / 'mecabrc'))} -d {shlex.quote(str(folder))}")
    return _own.tagger
