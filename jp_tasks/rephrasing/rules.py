"""Variants of a question that mean the same, made by rules. A rule that does not surely apply gives nothing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable

from lmms_eval_ja.jp_tasks.rephrasing.endings import Ending, ending_of
from lmms_eval_ja.jp_tasks.rephrasing.morphemes import asks, chooses, may_ask, morphemes
from lmms_eval_ja.jp_tasks.rephrasing.sentences import sentences, unquoted
from lmms_eval_ja.jp_tasks.rephrasing.spelling import other_spelling
from lmms_eval_ja.jp_tasks.rephrasing.word_order import other_order

#: Raised whenever a rule can give another text: the variants are part of a score.
RULES_VERSION = 2
_POLITE = re.compile(r"です|(?<!ま)ます(?!ま)|ません|ました|でしょう|ください|下さい")
#: Endings of plain style, and the polite ones for them.
_TO_POLITE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"しなさい。?$"), "してください。"),
    (re.compile(r"(?<=[一-龠々ァ-ヶー]{2})(?<![見載任乗寄着合])せよ。?$"), "してください。"),
    (
        re.compile(
            "(述べ|答え|教え|伝え|挙げ|あげ|調べ|比べ|並べ|考え|数え|加え|求め|まとめ|確かめ|定め|見|見せ|載せ|任せ|知らせ|"
            "(?<=[一-龠々ァ-ヶー])させ)(?:よ|なさい)。?$"
        ),
        r"\1てください。",
    ),
    (re.compile(r"(?<=[てで])。$"), "ください。"),
    (re.compile(r"だろうか(?=[。？?]?$)"), "でしょうか"),
    (re.compile(r"(?<=て)いるか(?=[。？?]?$)"), "いますか"),
    (re.compile(r"(?<=[一-龠々ァ-ヶー])(であるか|か)(?=[。？?]?$)"), "ですか"),
    (re.compile(r"(何|れ|こ|誰|つ|いくら)[？?]$"), r"\1ですか。"),
)
#: What is asked of the one who answers; whoever else could do it is not named.
_TELL = re.compile(
    "^(?P<what>.+?)(?P<verb>説明し|描写し|記述し|要約し|教え|述べ|答え|書い|論じ|挙げ)て(?:もらえる|くれる|いただける|頂ける)$"
)
_TOLD = re.compile("は(?:何|なに|どこ|誰|だれ|いつ|どれ)(?:なの)?か(?=[^か]*$)|について|に関して")
_WHO_OR_WHERE = {"は", "も", "が", "に", "で", "から", "なら"}
#: Verbs of whoever is asked; of the first three, no は or が says that it is somebody else.
_OF_THE_ASKED = re.compile("(?:思う|思っている|知っている|説明する)$")
_OF_THE_ASKED_ALONE = re.compile(
    "(?:考える|考えている|感じる|感じている|分かる|わかる|選ぶ|(?:思っ|考え|感じ|説明し)た|選んだ)$"
)


def style(question: str) -> str | None:
    """Polite style to plain style, or the other way round: 何ですか。 and 何？; 説明してください。 and 説明して。."""
    parts = sentences(question)
    if parts is None:
        return None
    turned = [_plain(part) if _POLITE.search(unquoted(question)) else _polite(part) for part in parts]
    if any(part is None for part in turned):
        return None
    text = "".join(part for part in turned if part is not None)
    mixed = _POLITE.search(unquoted(question)) and _POLITE.search(unquoted(text))
    return None if mixed else text


def soften(question: str) -> str | None:
    """…ですか and …でしょうか. Nobody wonders what the one who is asked will do, thinks or knows."""
    return None if "あなた" in question else _with_last(question, _softened)


def request(question: str) -> str | None:
    """A question as a request, and a request as a question: …ますか。 and …か教えてください。."""
    return _with_last(question, _requested)


def order(question: str) -> str | None:
    """Another word order (`word_order`)."""
    parts = sentences(question)
    return other_order(parts[0]) if parts is not None and len(parts) == 1 else None


def kana(question: str) -> str | None:
    """Chosen words in kana instead of kanji, or the other way round (`spelling`); an option is never spelled anew."""
    return None if sentences(question) is None else other_spelling(question)


def kansai(question: str) -> str | None:
    """In the dialect of Kansai: 何なん？, 持ってるん？, 説明してくれへん？."""
    parts = sentences(question)
    ending = ending_of(parts[0]) if parts is not None and len(parts) == 1 else None
    return None if ending is None else _in_kansai(ending)


#: In the order in which their variants are numbered.
RULES: dict[str, Callable[[str], str | None]] = {
    "style": style,
    "soften": soften,
    "request": request,
    "order": order,
    "kana": kana,
}
#: Off unless asked for.
DIALECTS: dict[str, Callable[[str], str | None]] = {"kansai": kansai}


def variants_by_rules(question: str, rules: Iterable[str] = tuple(RULES), dialect: str | None = None) -> dict[str, str]:
    """The variants of a question by the name of their rule; none equals the question or another.

    Raises:
        ValueError: an unknown rule or dialect; the message lists the valid names.
    """
    wanted = list(rules)
    if unknown := [name for name in wanted if name not in RULES]:
        raise ValueError(f"unknown rule {unknown[0]!r}; expected some of {', '.join(RULES)}")
    if dialect is not None and dialect not in DIALECTS:
        raise ValueError(f"unknown dialect {dialect!r}; expected one of {', '.join(DIALECTS)}")
    chosen = {name: rule for name, rule in RULES.items() if name in wanted}
    if dialect is not None:
        chosen[dialect] = DIALECTS[dialect]
    found: dict[str, str] = {}
    for name, rule in chosen.items():
        variant = rule(question)
        if variant is not None and variant.strip() not in {question.strip(), *found.values()}:
            found[name] = variant
    return found


def _with_last(question: str, change: Callable[[Ending], str | None]) -> str | None:
    """The question with its last sentence changed: the others are as polite as before."""
    parts = sentences(question)
    ending = ending_of(parts[-1]) if parts else None
    changed = change(ending) if ending is not None else None
    return None if parts is None or changed is None else "".join([*parts[:-1], changed])


def _plain(sentence: str) -> str | None:
    ending = ending_of(sentence)
    if ending is None:
        return None
    if ending.kind == "request":
        return ending.plain + (ending.mark or "")
    if ending.question:
        if ending.soft:
            return f"{ending.plain}だろうか{ending.mark}"
        plain = re.sub("なん$", "何", ending.plain)  # なん stands before です only
        return f"{plain}{'?' if ending.mark == '?' else '？'}"
    if ending.soft:
        return f"{ending.plain}だろう{ending.mark}"
    return ending.plain + ("だ" if ending.kind in {"noun", "explained"} else "") + ending.mark


def _polite(sentence: str) -> str | None:
    if re.search("か[。？?]?$", sentence) and [word.surface for word in morphemes(sentence)].count("か") > 1:
        return None  # one of two: 犬か猫か
    for pattern, polite in _TO_POLITE:
        if pattern.search(sentence):
            return pattern.sub(polite, sentence)
    return None


def _softened(ending: Ending) -> str | None:
    if not ending.question or ending.kind == "favour" or _is_of_the_asked(ending.plain):
        return None
    if not ending.soft:
        return f"{ending.plain}でしょうか{ending.mark}"
    if ending.kind != "verb":
        return f"{ending.plain}ですか{ending.mark}"
    goes_on = ending.plain.endswith(("ている", "でいる"))
    return f"{ending.plain.removesuffix('る')}ますか{ending.mark}" if goes_on else None


def _is_of_the_asked(plain: str) -> bool:
    """Whether the sentence says what the one who is asked thinks, knows or does."""
    if _OF_THE_ASKED.search(plain):
        return True
    named = any(word.pos == "助詞" and word.surface in {"は", "が"} for word in morphemes(plain))
    return not named and _OF_THE_ASKED_ALONE.search(plain) is not None


def _requested(ending: Ending) -> str | None:
    if ending.kind == "request":
        return f"{ending.plain}いただけますか{ending.mark}"
    if not ending.question:
        return None
    if ending.kind == "favour":
        return f"{told}ください。" if (told := _told(ending.plain)) else None
    if not ending.asks:
        unsure = may_ask(ending.plain) or chooses(morphemes(ending.plain))
        return None if unsure else f"{ending.plain}かどうか教えてください。"
    return f"{ending.plain}{'なのか' if ending.kind == 'noun' else 'か'}教えてください。"


def _told(plain: str) -> str | None:
    """Up to て, what the one who answers is asked to tell; None where another may be meant (店員に説明してもらえる)."""
    match = _TELL.match(plain)
    if match is None:
        return None
    rest = _TOLD.sub("", match["what"])
    words = morphemes(rest)
    another = _WHO_OR_WHERE & {word.surface for word in words}
    on_condition = any(
        before.form.startswith("仮定形") or (before.pos in {"動詞", "助動詞", "形容詞"} and word.surface == "と")
        for before, word in itertools.pairwise(words)
    )
    if another or on_condition or asks(words) or may_ask(rest):  # いつ教えてもらえる, どうすれば, 電話すると
        return None
    return f"{match['what']}{match['verb']}て"


def _in_kansai(ending: Ending) -> str | None:
    if ending.kind == "request":
        return f"{ending.plain}くれへん？"
    if not ending.question or ending.kind == "favour":
        return None
    plain = re.sub("(よい|いい|良い)$", "ええ", ending.plain) if ending.kind == "adjective" else ending.plain
    if ending.soft:
        return f"{plain}やろか{ending.mark}"
    if ending.kind == "explained":
        return f"{plain.removesuffix('の')}ん？"
    if ending.kind == "verb":
        return f"{re.sub('(?<=[てで])いる$', 'る', plain)}ん？"
    return f"{plain}{'なん' if ending.kind == 'noun' else 'ん'}？"
