"""`ja_pairwise`: answer and reference compared in both orders, in our own Japanese wording, replied as JSON.

The shape of the reply, `{"score_gpt": …, "score": …}` from 1 to 10, is the one in use for Heron-Bench among Japanese
harnesses since 2025; the wording is this project's, so scores are not comparable with theirs.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from lmms_eval_ja.judges.protocols.base import Message, Protocol, Score
from lmms_eval_ja.judges.protocols.reading import last_object, number, readable
from lmms_eval_ja.judges.sample import Sample

_REFERENCE = "【参照回答 ここから】\n{reference}\n【参照回答 ここまで】"
_ANSWER = "【評価対象の回答 ここから】\n{answer}\n【評価対象の回答 ここまで】"


@cache
def _prompt() -> str:
    return (files("lmms_eval_ja.judges.protocols") / "ja_pairwise.txt").read_text(encoding="utf-8")


class JaPairwise(Protocol):
    """Pass 0 shows the reference first, pass 1 the answer first; the scores are the means of the two."""

    name = "ja_pairwise"
    version = 1
    low, high = 1, 10
    compares = True
    passes = 2
    sampling = {"temperature": 0, "max_tokens": 1024, "seed": 0}  # noqa: RUF012 (a ClassVar by the base)
    delimiters = ("【画像の説明", "【質問", "【参照回答", "【評価対象の回答")

    def template(self) -> str:
        """The prompt with its places for context, question and the two answers."""
        return f"{_prompt()}\n{_REFERENCE}\n{_ANSWER}"

    def messages(self, sample: Sample, pass_: int = 0) -> list[Message]:
        """One user message; the pass decides which answer stands first."""
        blocks = [
            _REFERENCE.format(reference=self.quoted(sample.reference)),
            _ANSWER.format(answer=self.quoted_answer(sample.answer)),
        ]
        first, second = blocks if pass_ == 0 else reversed(blocks)
        content = _prompt().format(
            context=self.quoted(sample.context) or "(なし)",
            question=self.quoted(sample.question),
            first=first,
            second=second,
        )
        return [{"role": "user", "content": content}]

    def parse(self, reply: str, pass_: int = 0) -> Score:
        """The last JSON object that holds both keys, in a code fence or in prose; digits may be full-width."""
        del pass_
        found = last_object(readable(reply), "score_gpt", "score")
        score, reference = number(found["score"]), number(found["score_gpt"])
        return Score(score=self.on_scale(score), reference=self.on_scale(reference))
