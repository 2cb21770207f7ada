"""How a polite Japanese sentence ends, taken apart as far as rules can rely on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lmms_eval_ja.jp_tasks.rephrasing.morphemes import Morpheme, asks, morphemes

Kind = Literal["noun", "adjective", "explained", "verb", "request", "favour"]
_MARK = re.compile(r"[。．？?！!]$")
#: Before です: words that take it as a noun does.
_NOMINAL = {"名詞", "代名詞", "接尾辞", "形状詞"}
_NOMINAL_ADVERBS = {"どう", "なぜ", "どうして", "いかが"}
_NOMINAL_PARTICLES = {"から", "まで", "だけ", "ほど", "くらい", "ぐらい"}
#: Verbs of respectful or humble speech: their plain forms say something else.
_RESPECTFUL = {
    "ござる", "いらっしゃる", "なさる", "くださる", "下さる", "おっしゃる", "いただく", "頂く", "おる", "参る",
    "まいる", "いたす", "致す", "申す", "存じる", "伺う", "拝見", "召し上がる",
}  # fmt: skip
#: Of 降る or of 降りる: which of them it is, is not sure.
_UNSURE = {"降りる", "降る"}
#: Verbs whose past is of a kind of its own (問うた).
_OTHER_PAST = ("問う", "請う", "乞う")
#: After て: verbs with which somebody asks for something.
_FAVOURS = {"もらえる", "くれる", "いただける", "頂ける"}
#: Two questions in one, of which an ending is only the second half.
_TWO_QUESTIONS = re.compile(r"(です|ます|ました|でしょう)か|それとも|か、")


@dataclass(frozen=True)
class Ending:
    """A sentence without its polite ending.

    Attributes:
        kind: what the sentence ends in; "explained" is …のです, "request" …てください, "favour" …てもらえます.
        plain: the sentence up to the noun, or with the verb or adjective in its plain form; of a request up to て.
        question: whether it ends in か.
        soft: whether it is でしょう, not です.
        mark: the closing mark, "" where there is none.
        asks: whether it holds a word that asks (何, どこ, …).
    """

    kind: Kind
    plain: str
    question: bool
    soft: bool
    mark: str
    asks: bool


def ending_of(sentence: str) -> Ending | None:
    """The ending of a polite sentence, or None where it is no ending that is surely understood."""
    mark = match[0] if (match := _MARK.search(sentence)) else ""
    text = sentence.removesuffix(mark).strip()
    for please in ("ください", "下さい"):
        if text.endswith((f"て{please}", f"で{please}")) and not text.endswith(f"ないで{please}"):
            return Ending("request", text.removesuffix(please), question=False, soft=False, mark=mark, asks=False)
    words = morphemes(text)
    if "".join(word.surface for word in words) != text:  # white space, which would be lost
        return None
    question = bool(words) and (words[-1].surface, words[-1].kind) == ("か", "終助詞")
    if question:
        words = words[:-1]
    if len(words) < 2 or _TWO_QUESTIONS.search("".join(word.surface for word in words)):  # noqa: PLR2004 (predicate, end)
        return None
    if not (found := _predicate(words)):
        return None
    kind, plain, soft = found
    return Ending(kind, plain, question, soft, mark, asks(words))


def _predicate(words: list[Morpheme]) -> tuple[Kind, str, bool] | None:
    """(kind, plain form, soft) of a sentence without か."""
    last, rest = words[-1], words[:-1]
    before = "".join(word.surface for word in rest)
    if last.surface in {"です", "でしょう"}:
        soft = last.surface == "でしょう"
        kind = _before_desu(rest[-1], soft=soft)
        return (kind, before, soft) if kind else None
    if last.surface == "ます" and (verb := _plain_verb(rest)):
        return _verb_kind(rest), verb, False
    if (
        last.surface == "た"
        and rest[-1].surface == "まし"
        and rest[-1].base == "ます"
        and (past := _past_verb(rest[:-1]))
    ):
        return "verb", past, False
    return None


def _before_desu(word: Morpheme, *, soft: bool) -> Kind | None:
    if (word.surface, word.kind) == ("の", "準体助詞"):
        return "explained"
    if word.pos == "形容詞" and word.form.startswith("終止形"):
        return "adjective"
    if word.pos in _NOMINAL or word.surface in _NOMINAL_ADVERBS or word.surface in _NOMINAL_PARTICLES:
        return "noun"
    is_verb = word.pos == "動詞" or word.surface in {"た", "だ", "れる", "られる", "せる", "させる"}
    return "verb" if soft and is_verb and word.form.startswith(("終止形", "連体形")) else None


def _verb_kind(words: list[Morpheme]) -> Kind:
    is_favour = len(words) > 1 and words[-2].surface in {"て", "で"} and words[-1].base in _FAVOURS
    return "favour" if is_favour else "verb"


def _plain_verb(words: list[Morpheme]) -> str | None:
    if not words or not _is_plain(words[-1]):
        return None
    return "".join(word.surface for word in words[:-1]) + _base(words[-1])


def _base(verb: Morpheme) -> str:
    """The form that is written today: 感じる, not 感ずる, which the dictionary lists for 感じ."""
    old = verb.conjugation.startswith("サ行変格") and verb.base.endswith("ずる") and verb.surface.endswith("じ")
    return verb.base[:-2] + "じる" if old else verb.base


def _past_verb(words: list[Morpheme]) -> str | None:
    if not words or not _is_plain(words[-1]) or not (past := _past(words[-1])):
        return None
    return "".join(word.surface for word in words[:-1]) + past


def _is_plain(verb: Morpheme) -> bool:
    known = (
        verb.pos in {"動詞", "助動詞"}
        and verb.form.startswith("連用形")
        and verb.base.endswith(tuple("うくぐすつぬぶむる"))
    )
    return known and verb.base not in _RESPECTFUL | _UNSURE


def _past(verb: Morpheme) -> str | None:
    """The plain past of a verb, by its conjugation."""
    base, conjugation = _base(verb), verb.conjugation
    if base.endswith(_OTHER_PAST):
        return None
    if base.endswith("する") and conjugation.startswith("サ行変格"):
        return base[:-2] + "した"
    if (
        conjugation.startswith(("上一段", "下一段", "助動詞-レル", "助動詞-セル"))
        or base != verb.base
        or (base.endswith("来る") and conjugation.startswith("カ行変格"))
    ):
        return base[:-1] + "た"
    if not conjugation.startswith("五段"):
        return None
    if base.endswith(("行く", "いく")):
        return base[:-1] + "った"
    sounds = {
        "う": "った",
        "つ": "った",
        "る": "った",
        "む": "んだ",
        "ぶ": "んだ",
        "ぬ": "んだ",
        "く": "いた",
        "ぐ": "いだ",
        "す": "した",
    }
    return base[:-1] + sounds[base[-1]]
