"""What a protocol is: the messages to the judge, and how its reply is read."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal

from lmms_eval_ja.judges.protocols.quoting import imitations, visible
from lmms_eval_ja.judges.sample import Sample

Message = dict[str, Any]
#: Breaks a delimiter that stands inside a text without changing what is read: U+2060 has no width.
WORD_JOINER = "\u2060"
#: Stands where an over-long answer was cut.
CUT_MARK = "…({}文字省略)…"


@dataclass(frozen=True)
class Score:
    """A reply that could be read: the answer's score and, in comparing protocols, the reference's."""

    score: float
    reference: float | None = None


class ReplyError(ValueError):
    """A reply that gives no score. `kind`: "parse" (not readable) or "range" (read, but off the scale)."""

    def __init__(self, kind: Literal["parse", "range"], message: str) -> None:
        super().__init__(message)
        self.kind = kind


def within(low: float, high: float, value: float) -> float:
    """The value itself, if it is on the scale, both ends included.

    Raises:
        ReplyError: of kind "range".
    """
    if not low <= value <= high:
        raise ReplyError("range", f"{value:g} is off the scale of {low:g} to {high:g}")
    return value


class Protocol(ABC):
    """Messages and parsing under a name and a version; a change of either that can move a score raises the version."""

    name: ClassVar[str]
    version: ClassVar[int]
    #: Ends of the scale, both included.
    low: ClassVar[float]
    high: ClassVar[float]
    #: Whether the reference answer gets a score too.
    compares: ClassVar[bool] = False
    #: How often the judge is asked about one answer, each time a little differently (orders of the two answers).
    passes: ClassVar[int] = 1
    #: Whether a judge that sees is shown the pictures; not where the prompt says that it cannot see them.
    shows_images: ClassVar[bool] = True
    #: Columns that its documents must have besides the usual ones.
    needs: ClassVar[Sequence[str]] = ()
    #: Columns that `problem` is given, where the documents have them.
    looks_at: ClassVar[Sequence[str]] = ()
    #: What the protocol prescribes; the judge's settings may override it.
    sampling: ClassVar[Mapping[str, Any]]
    #: Marks of the prompt that a text must not be able to write.
    delimiters: ClassVar[Sequence[str]] = ()
    #: Characters of an answer that the judge is shown; of a longer one the middle is cut out.
    longest_answer: ClassVar[int] = 20_000

    def problem(self, columns: Mapping[str, Iterable[Any]]) -> str | None:
        """What this protocol cannot judge, in a sentence that names the row; None if it can judge all documents.

        Asked before a run, when nothing has been spent yet.

        Args:
            columns: of the documents, those of `looks_at` that are there.
        """
        del columns
        return None

    @abstractmethod
    def messages(self, sample: Sample, pass_: int = 0) -> list[Message]:
        """The chat messages for one answer, in one of the `passes`."""

    @abstractmethod
    def parse(self, reply: str, pass_: int = 0) -> Score:
        """Read a reply.

        Raises:
            ReplyError: no score can be read, or it is off the scale.
        """

    @abstractmethod
    def template(self) -> str:
        """All of the prompt that does not come from the sample; its hash is part of the fingerprint."""

    def check(self) -> None:  # noqa: B027 (most protocols need nothing)
        """Fail early when something that the prompt needs is not there.

        Raises:
            AssetError: a file of the benchmark is missing; the message says how to get it.
        """

    def fingerprint(self) -> dict[str, Any]:
        """What makes scores of this protocol comparable: name, version, hash of the prompt."""
        text = json.dumps([self.template(), self.passes], ensure_ascii=False)
        return {
            "protocol": self.name,
            "version": self.version,
            "prompt_sha256": hashlib.sha256(text.encode()).hexdigest(),
        }

    def quoted(self, text: str) -> str:
        """A text as it may stand in the prompt: it cannot write one of the prompt's delimiters.

        An imitation of a delimiter (`imitations`) gets a `WORD_JOINER`; control characters become visible (`visible`).
        Every other text stays as it is.
        """
        text = visible(text)
        if not (found := imitations(text, self.delimiters)):
            return text
        breaks = sorted(at + 1 for at in found)
        return WORD_JOINER.join(text[start:end] for start, end in pairwise([0, *breaks, len(text)]))

    def quoted_answer(self, answer: str) -> str:
        """The answer under test as it may stand in the prompt: `quoted`, and without its `omitted` characters."""
        if omitted := self.omitted(answer):
            head = self.longest_answer // 2
            answer = answer[:head] + CUT_MARK.format(omitted) + answer[head + omitted :]
        return self.quoted(answer)

    def omitted(self, answer: str) -> int:
        """How many characters in the middle of an answer the judge is not shown; 0 but for over-long answers."""
        return max(0, len(answer) - self.longest_answer)

    def on_scale(self, value: float) -> float:
        """The value itself, if it is on the scale.

        Raises:
            ReplyError: of kind "range".
        """
        return within(self.low, self.high, value)
