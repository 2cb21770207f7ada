"""What a test knows of a benchmark of the suite: its data on a stand-in hub, answers to it, and what they score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from support.hub import Hub


@dataclass(frozen=True)
class Stand:
    """A benchmark's stand-in.

    Attributes:
        tasks: the names of the tasks that are run on it.
        add: puts its data on a hub.
        answers: to a task, by question id.
        expected: what those answers score, worked out without the package: metric → value.
    """

    tasks: Sequence[str]
    add: Callable[[Hub], None]
    answers: Callable[[str], Mapping[str, str]]
    expected: Callable[[str], Mapping[str, float]]


#: Kinds of answers to a multiple-choice question, taken in turn.
KINDS = ("letter", "full width", "other letter", "nothing", "sentence", "option's text", "two letters")
RIGHT = {"letter", "full width", "sentence", "option's text"}
UNREAD = {"nothing", "two letters"}


def kind_of(number: int) -> str:
    """The kind of the answer to the question of this number."""
    return KINDS[number % len(KINDS)]


def choice_answer(number: int, letter: str, options: Sequence[str]) -> str:
    """An answer to a multiple-choice question whose right letter is `letter`."""
    place = ascii_uppercase.index(letter)
    other = ascii_uppercase[(place + 1) % len(options)]
    return {
        "letter": f"{letter}. {options[place]}",
        "full width": chr(ord(letter) + 0xFEE0),
        "other letter": f"答えは「{other}」です。",
        "nothing": "この画像からは判断できません。",
        "sentence": f"画像を見ると、正解は{letter}です。",
        "option's text": f"答えは{options[place]}です。",
        "two letters": f"{letter}か{other}のどちらかです。",
    }[kind_of(number)]


def percent(hits: int, n: int) -> float:
    """A share in percent."""
    return 100 * hits / n


def choice_scores(numbers: Sequence[int]) -> dict[str, float]:
    """What the answers of `choice_answer` to the questions of these numbers score."""
    kinds = [kind_of(number) for number in numbers]
    right, unread = sum(kind in RIGHT for kind in kinds), sum(kind in UNREAD for kind in kinds)
    return {
        "accuracy": percent(right, len(kinds)),
        "accuracy_parsed": percent(right, len(kinds) - unread),
        "unparsed": percent(unread, len(kinds)),
    }
