"""`vqa_likert`: the 1-to-5 judge of the LLM-jp-3 VILA paper (Table 8), for questions with a short reference answer."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from lmms_eval_ja.judges.protocols.base import Message, Protocol, ReplyError, Score
from lmms_eval_ja.judges.protocols.reading import readable
from lmms_eval_ja.judges.sample import Sample

#: "Score: 4", "**Score:** 4/5", "スコアは4", '"score": 4', "Score (1-5): 4"; neither the ".5" of "Score: .5" nor the
#: range of "Score: 4-5" nor, without a colon, a number on the next line.
#: The runs of marks are taken whole ((?=(…))\1): given back one by one they would cost the square of their length.
_MARKED = re.compile(
    r"""(?:score|スコア)(?=(["'*_` \t]*))\1(?:\([^()\n]{1,20}\)(?=(["'*_` \t]*))\2)?"""
    r"""(?:[:=は]["'*_`\s\[(<]*|["'*_` \t\[(<]*)(?P<score>-?\d+(?:\.\d+)?)(?!\.?\d|[ \t]*[-~〜–][ \t]*\d)""",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(-?\d+(?:\.\d+)?)(?:\s*/\s*5)?")


@cache
def _prompt() -> str:
    return (files("lmms_eval_ja.judges.protocols") / "vqa_likert.txt").read_text(encoding="utf-8")


class VqaLikert(Protocol):
    """The prompt of Table 8 with its `Score: X`; temperature 0 and seed 0 as in the paper's section 4.3."""

    name = "vqa_likert"
    version = 1
    low, high = 1, 5
    sampling = {"temperature": 0, "max_tokens": 1024, "seed": 0}  # noqa: RUF012 (a ClassVar by the base)
    delimiters = (
        "# Instruction",
        "# Evaluation",
        "## Metric Definition",
        "## Criteria Definition",
        "## Rating Rubric",
        "# Question",  # and "## Question"
        "## Reference Answer",
        "## AI-generated Response",
    )

    def template(self) -> str:
        """Table 8 with its three places."""
        return _prompt()

    def messages(self, sample: Sample, pass_: int = 0) -> list[Message]:
        """One user message, as the table stands."""
        del pass_
        content = _prompt().format(
            input_text=self.quoted(sample.question),
            answer=self.quoted(sample.reference),
            pred=self.quoted_answer(sample.answer),
        )
        return [{"role": "user", "content": content}]

    def parse(self, reply: str, pass_: int = 0) -> Score:
        """The last `Score: X` of the reply, or a reply that is one number and nothing else."""
        del pass_
        text = readable(reply)
        marked = [found["score"] for found in _MARKED.finditer(text)]
        alone = _ALONE.fullmatch(text)
        if not marked and alone is None:
            raise ReplyError("parse", f'no "Score: X": {text[-80:]!r}')
        value = float(marked[-1] if marked else alone[1])  # type: ignore[index]  # one of the two is there
        if not value.is_integer():
            raise ReplyError("parse", f"{value:g} is not one of the scale's whole numbers")
        return Score(self.on_scale(value))
