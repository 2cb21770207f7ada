"""What is judged: one answer with its question."""

from __future__ import annotations

from dataclasses import dataclass, field

from lmms_eval_ja.clients import ChatImage


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
    """

    sample_id: str
    question: str
    answer: str
    reference: str = ""
    context: str = ""
    category: str = ""
    cluster: str = ""
    images: tuple[ChatImage, ...] = field(default=(), repr=False)
