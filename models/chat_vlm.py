"""`--model ja_vlm`: any image-text-to-text model of transformers that has a chat template; the base of the families.

A family's plugin is a subclass that overrides what `VlmHooks` (hooks.py) lists. Everything else is done by the modules
beside this one: which documents go together (`batching.py`), what was answered before (`answer_log.py`), out of memory
and failures (`answering.py`), early stops and sampling (`decoding.py`), ranks (`ranks.py`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lmms_eval.api.instance import GenerationResult, TokenCounts
from lmms_eval.api.model import lmms

from lmms_eval_ja.metrics import failed_generation
from lmms_eval_ja.models.answer_log import AnswerLog, LoggedAnswer, log_folder
from lmms_eval_ja.models.answering import Answering
from lmms_eval_ja.models.arguments import ModelArguments
from lmms_eval_ja.models.batching import BatchSize
from lmms_eval_ja.models.failures import DocumentError, ModelError
from lmms_eval_ja.models.fingerprint import model_fingerprint
from lmms_eval_ja.models.generation import GenerationSettings, settings_of, warn_of_ignored
from lmms_eval_ja.models.hooks import VlmHooks
from lmms_eval_ja.models.likelihood import continuation_of, log_likelihoods
from lmms_eval_ja.models.loading import remote_code_error
from lmms_eval_ja.models.prompt import Prompt, chat_messages
from lmms_eval_ja.models.questions import questions_of
from lmms_eval_ja.models.ranks import Place, accelerator_of
from lmms_eval_ja.models.rounds import answer_rounds


class ChatVlm(VlmHooks, lmms):  # type: ignore[misc]  # lmms_eval has no types
    """Model arguments: the fields of `ModelArguments` (arguments.py); `pretrained` alone is enough.

    A subclass may take more: `def __init__(self, pretrained, *, conversation="llmjp_v3", **arguments)` sets its own
    attributes first, names in `self.variant` those that can move an answer, and ends with
    `super().__init__(pretrained, **arguments)`.
    """

    is_simple = False

    def __init__(self, pretrained: str = "", **arguments: Any) -> None:
        super().__init__()
        self.arguments = ModelArguments.of(type(self).__name__, pretrained=pretrained, **arguments)
        if self.remote_code and not self.arguments.trust_remote_code:
            raise remote_code_error(self.arguments.pretrained)
        self.place = Place.of(self.arguments)
        self._rank, self._world_size = self.place.rank, self.place.world_size
        if self.place.world_size > 1:
            self.accelerator = accelerator_of(self.place)
        self.load()
        if not hasattr(self, "tokenizer"):
            self.tokenizer = copy.deepcopy(getattr(self.processor, "tokenizer", self.processor))
        self._check_template()
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        facts = model_fingerprint(self.arguments, self.model, name, self.variant)
        log = AnswerLog(log_folder(self.arguments.answer_log), facts)
        size = BatchSize(self.arguments.batch_size, self.arguments.max_batch_size)
        self._answering = Answering(self, log, size, seed=self.arguments.seed)
        self._size = size

    @property
    def device(self) -> torch.device:
        """Where lmms-eval gathers counts when there are several ranks."""
        return self.accelerator.device if self.world_size > 1 else self.place.device

    @property
    def rank(self) -> int:
        """This process among those of the run."""
        return int(self._rank)

    @property
    def world_size(self) -> int:
        """Number of processes of the run."""
        return int(self._world_size)

    def prompt_of(self, raw: Sequence[Mapping[str, Any]]) -> Prompt:
        """The prompt of one document's messages, as lmms-eval builds them."""
        return self.render(chat_messages(raw, self.arguments.system_prompt))

    def to_device(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs with their tensors on the model's device, those of floats in its dtype."""
        return {name: self._moved(value) for name, value in inputs.items()}

    def settings_of(self, stated: Mapping[str, Any]) -> GenerationSettings:
        """A task's generation settings, completed by those of the family."""
        warn_of_ignored(stated)
        try:
            return settings_of(stated, max_new_tokens=self.max_new_tokens, stop=self.stop)
        except (TypeError, ValueError) as error:
            raise ModelError(str(error)) from None

    def generate_until(self, requests: list[Any]) -> list[GenerationResult]:
        """One answer for each request, in order; a failed one is the reserved text of `failed_generation`."""
        answers = self._answering.answer(questions_of(requests, self.settings_of, self.task_dict))
        return [_result(answer) for answer in answers]

    def generate_until_multi_round(self, requests: list[Any]) -> list[list[str]]:
        """The answers of each request's rounds; a failed generation is the last of its request."""
        return answer_rounds(self._answering, requests, self.settings_of, self.task_dict)

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """For each request ln P(continuation | question and images), and whether greedy decoding would write it."""
        return log_likelihoods(self, [continuation_of(self, request.args) for request in requests], self._size)

    def _moved(self, value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        dtype = getattr(self.model, "dtype", None) if value.is_floating_point() else None
        return value.to(self.place.device, dtype=dtype)

    def _check_template(self) -> None:
        if type(self).render is VlmHooks.render and not getattr(self.processor, "chat_template", None):
            raise ModelError(
                f"pretrained={self.arguments.pretrained} has no chat template: state chat_template=FILE, or use the "
                "plugin of its family (lmms-eval-ja models lists them)"
            )


def _result(answer: LoggedAnswer | DocumentError) -> GenerationResult:
    if isinstance(answer, DocumentError):
        return GenerationResult(failed_generation(str(answer)))
    counts = TokenCounts(input_tokens=answer.input_tokens, output_tokens=answer.output_tokens)
    return GenerationResult(answer.text, counts)
