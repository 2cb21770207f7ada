"""What is judged: one answer with its question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lmms_eval_ja.clients import ChatImage
from lmms_eval_ja.judges.rubric import Rubric


@dataclass(frozen=True)
class Turn:
    """An earlier turn of a conversation."""

    user: str
    assistant: str


def turns_of(stated: object) -> tuple[Turn, ...] | None:
    """The earlier turns that a column `history` states; None where it is somebody else's."""
    if isinstance(stated, Mapping) and {"user", "assistant"} <= stated.keys():  # older `datasets` turn it inside out
        users, replies = stated["user"], stated["assistant"]
        if not all(isinstance(texts, list | tuple) for texts in (users, replies)) or len(users) != len(replies):
            return None
        stated = [{"user": user, "assistant": reply} for user, reply in zip(users, replies, strict=True)]
    if stated is None:
        return ()
    if not isinstance(stated, list | tuple):
        return None
    if not all(isinstance(turn, Mapping) and {"user", "assistant"} <= turn.keys() for turn in stated):
        return None
    return tuple(Turn(str(turn["user"] or ""), str(turn["assistant"] or "")) for turn in stated)


@dataclass(frozen=True)
class Sample:
    """One answer of the model under test.

    Attributes:
        sample_id: unique in its task; results are ordered by it.
        question: as the model saw it.
        answer: the model's answer; may be empty, which is an answer.
        reference: the answer that it is compared with.
        context: what the image shows, for a judge that does not see it.
        category: picks the rule of a protocol, and the category of the score.
        cluster: samples that share it are not independent (the same image).
        images: what the question is about, for a judge that sees; no other is sent them.
        rubric: what the answer is judged for, for protocols that judge by a rubric.
        history: the turns of the conversation before the question, the first first.
    """

    sample_id: str
    question: str
    answer: str
    reference: str = ""
    context: str = ""
    category: str = ""
    cluster: str = ""
    images: tuple[ChatImage, ...] = field(default=(), repr=False)
    rubric: Rubric | None = None
    history: tuple[Turn, ...] = ()

    def beside(self) -> str:
        """Rubric and earlier turns as one text of JSON, for tables; "" where there are neither."""
        found: dict[str, Any] = {"rubric": self.rubric.as_doc()} if self.rubric is not None else {}
        if self.history:
            found["history"] = [{"user": turn.user, "assistant": turn.assistant} for turn in self.history]
        return json.dumps(found, ensure_ascii=False) if found else ""

    def with_beside(self, text: str) -> Sample:
        """The sample with what `beside` made of rubric and earlier turns.

        Raises:
            ValueError: the text is not what `beside` writes.
        """
        if not text:
            return replace(self, rubric=None, history=())
        found = json.loads(text)
        try:
            rubric = Rubric.of(found["rubric"]) if "rubric" in found else None
            history = tuple(Turn(str(turn["user"]), str(turn["assistant"])) for turn in found.get("history", ()))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"no rubric and earlier turns ({type(error).__name__}): {text[:80]!r}") from None
        return replace(self, rubric=rubric, history=history)
