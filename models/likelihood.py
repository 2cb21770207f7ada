"""How likely a model finds a text after a document's question and images."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from lmms_eval_ja.models.batching import BatchSize, WorkQueue
from lmms_eval_ja.models.memory import OUT_OF_MEMORY, free_memory, is_out_of_memory
from lmms_eval_ja.models.prompt import Prompt

if TYPE_CHECKING:
    from lmms_eval_ja.models.chat_vlm import ChatVlm

_log = logging.getLogger("lmms_eval_ja")
#: What cannot be computed is no number.
UNKNOWN = (math.nan, False)


@dataclass(eq=False)
class Continuation:
    """A text whose likelihood after a prompt is asked for.

    `group`, `length` and `alone` are for the batches.
    """

    name: str
    prompt: Prompt
    text: str
    alone: bool = False

    @property
    def group(self) -> int:
        """Number of images."""
        return len(self.prompt.images)

    @property
    def length(self) -> int:
        """Number of characters."""
        return len(self.prompt.text) + len(self.text)


def log_likelihoods(vlm: ChatVlm, continuations: Sequence[Continuation], size: BatchSize) -> list[tuple[float, bool]]:
    """For each continuation, in order: ln P(text | prompt), and whether greedy decoding would write it.

    What fails (out of memory with one text, inputs that cannot be encoded) is NaN, and is reported by name.
    """
    found: dict[Continuation, tuple[float, bool]] = {}
    queue = WorkQueue(continuations)
    while batch := queue.next(size.size):
        queue.take(batch)
        try:
            with torch.no_grad():
                found.update(zip(batch, _score(vlm, batch), strict=True))
            size.fitted(len(batch))
            continue
        except Exception as error:  # processors and models raise anything
            out_of_memory = is_out_of_memory(error)
            reason = OUT_OF_MEMORY if out_of_memory else f"{type(error).__name__}: {error}"
        if out_of_memory:
            free_memory()
            size.ran_out(len(batch))
        if len(batch) == 1:
            _log.warning("no likelihood for %s: %s", batch[0].name, reason)
            found[batch[0]] = UNKNOWN
            continue
        for one in batch:
            one.alone = not out_of_memory
        queue.give_back(batch)
    return [found[one] for one in continuations]


def _score(vlm: ChatVlm, batch: Sequence[Continuation]) -> list[tuple[float, bool]]:
    inputs = vlm.encode([Prompt(one.prompt.text + one.text, one.prompt.images) for one in batch])
    ids, mask = inputs["input_ids"], inputs["attention_mask"].bool()
    lengths = [
        _continuation_length(ids[row][mask[row]], vlm.encode([one.prompt])["input_ids"][0])
        for row, one in enumerate(batch)
    ]
    longest = max(lengths)
    logits = vlm.model(**vlm.to_device(inputs)).logits[:, -longest - 1 : -1].float()
    if len(vlm.suppressed_tokens):
        logits[..., torch.as_tensor(vlm.suppressed_tokens, device=logits.device)] = -math.inf
    # Padded on the left, every row ends with its continuation.
    targets = ids[:, ids.shape[1] - longest :].to(logits.device)
    scores = logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    greedy = logits.argmax(-1) == targets
    return [
        (float(scores[row, longest - n :].sum()), bool(greedy[row, longest - n :].all()))
        for row, n in enumerate(lengths)
    ]


def _continuation_length(whole: torch.Tensor, prompt: torch.Tensor) -> int:
    """Number of tokens after what both have in common: at the seam a token may hold the end of one and the other."""
    shared = min(len(whole), len(prompt))
    differs = (whole[:shared] != prompt[:shared]).nonzero()
    return len(whole) - (int(differs[0]) if len(differs) else shared)


def continuation_of(vlm: ChatVlm, args: Sequence[Any]) -> Continuation:
    """Read a request of lmms-eval: (context, continuation or doc_to_target, doc_to_visual, doc_id, task, split), or
    (context, continuation) without images.
    """  # noqa: D205 (one sentence)
    context, target, *more = args
    images: Sequence[Any] = ()
    name = "a text without a document"
    if more:
        doc_to_visual, doc_id, task, split = more
        doc = vlm.task_dict[task][split][doc_id]
        name = f"{task} doc_id {doc_id}"
        images = doc_to_visual(doc) or ()
        target = target if isinstance(target, str) else target(doc)
    parts = [{"type": "image", "image": image} for image in images]
    messages = [{"role": "user", "content": [*parts, {"type": "text", "text": context}]}]
    return Continuation(name, vlm.prompt_of(messages), target)
