"""Variants of a question that mean the same, made by rules. A rule that does not surely apply gives nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from lmms_eval_ja.jp_tasks.rephrasing.endings import Ending, ending_of
from lmms_eval_ja.jp_tasks.rephrasing.sentences import sentences, unquoted
from lmms_eval_ja.jp_tasks.rephrasing.spelling import other_spelling
from lmms_eval_ja.jp_tasks.rephrasing.word_order import other_order

#: Raised whenever a rule can give another text: the variants are part of a score.
RULES_VERSION = 1
_POLITE = re.compile(r"です|(?<!ま)ます(?!ま)|ません|ました|でしょう|ください|下さい")
#: Endings of plain style, and the polite ones for them.
_TO_POLITE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(せよ|しなさい)。?$"), "してください。"),
    (re.compile(r"(?<=[えけげせてねべめれ])(よ|なさい)。?$"), "てください。"),
    (re.compile(r"(?<=[てで])。$"), "ください。"),
    (re.compile(r"だろうか(?=[。？?]?$)"), "でしょうか"),
    (re.compile(r"(?<=て)いるか(?=[。？?]?$)"), "いますか"),
    (re.compile(r"(?<=[一-龠々ァ-ヶー])(であるか|か)(?=[。？?]?$)"), "ですか"),
    (re.compile(r"(?<=何|れ|こ|誰|つ|ら)[？?]$"), "ですか。"),
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
    """…ですか and …でしょうか. Nobody wonders what the one who is asked will do: not where あなた is addressed."""
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
    for pattern, polite in _TO_POLITE:
        if pattern.search(sentence):
            return pattern.sub(polite, sentence)
    return None


def _softened(ending: Ending) -> str | None:
    if not ending.question or ending.kind == "favour":
        return None
    if not ending.soft:
        return f"{ending.plain}でしょうか{ending.mark}"
    if ending.kind != "verb":
        return f"{ending.plain}ですか{ending.mark}"
    goes_on = ending.plain.endswith(("ている", "でいる"))
    return f"{ending.plain.removesuffix('る')}ますか{ending.mark}" if goes_on else None


def _requested(ending: Ending) -> str | None:
    if ending.kind == "request":
        return f"{ending.plain}いただけますか{ending.mark}"
    if not ending.question:
        return None
    if ending.kind == "favour":
        return f"{re.sub('(もらえる|くれる|いただける|頂ける)$', '', ending.plain)}ください。"
    if not ending.asks:
        return f"{ending.plain}かどうか教えてください。"
    return f"{ending.plain}{'なのか' if ending.kind == 'noun' else 'か'}教えてください。"


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
