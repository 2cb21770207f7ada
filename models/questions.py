"""One document to be answered: where it comes from, what it is asked, and the key of its answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lmms_eval_ja.models.generation import GenerationSettings
from lmms_eval_ja.models.prompt import Prompt

#: Pixels of one image token, roughly; for sorting only.
_PIXELS_PER_TOKEN = 28 * 28


@dataclass(eq=False)
class Question:
    """A document with its generation settings.

    Attributes:
        task: its name.
        doc_id: index of the document in the task's data.
        settings: how the answer is generated.
        raw_messages: builds the document's messages, anew each time, since images of all documents may not fit.
        repeat: which of several samples of the same question this is; 0 unless chance takes part.
        alone: shares a batch with nothing.
    """

    task: str
    doc_id: int
    settings: GenerationSettings
    raw_messages: Callable[[], Sequence[Mapping[str, Any]]]
    repeat: int = 0
    alone: bool = False
    length: int = 0
    group: Hashable = None
    key: str = ""
    seed: int = 0
    kept: Prompt | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.task} doc_id {self.doc_id}"

    def identify(self, prompt: Prompt, key_of: Callable[[Mapping[str, Any]], str], seed: int) -> None:
        """Set `key`, `seed`, `group` and `length` from the prompt.

        Args:
            prompt: of this document.
            key_of: the answer log's hash.
            seed: of the run.
        """
        facts = self._facts(prompt, seed)
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).digest()
        self.seed = int.from_bytes(digest[:8], "big") >> 1
        self.key = key_of(facts)
        self.group = (self.settings, len(prompt.images))
        self.length = len(prompt.text) + prompt.pixels // _PIXELS_PER_TOKEN

    def _facts(self, prompt: Prompt, seed: int) -> dict[str, Any]:
        """All that is asked, and of the chance only where it takes part."""
        chance = {"seed": seed, "repeat": self.repeat} if self.settings.samples else {}
        return chance | {
            "task": self.task,
            "doc_id": self.doc_id,
            "prompt": prompt.text,
            "images": prompt.image_hashes,
            "settings": asdict(self.settings),
        }


def questions_of(
    requests: Sequence[Any], settings_of: Callable[[Mapping[str, Any]], GenerationSettings], documents: Any
) -> list[Question]:
    """The questions of lmms-eval's requests, in order.

    Args:
        requests: with `args` (context, doc_to_messages, generation settings, doc_id, task, split).
        settings_of: reads the generation settings.
        documents: task -> split -> doc_id -> document.
    """
    questions, seen = [], dict[tuple[str, int], int]()
    for request in requests:
        _, doc_to_messages, stated, doc_id, task, split = request.args
        question = Question(
            task, doc_id, settings_of(stated), _messages(doc_to_messages, documents, task, split, doc_id)
        )
        # lmms-eval asks a request `repeats` times, and pads ranks with copies of the last one: those are no new sample.
        is_padding = (getattr(request, "metadata", None) or {}).get("__padding_only__", False)
        if question.settings.samples and not is_padding:
            question.repeat = seen.get((task, doc_id), 0)
            seen[task, doc_id] = question.repeat + 1
        questions.append(question)
    return questions


def _messages(
    doc_to_messages: Callable[[Any], Any], documents: Any, task: str, split: str, doc_id: int
) -> Callable[[], Any]:
    return lambda: doc_to_messages(documents[task][split][doc_id])
