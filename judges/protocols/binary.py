"""`ja_binary`: whether an answer is right, by a short reference answer, in our own Japanese wording, replied as JSON.

Other toolkits judge the same benchmarks by yes and no, too (JAMMEval's simple-evals-mm among them). The wording and the
fields of the reply are this project's, so accuracies are not those of another toolkit with the same judge.
"""

from __future__ import annotations

from lmms_eval_ja.judges.protocols.base import ReplyError, Score
from lmms_eval_ja.judges.protocols.one_message import OneMessage
from lmms_eval_ja.judges.protocols.reading import last_object, number, readable

_WORDS = {"yes": 1.0, "no": 0.0}


class JaBinary(OneMessage):
    """1 for a right answer, 0 for any other; other scripts, synonyms and more specific answers are right."""

    name = "ja_binary"
    version = 1
    low, high = 0, 1
    delimiters = ("【質問", "【正解", "【評価対象の回答")

    def parse(self, reply: str, pass_: int = 0) -> Score:
        """`correct` of the last JSON object that has it: yes or no, true or false, 1 or 0."""
        del pass_
        value = last_object(readable(reply), "correct")["correct"]
        if isinstance(value, bool):
            return Score(float(value))
        if isinstance(value, str) and (word := value.strip(" \t\n.。").casefold()) in _WORDS:
            return Score(_WORDS[word])
        found = self.on_scale(number(value))
        if not found.is_integer():
            raise ReplyError("parse", f"{found:g} is neither 1 nor 0")
        return Score(found)
