"""`--model heron_nvila_lite`: Heron-NVILA-Lite (turing-motors) by the `generate_content` of its remote code."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import transformers

from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.generation import GenerationSettings
from lmms_eval_ja.models.loading import load_model
from lmms_eval_ja.models.prompt import Message, Prompt, message_images, message_text
from lmms_eval_ja.models.remote.base import auto_class, generation_keywords, only_question
from lmms_eval_ja.models.remote.one_by_one import OneByOne


class HeronNvilaLite(OneByOne):
    """Heron-NVILA-Lite.

    Interface (llm-jp/llm-jp-eval-mm, `examples/runtimes/transformers/heron_nvila.py`):
    `model.generate_content([images…, text], generation_config=…)` gives the answer's text; template, tokenizer and
    pixels are its own. Code without `generation_config` is not run.
    """

    environment: ClassVar[str] = "heron_nvila"

    def load(self) -> None:
        """Load the model by its own code, which has the tokenizer and all else.

        Raises:
            ModelError: the code has no such `generate_content`.
        """
        self.model = load_model(self.arguments, self.place, cls=auto_class(self.arguments, self.environment))
        method = getattr(self.model, "generate_content", None)
        if method is None or "generation_config" not in inspect.signature(method).parameters:
            raise ModelError(
                f"pretrained={self.arguments.pretrained}: {type(self.model).__name__} has no "
                "generate_content(content, generation_config=…); this revision needs another plugin"
            )
        self.processor = self.model
        self.tokenizer = getattr(self.model, "tokenizer", None)

    def render(self, messages: list[Message]) -> Prompt:
        """Take the text and the images apart; images come first."""
        return Prompt(message_text(only_question(messages)), message_images(messages))

    def encode(self, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """What `generate_content` takes, for each document."""
        return {"contents": [[*prompt.images, prompt.text] for prompt in prompts]}

    def ask(self, inputs: Mapping[str, Any], number: int, settings: GenerationSettings) -> str:
        """Call `generate_content` for one document, with the model's own settings where a task has none."""
        own = getattr(self.model, "default_generation_config", None) or getattr(self.model, "generation_config", None)
        config = copy.deepcopy(own) if own is not None else transformers.GenerationConfig()
        config.update(**generation_keywords(settings))
        answer: str = self.model.generate_content(inputs["contents"][number], generation_config=config)
        return answer
