"""Which option of a multiple-choice question an answer chooses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lmms_eval_ja.metrics import _choice_words as words
from lmms_eval_ja.metrics._answer import generation_failure
from lmms_eval_ja.metrics._choice_mentions import Firmness, Mention, mentions, rejected
from lmms_eval_ja.metrics._choice_options import Options, label_key, read_options
from lmms_eval_ja.metrics._choice_texts import text_mentions, whole_text
from lmms_eval_ja.metrics._plain_text import boxed, read_answer, without_markup

Reason = Literal["generation failed", "empty", "unfinished", "ambiguous", "outside", "refusal", "none"]

#: Why no option is read, each with what it means.
CHOICE_FAILURES: dict[Reason, str] = {
    "generation failed": "the model gave no answer at all; see `generation_failure`",
    "empty": "white space or punctuation only",
    "unfinished": "thoughts that end in no answer",
    "ambiguous": "several options are chosen, or a label and another option's text",
    "outside": "the label of no option is chosen",
    "refusal": "the model says that it cannot or will not choose",
    "none": "nothing is chosen",
}


@dataclass(frozen=True)
class Choice:
    """What an answer chooses.

    Attributes:
        letter: The option's label as given, A, B, C … by default; None if no option could be read.
        reason: Why none could be read, a key of `CHOICE_FAILURES`; None if one was.
        how: Which rule decided: "whole answer", "boxed", "stated", "leading", "said", "noted", "option text"; else "".
    """

    letter: str | None
    reason: Reason | None = None
    how: str = ""


def parse_choice(answer: str, options: Sequence[str], *, labels: Sequence[str] | None = None) -> Choice:
    r"""Read which option an answer chooses, without ever guessing.

    The model's thoughts in tags, markdown, LaTeX, full-width forms and case do not matter. An option is chosen by its
    label (`Ｂ`, `「B」`, `B\n大阪`, `正解はＢです。`, `\boxed{B}`, `AではなくBです`) or by its own text where that
    is unambiguous (`答えは大阪です`). An option's text that is the label of another one (keys of music: C, D, E, F) is
    read as that label. Letters in words (`DNA`, `Bランク`, `ビタミンC`), the English article and options that are only
    talked about or rejected choose nothing.

    In this order decides: the boxes; the whole answer; the last place, if a word such as よって, いや or 最終 is before
    it; statements (`答えはB`, `Answer: B`); beginnings of lines; ends of sentences; brackets; the options' texts.
    Where the deciding places name two options, the answer is ambiguous.

    Args:
        answer: What the model wrote, or a failed generation.
        options: The texts of the options, shape (n,), 1 to 26 of them where no labels are given. Where all texts begin
            with labels of their own ("① 東京", "ア. 東京"), these count, too.
        labels: What the options are called in the question, shape (n,), such as 1, 2, 3 or ア, イ, ウ. None: A, B, C …

    Returns:
        The label, or the reason why there is none.

    Raises:
        ValueError: There are no options, or not one label for each, or labels are empty or alike.
    """
    read = read_options(tuple(options), None if labels is None else tuple(labels))
    if generation_failure(answer.strip()) is not None:
        return Choice(None, "generation failed")
    text = read_answer(answer)
    if not text:
        return Choice(None, "unfinished" if answer.strip() else "empty")
    boxes = [box for box in boxed(text) or ("<" in text and _TAGGED.findall(text)) or () if box.strip()]
    if boxes:
        choices = [_read(without_markup(box), read, "boxed") for box in boxes]
        # Two boxes that differ are two answers, unless the text says that the last one corrects the first.
        if len(set(choices)) > 1 and not _CORRECTION.search(text):
            return Choice(None, "ambiguous")
        if choices[-1].reason not in {"none", "empty"}:
            return choices[-1]
    return _read(without_markup(text), read, "whole answer")


_TAGGED = re.compile(
    r"<(?:answer|final_answer|answer_final)>([^<]{0,400})</(?:answer|final_answer|answer_final)>", re.IGNORECASE
)
_WHOLE = re.compile(
    rf"[{words.OPEN}]*(?:(?:選択肢|オプション|記号|option|choice)\s?[{words.OPEN}:]*)?(?P<label>[^\W_]{{1,6}}?)[{words.SHUT}.。、:]*"
    r"(?:番(?:です|目)?|です|だと思います|だ|である|でしょう|を選びます|を選択します|になります|となります)?[\s.。!]*[\"'」)]?",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w")


def _read(text: str, options: Options, whole: str) -> Choice:
    """Read an answer, or what stands in its box; `whole` is what to call an answer that is nothing but an option."""
    if not _WORD.search(text):
        return Choice(None, "empty")
    folded = text.casefold()
    if len(folded) != len(text):  # İ, ẞ and a few more grow; places in the two must agree
        folded = "".join(small if len(small := letter.casefold()) == 1 else letter for letter in text)
    named: frozenset[int | None] = whole_text(folded, options)
    match = _WHOLE.fullmatch(text)
    # A text that is another option's label but for a sign says two things: "-2", where 2 is a label.
    keys = [label_key(options.texts[number]) for number in named if number is not None]
    keys += [label_key(match["label"])] if match else []
    named |= {options.index_of[key] for key in keys if key in options.index_of}
    if named:
        return _choice(named, options, whole)
    found = _asserted(mentions(text, folded, options), options)
    if found:
        return _decided(found, options)
    found = text_mentions(text, folded, options)
    if found:
        choice = _decided(found, options)
        if choice.letter and options.labels.index(choice.letter) in rejected(text, folded, options):
            choice = Choice(None, "ambiguous")  # "東京です。ただし、Aではありません。"
        return Choice(choice.letter, choice.reason, "option text" if choice.letter else "")
    if words.REFUSAL.search(text):
        return Choice(None, "refusal")
    return Choice(None, "ambiguous" if _listed(mentions(text, folded, options), options) else "none")


def _asserted(found: list[Mention], options: Options) -> list[Mention]:
    """Leave the question out, where an answer writes its options down again."""
    if not _listed(found, options):
        return found
    return [mention for mention in found if not mention.quoted or mention.firmness is Firmness.STATED]


def _listed(found: list[Mention], options: Options) -> bool:
    """Whether three options or all are written down with label and text, none of them stated to be the answer."""
    listed = [mention.options for mention in found if mention.quoted and mention.firmness is not Firmness.STATED]
    return len(frozenset().union(*listed)) >= min(3, len(options.labels)) > 1


def _decided(found: list[Mention], options: Options) -> Choice:
    """Decide between the places where options are named: the firmest, unless others contradict them."""
    firm = [mention for mention in found if mention.firmness is not Firmness.NOTED]
    if firm and firm[-1].final and firm[-1].firmness is not Firmness.LEADING:
        return _choice(firm[-1].options, options, firm[-1].firmness.name.lower())
    firmness = min(mention.firmness for mention in found)
    deciding = [mention for mention in found if mention.firmness is firmness]
    named = frozenset().union(*(mention.options for mention in deciding))
    for mention in found:
        begins = mention.firmness is Firmness.LEADING and mention.start <= _FIRST and not _many(found)
        ends = mention.firmness is Firmness.SAID and mention.start > deciding[-1].start
        if begins or ends or (firmness is Firmness.LEADING and mention.quoted):
            named |= mention.options
    return _choice(named, options, firmness.name.lower())


def _many(found: list[Mention]) -> bool:
    """Whether several lines begin with different options: the question over again, or a discussion of each."""
    return len(frozenset().union(*(mention.options for mention in found if mention.firmness is Firmness.LEADING))) > 1


#: A label that begins within so many characters begins the answer.
_FIRST = 4


def _choice(named: frozenset[int | None], options: Options, how: str) -> Choice:
    """The one option named, or why it is none."""
    if len(named) > 1:
        return Choice(None, "ambiguous")
    (number,) = named
    return Choice(None, "outside") if number is None else Choice(options.labels[number], None, how)


_CORRECTION = re.compile(
    r"訂正|修正|失礼|間違え|見直|再考|考え直|いや、|最終|\bwait\b|\bcorrection\b|\bactually\b|\bfinal", re.IGNORECASE
)
