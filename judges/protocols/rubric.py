"""`rubric`: one answer alone, from 1 to 5 by a rubric of its own, in the input format of Prometheus-Vision.

The prompt is what the published judges were trained on (arXiv 2401.06591; samples at github.com/prometheus-eval/
prometheus-vision), and any other judge can be asked with it. An image comes before it, for a judge that sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from lmms_eval_ja.judges.protocols.base import Message, Protocol, Score
from lmms_eval_ja.judges.protocols.rubric_reply import HIGH, LOW, read_rubric
from lmms_eval_ja.judges.rubric import rubrics_problem
from lmms_eval_ja.judges.sample import Sample

_HOW = (
    "the protocol rubric judges by the document's column rubric, {criteria, levels}: give it one in process_docs by "
    "lmms_eval_ja.judges.rubrics.with_rubric(dataset, NAME or FILE), see docs/rubrics.md"
)


@cache
def _prompt() -> str:
    # The last line of a file ends with a line break; the prompt does not.
    return (files("lmms_eval_ja.judges.protocols") / "rubric.txt").read_text(encoding="utf-8").removesuffix("\n")


class RubricProtocol(Protocol):
    """Feedback and a whole number of 1 to 5; temperature 1.0, top_p 0.9, 1,024 tokens as the authors sample.

    No seed is sent: with one, a server that heeds it would give every repeat the same reply. What makes a score stay
    is the store.
    """

    name = "rubric"
    version = 1
    low, high = LOW, HIGH
    needs = looks_at = ("rubric",)
    sampling = {"temperature": 1.0, "top_p": 0.9, "max_tokens": 1024}  # noqa: RUF012 (a ClassVar by the base)
    delimiters = (
        "###Task Description",
        "###The instruction to evaluate",
        "###Response to evaluate",
        "###Reference Answer",
        "###Score Rubrics",
        "###Feedback",
        "[RESULT]",
    )

    def template(self) -> str:
        """The prompt with its places; the rubrics are the documents', and have a hash of their own in the results."""
        return _prompt()

    def problem(self, columns: Mapping[str, Iterable[Any]]) -> str | None:
        """The first rubric that is not there, or not whole."""
        return rubrics_problem(columns.get("rubric", ()))

    def messages(self, sample: Sample, pass_: int = 0) -> list[Message]:
        """One user message.

        Raises:
            ValueError: the sample has no rubric; names it, and says where a rubric comes from.
        """
        del pass_
        if sample.rubric is None:
            raise ValueError(f"sample {sample.sample_id} has no rubric: {_HOW}")
        content = _prompt().format(
            question=self.quoted(sample.question),
            reference=self.quoted(sample.reference),
            answer=self.quoted_answer(sample.answer),
            criteria=self.quoted(sample.rubric.criteria),
            **{f"score{n}": self.quoted(text) for n, text in enumerate(sample.rubric.levels, start=1)},
        )
        return [{"role": "user", "content": content}]

    def parse(self, reply: str, pass_: int = 0) -> Score:
        """The result behind the last `[RESULT]`; the feedback before it is kept with the reply."""
        del pass_
        return read_rubric(reply)
