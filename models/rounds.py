"""Tasks of several rounds: each round of all documents is answered together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lmms_eval_ja.metrics import failed_generation
from lmms_eval_ja.models.answer_log import LoggedAnswer
from lmms_eval_ja.models.failures import DocumentError
from lmms_eval_ja.models.generation import GenerationSettings
from lmms_eval_ja.models.questions import Question


class _Answering(Protocol):
    def answer(self, questions: Sequence[Question]) -> list[LoggedAnswer | DocumentError]:
        """Answer questions, or say why not, in their order."""


@dataclass(eq=False)
class _Dialogue:
    """One request: what was answered so far; over when the task says so or an answer failed."""

    args: tuple[Any, ...]
    outputs: list[str] = field(default_factory=list)
    info: Any = None
    messages: Sequence[Mapping[str, Any]] | None = None
    over: bool = False

    def advance(self, documents: Any) -> None:
        """Ask the task for the messages of the next round."""
        _, doc_to_messages, _, doc_id, task, split = self.args
        doc = documents[task][split][doc_id]
        if not self.outputs:
            self.messages = doc_to_messages(doc)
            return
        payload = doc_to_messages(
            doc, round_idx=len(self.outputs), previous_output=list(self.outputs), previous_round_info=self.info
        )
        if not (isinstance(payload, tuple) and len(payload) == 4):  # noqa: PLR2004 (lmms-eval's protocol)
            self.over = True
            return
        self.messages, self.over, _, self.info = payload

    def fail(self, reason: str) -> None:
        """End with a failed generation."""
        self.outputs.append(failed_generation(reason))
        self.over = True


def answer_rounds(
    answering: _Answering,
    requests: Sequence[Any],
    settings_of: Callable[[Mapping[str, Any]], GenerationSettings],
    documents: Any,
) -> list[list[str]]:
    """The answers of each request, one for each round; a failed generation is its last.

    Args:
        answering: of the model.
        requests: as `generate_until` gets them; `doc_to_messages` takes `round_idx`, `previous_output` and
            `previous_round_info` from the second round on, and then gives (messages, whether it is over, …, info).
        settings_of: reads the generation settings.
        documents: task -> split -> doc_id -> document.
    """
    dialogues = [_Dialogue(request.args) for request in requests]
    while True:
        for dialogue in (d for d in dialogues if not d.over):
            try:
                dialogue.advance(documents)
            except Exception as error:  # a task's function and datasets raise anything
                dialogue.fail(f"{dialogue.args[4]} doc_id {dialogue.args[3]}: {type(error).__name__}: {error}")
        active = [dialogue for dialogue in dialogues if not dialogue.over]
        if not active:
            return [dialogue.outputs for dialogue in dialogues]
        answers = answering.answer([_question(dialogue, settings_of) for dialogue in active])
        for dialogue, answer in zip(active, answers, strict=True):
            if isinstance(answer, LoggedAnswer):
                dialogue.outputs.append(answer.text)
            else:
                dialogue.fail(str(answer))


def _question(dialogue: _Dialogue, settings_of: Callable[[Mapping[str, Any]], GenerationSettings]) -> Question:
    _, _, stated, doc_id, task, _ = dialogue.args
    messages = dialogue.messages or ()
    return Question(task, doc_id, settings_of(stated), lambda: messages)
