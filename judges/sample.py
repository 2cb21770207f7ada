"""What is judged: one answer with its question."""

from __future__ import annotations

from dataclasses import dataclass, field

from lmms_eval_ja.clients import ChatImage
from lmms_eval_ja.judges.rubric import Rubric


@dataclass(frozen=True)
class Turn:
    """An earlier turn of a conversation."""

    user: str
    assistant: str


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
