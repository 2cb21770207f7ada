"""`--model ja_api`: any vision-language model behind an OpenAI-compatible address as the model under test.

Every answer is in an SQLite file before it is used, under the hash of all that was asked, images included: a run that
was killed, or in which some answers failed, asks only for what is not there.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from lmms_eval.api.instance import GenerationResult, TokenCounts

from lmms_eval_ja.metrics import failed_generation
from lmms_eval_ja.models.answer_log import LoggedAnswer
from lmms_eval_ja.models.api_answers import Answered, ApiAnswers
from lmms_eval_ja.models.api_messages import unsent_settings
from lmms_eval_ja.models.api_settings import ApiSettings
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.generation import GenerationSettings, settings_of, warn_of_ignored
from lmms_eval_ja.models.no_device import NoDevice
from lmms_eval_ja.models.questions import questions_of
from lmms_eval_ja.models.ranks import Place, accelerator_of
from lmms_eval_ja.models.rounds import answer_rounds

_log = logging.getLogger("lmms_eval_ja")
#: What lmms-eval passes to every model, and means nothing here.
_IGNORED = ("batch_size", "max_batch_size", "device")


class ApiModel(NoDevice):
    """Model arguments: those of `ApiSettings` (api_settings.py); `model` alone asks OpenAI.

    For example `model=gpt-4o-2024-11-20`, or `model=Qwen/Qwen2.5-VL-7B-Instruct,base_url=http://127.0.0.1:8000/v1`.
    """

    #: Where neither the task nor `max_tokens` states it.
    max_new_tokens: ClassVar[int] = 1024

    def __init__(self, model: str = "", **arguments: Any) -> None:
        super().__init__()
        self._rank, self._world_size = (int(os.environ.get(n) or d) for n, d in (("RANK", 0), ("WORLD_SIZE", 1)))
        given = {name: value for name, value in arguments.items() if name not in _IGNORED}
        self.settings = ApiSettings.of({"model": model, **given}, self._world_size)
        self._answers = ApiAnswers(self.settings, self._rank)
        if self._world_size > 1:
            self.accelerator = accelerator_of(Place(self._rank, self._world_size, self.device))

    def settings_of(self, stated: Mapping[str, Any]) -> GenerationSettings:
        """A task's generation settings, under those of the model arguments."""
        server = self.settings.server
        given = {"temperature": server.temperature, "top_p": server.top_p, "max_new_tokens": server.max_tokens}
        if server.temperature is not None:
            given["do_sample"] = server.temperature > 0
        own = {name: value for name, value in given.items() if value is not None}
        warn_of_ignored(stated)
        try:
            settings = settings_of({**stated, **own}, max_new_tokens=self.max_new_tokens)
        except (TypeError, ValueError) as error:
            raise ModelError(str(error)) from None
        if unsent := unsent_settings(settings):
            _warn_once(unsent)
        return settings

    def generate_until(self, requests: list[Any]) -> list[GenerationResult]:
        """One answer for each request, in order; a failed one is the reserved text of `failed_generation`."""
        return [_result(one) for one in self._answers.answer(questions_of(requests, self.settings_of, self.task_dict))]

    def generate_until_multi_round(self, requests: list[Any]) -> list[list[str]]:
        """The answers of each request's rounds; a failed generation is the last of its request."""
        return answer_rounds(self._answers, requests, self.settings_of, self.task_dict)

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """Not possible: chat servers give no likelihood of a text that they did not write."""
        del requests
        raise ModelError("ja_api: a chat server gives answers, no likelihoods; choose a task that generates")


@cache
def _warn_once(unsent: tuple[str, ...]) -> None:
    _log.warning("ja_api does not send %s; what the server takes may stand in extra_body", ", ".join(unsent))


def _result(answered: Answered) -> GenerationResult:
    if isinstance(answered, LoggedAnswer):
        return GenerationResult(answered.text, TokenCounts(answered.input_tokens, answered.output_tokens))
    return GenerationResult(failed_generation(str(answered)))
