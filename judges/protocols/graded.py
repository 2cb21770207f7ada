"""`ja_graded`: one answer alone, from 1 to 10 by a reference answer, in our own Japanese wording, replied as JSON."""

from __future__ import annotations

from lmms_eval_ja.judges.protocols.base import ReplyError, Score
from lmms_eval_ja.judges.protocols.one_message import OneMessage
from lmms_eval_ja.judges.protocols.reading import last_object, number, readable


class JaGraded(OneMessage):
    """Whole numbers of 1 to 10; the judge sees no picture and takes the reference for what the picture shows."""

    name = "ja_graded"
    version = 1
    low, high = 1, 10
    delimiters = ("【質問", "【模範回答", "【評価対象の回答")

    def parse(self, reply: str, pass_: int = 0) -> Score:
        """`score` of the last JSON object that has it; digits may be full-width."""
        del pass_
        score = self.on_scale(number(last_object(readable(reply), "score")["score"]))
        if not score.is_integer():
            raise ReplyError("parse", f"{score:g} is not one of the scale's whole numbers")
        return Score(score)
