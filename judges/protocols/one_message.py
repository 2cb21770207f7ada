"""What protocols of our own wording share that judge one answer by a reference: one message, its prompt in a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import ClassVar

from lmms_eval_ja.judges.protocols.base import Message, Protocol
from lmms_eval_ja.judges.sample import Sample


@cache
def _prompt(name: str) -> str:
    return (files("lmms_eval_ja.judges.protocols") / f"{name}.txt").read_text(encoding="utf-8")


class OneMessage(Protocol):
    """The prompt in `<name>.txt`, with places for question, reference and answer; temperature 0 and seed 0."""

    sampling = {"temperature": 0, "max_tokens": 1024, "seed": 0}  # noqa: RUF012 (a ClassVar by the base)
    delimiters: ClassVar[Sequence[str]]

    def template(self) -> str:
        """The prompt with its three places."""
        return _prompt(self.name)

    def messages(self, sample: Sample, pass_: int = 0) -> list[Message]:
        """One user message."""
        del pass_
        content = _prompt(self.name).format(
            question=self.quoted(sample.question),
            reference=self.quoted(sample.reference),
            answer=self.quoted_answer(sample.answer),
        )
        return [{"role": "user", "content": content}]
