"""The answer's letter as other evaluations read it, where their figures are to be reproduced."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from string import ascii_uppercase

from lmms_eval_ja.metrics._choice import Choice

#: What is stripped from an answer's ends, one after the other.
_MARKS = ",.!?;:'、。！？；："
_FEWEST_WORDS = 6
_ANSWER = r"(?:Answer|答え|答|答案|解答|回答|정답|답|Antwort|Respuesta|Réponse|Risposta|Resposta)\s*[:：]"
_AFTER = re.compile(rf"{_ANSWER}\s*\(?\*{{0,2}}\$?([A-Za-zＡ-Ｚａ-ｚ])\$?\*{{0,2}}\)?", re.IGNORECASE)
_LATEX = (
    "**",
    r"$\boxed{",
    "}$",
    r"\$",
    r"$\text{",
    "$",
    r"\mathrm{",
    r"\{",
    r"\text",
    r"\(",
    r"\mathbf{",
    "{",
    r"\boxed",
)


def peer_choice(answer: str, options: Sequence[str], *, variant: str) -> Choice:
    """Read a letter as a named peer does, mistakes included.

    Args:
        answer: What a model wrote.
        options: The texts of the options, shape (n,), at most 26.
        variant: "evalmm": llm-jp-eval-mm (9f450a5) for JMMMU: brackets, else a letter before a blank, else between
            Japanese letters, else before a point, else, in more than five words, the option's text; of several the one
            furthest back. "upstream": the same in lmms-eval 0.7.3, which answers at random where this has no letter.
            "simple_evals": simple-evals-mm (06b2f44): the first letter behind "Answer:", "回答:" and the like.

    Returns:
        The letter, or none with the reason "none".

    Raises:
        ValueError: The variant is not known, or there are more options than letters.
    """
    readers: dict[str, Callable[[str, Sequence[str]], str | None]] = {
        "evalmm": _evalmm,
        "upstream": _evalmm,
        "simple_evals": _simple_evals,
    }
    if variant not in readers:
        raise ValueError(f"unknown variant {variant!r}; expected one of {', '.join(map(repr, readers))}")
    if not 0 < len(options) <= len(ascii_uppercase):
        raise ValueError(f"{len(options)} options; expected 1 to {len(ascii_uppercase)}")
    letter = readers[variant](answer, options)
    return Choice(None, "none") if letter is None else Choice(letter, None, variant)


def contains_reference(reference: str, answer: str, *, ignore_case: bool = False) -> bool:
    """Whether the reference is a part of the answer, as llm-jp-eval-mm (9f450a5) scores MECHA-ja, CVQA and JIC-VQA.

    "Answer: B" so counts as right for A, as does any answer for a reference of one letter that it holds in a word.

    Args:
        reference: The letter or the text.
        answer: What a model wrote.
        ignore_case: Compare in small letters, so that "Osaka" holds A.

    Returns:
        Whether it is.
    """
    return reference.lower() in answer.lower() if ignore_case else reference in answer


def _evalmm(answer: str, options: Sequence[str]) -> str | None:
    """As MMMU's reader, with letters between Japanese characters besides."""
    for mark in _MARKS:
        answer = answer.strip(mark)
    text = f" {answer} "
    letters = ascii_uppercase[: len(options)]
    japanese = "[\u3040-\u30ff\u4e00-\u9fff]"
    rules: list[tuple[Callable[[str], bool], Callable[[str], int]]] = [
        (lambda letter: f"({letter})" in text, lambda letter: text.rfind(f"({letter})")),
        (lambda letter: f"{letter} " in text, lambda letter: text.rfind(f" {letter} ")),
        (
            lambda letter: bool(re.search(f"{japanese}{letter}{japanese}", text)),
            lambda letter: text.rfind(f" {letter} "),
        ),
        (lambda letter: f"{letter}." in text, lambda letter: text.rfind(f" {letter} ")),
    ]
    if len(text.split()) >= _FEWEST_WORDS:
        low, texts = text.lower(), {letter: option.lower() for letter, option in zip(letters, options, strict=True)}
        rules.append((lambda letter: texts[letter] in low, lambda letter: low.rfind(texts[letter])))
    for holds, place in rules:
        candidates = [letter for letter in letters if holds(letter)]
        if candidates:
            return max(candidates, key=place)  # of equals the first, as by argmax
    return None


def _simple_evals(answer: str, options: Sequence[str]) -> str | None:
    """The first letter behind "Answer:" in any of its languages."""
    for mark in _LATEX:
        answer = answer.replace(mark, "")
    match = _AFTER.search(answer)
    if match is None:
        return None
    code = ord(match[1])
    letter = (chr(code - 0xFEE0) if code >= ord("Ａ") else match[1]).upper()
    return letter if letter in ascii_uppercase[: len(options)] else None
