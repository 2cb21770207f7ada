"""Replies that no judge should write, for every parser: of any shape, and very long ones."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator

from lmms_eval_ja.judges import ReplyError
from lmms_eval_ja.judges.protocols import Score

Read = Callable[[str], Score]

_NUMBERS = ["8", "9", "10", "0", "11", "3", "-3", "4.5", "8.0", "９", "²", '"4"', "1e999", "9" * 400, "NaN"]
_PIECES = [
    *_NUMBERS,
    *("Infinity", "null", "true", "∞", "1-5", "うち3", " ", "\n", "\t", "\u3000", "/10", "/5", ",", "、", ".", "-"),
    *("〜", "**", "`", "#", "\0", "\ud800", "\u200b", "é", "[", "]", '"', "\\", "}", "{", ", ", "```json", "{score}"),
    *('{"score_gpt": 8, "score": ', '{"score_gpt": ', '"score": ', '{"Rating": ', '"Reason": "'),
    *("Score: ", "Score", "スコアは", "(1-5)", "[RESULT] ", "[result]", "So the overall score is "),
    *("</s>", " out of 5", "<think>", "</think>", "良い回答です。"),
]
#: Replies of about 200,000 characters that are built to take a parser's time; none of them holds a score.
LONG_REPLIES = [
    "Score" + " " * 200_000 + "x",
    "score" + "*" * 200_000,
    "Score (1-5)" + " " * 200_000 + "x",
    "Score:" + " " * 200_000 + "x",
    "score(" * 33_000,
    "スコアは " * 40_000,
    "8" * 200_000,
    "8" + " " * 200_000 + "x",
    "8 9" + " " * 200_000 + "/x",
    "8 / 10" * 33_000,
    "{" * 200_000,
    '{"' * 100_000,
    '{"score": ' * 20_000,
    '{"score_gpt":' + "[" * 200_000,
    '{"Rating": ' * 20_000,
    '{"Rating": "' + "8" * 200_000,
    "[RESULT" + " " * 200_000,
    "[RESULT]" * 25_000,
    "[RESULT] \n" * 20_000,
    "[RESULT]" + "*" * 200_000 + "x",
    "[RESULT] score" + " " * 200_000 + "x",
    "[" * 200_000,
    "the overall score is " * 10_000,
    "</s>" * 50_000 + "x",
    "<|" * 100_000,
    "<think>" * 28_000,
    "</think>" * 25_000,
    "```json\n" * 25_000,
    "e" + "\u0301\u0316" * 100_000,
    "\ufdfa" * 100_000,
]


def outcome(read: Read, reply: str, low: float, high: float, *, compares: bool = False) -> str:
    """ "score", or the kind of the failure; a score has to be on the scale, as the reference's has, where there is one.

    Args:
        read: the parser.
        reply: what it is given.
        low: the lower end of its scale.
        high: the upper end.
        compares: whether it gives the reference a score too.
    """
    try:
        score = read(reply)
    except ReplyError as error:
        return error.kind
    assert (score.reference is not None) == compares
    for value in (score.score, score.reference if compares else low):
        assert value is not None
        assert low <= value <= high, reply
    return "score"


def check_any_reply(
    read: Read, low: float, high: float, near: Callable[[str, str], str], *, compares: bool = False, whole: bool = True
) -> None:
    """Give a parser 10,000 replies; a good part has to be read, not to be readable, and to be off the scale.

    Args:
        read: the parser.
        low: the lower end of its scale.
        high: the upper end.
        near: makes the shape that the parser wants out of two texts, most of them numbers.
        compares: whether it gives the reference a score too.
        whole: whether its scores are whole numbers.
    """

    def checked(reply: str) -> Score:
        score = read(reply)
        assert not whole or score.score.is_integer(), reply
        return score

    seen = Counter(outcome(checked, reply, low, high, compares=compares) for reply in _any_replies(near))
    assert min(seen[kind] for kind in ("score", "parse", "range")) > 100, seen


def _any_replies(near: Callable[[str, str], str], n: int = 10_000) -> Iterator[str]:
    draw = random.Random(20270408)  # noqa: S311
    for k in range(n):
        shaped = near(draw.choice(_NUMBERS), draw.choice(_NUMBERS))
        text = "".join(draw.choices(_PIECES, k=draw.randrange(8)))
        any_text = "".join(chr(draw.randrange(0x110000)) for _ in range(draw.randrange(12)))
        yield [f"{shaped}{text}", text, f"{text}\n{shaped}", any_text, shaped][k % 5]


def seconds(work: Callable[[], object]) -> float:
    """The least processor time of three."""
    times = []
    for _ in range(3):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return min(times)
