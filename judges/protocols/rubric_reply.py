"""A reply as Prometheus-Vision writes it (arXiv 2401.06591): feedback, then `[RESULT] n`, a whole number of 1 to 5."""

from __future__ import annotations

import re

from lmms_eval_ja.judges.protocols.base import ReplyError, Score, within
from lmms_eval_ja.judges.protocols.reading import readable

LOW, HIGH = 1, 5
_MARKER = re.compile(r"\[ ?result ?\]", re.IGNORECASE)
#: How the feedback ends in the judge's training data, before the marker.
_CLOSING = "the overall score is"
#: "4", "score of 4", "score: 4", "4/5", "4 out of 5", "4点", after white space, markdown and brackets are gone.
_RESULT = re.compile(r"(?:score ?(?:of|is|:)? ?)?(-?\d+)(?: ?(?:/|out of) ?5)?(?: ?点)?", re.IGNORECASE)
#: What may stand behind the reply: the end of the judge's turn as raw text, in the forms of common chat templates.
_END_OF_TURN = re.compile(r"(?:(?:</s>|<end_of_turn>|<\|[\w▁-]{1,40}\|>)\s*){1,3}\Z")
_AROUND = "*_`#'\"“”「」()[]<>: "


def read_rubric(reply: str) -> Score:
    """The result behind the last marker, alone on its line; text on later lines is not read.

    A last marker without a readable result is a failure, whatever stands before it. Where there is no marker, the
    sentence that closes the feedback in the training data counts if it ends the reply.

    Args:
        reply: the whole text of the judge; full-width forms, markdown and thoughts before the reply are seen through.

    Raises:
        ReplyError: of kind "parse", nothing is readable (also a decimal, a word, two numbers); of kind "range", a whole
            number that is not one of 1 to 5.
    """
    text = _END_OF_TURN.sub("", readable(reply))
    found = _RESULT.fullmatch(_stated(text))
    if found is None:
        raise ReplyError("parse", f'no "[RESULT] n": {text[-80:]!r}')
    return Score(within(LOW, HIGH, float(found[1])))


def _stated(text: str) -> str:
    """What stands where a result is announced: on the line behind the marker that is not empty; "" if it is nowhere."""
    if markers := list(_MARKER.finditer(text)):
        lines = text[markers[-1].end() :].splitlines()
        return next((line for line in map(_bare, lines) if line), "")
    _, announced, rest = text.lower().rpartition(_CLOSING)
    return _bare(rest) if announced else ""


def _bare(line: str) -> str:
    """A line with single spaces, without the marks around it and its full stop."""
    return " ".join(line.split()).lstrip(_AROUND).rstrip(f"{_AROUND}.。")
