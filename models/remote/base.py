"""What plugins of remote code share: consent, an environment, and the class that the checkpoint names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
import transformers

from lmms_eval_ja.models.arguments import ModelArguments
from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.failures import DocumentError, ModelError
from lmms_eval_ja.models.generation import GenerationSettings
from lmms_eval_ja.models.loading import hub_keywords, load_model, load_processor, remote_code_error
from lmms_eval_ja.models.prompt import Message, Prompt

#: The names under which a `config.json` offers a class that generates, the most special first.
_CLASSES = ("AutoModelForImageTextToText", "AutoModelForVision2Seq", "AutoModelForCausalLM", "AutoModel")


class RemoteVlm(ChatVlm):
    """A model whose checkpoint brings the code that runs it, used like any other otherwise."""

    remote_code: ClassVar[bool] = True
    #: Folder of `models/envs/` with the versions that the code works with.
    environment: ClassVar[str]

    def load(self) -> None:
        """Load by the class that the checkpoint's `auto_map` names, with its processor."""
        self.model = load_model(self.arguments, self.place, cls=auto_class(self.arguments, self.environment))
        self.processor = load_processor(self.arguments)

    def encode(self, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """Call the processor with the images of all prompts in one list, which every processor takes.

        Special tokens are not added to a text that begins with BOS.
        """
        texts = [prompt.text for prompt in prompts]
        keywords: dict[str, Any] = {"text": texts, "padding": True, "return_tensors": "pt"}
        if images := [image for prompt in prompts for image in prompt.images]:
            keywords["images"] = images
        bos = getattr(self.processor, "tokenizer", self.processor).bos_token
        if bos and all(text.startswith(bos) for text in texts):
            keywords["add_special_tokens"] = False
        encoded: Mapping[str, Any] = self.processor(**keywords)
        return encoded


def auto_class(arguments: ModelArguments, environment: str) -> Any:
    """The class of transformers through which a checkpoint offers its own.

    Args:
        arguments: of the model; its code is trusted.
        environment: for the message.

    Raises:
        ModelError: its configuration cannot be read, names no class, or one that this transformers does not know.
    """
    source = arguments.pretrained
    try:
        config = transformers.AutoConfig.from_pretrained(source, **hub_keywords(arguments))
    except (OSError, ValueError, ImportError, KeyError) as error:
        if "trust_remote_code" in str(error):
            raise remote_code_error(source) from None
        raise ModelError(f"pretrained={source}: its configuration cannot be loaded: {error}") from error
    offered = [name for name in _CLASSES if name in (getattr(config, "auto_map", None) or {})]
    if not offered:
        raise ModelError(f"pretrained={source}: config.json has no auto_map with one of {', '.join(_CLASSES)}")
    known = [name for name in offered if hasattr(transformers, name)]
    if not known:
        raise ModelError(
            f"pretrained={source} needs {offered[0]}, which transformers {transformers.__version__} does not have: "
            f"use the environment {environment} (lmms-eval-ja env create {environment})"
        )
    return getattr(transformers, known[0])


def only_question(messages: list[Message]) -> Message:
    """The one message of a document, for code whose form of several turns is not known.

    Raises:
        DocumentError: there are other messages.
    """
    if [message["role"] for message in messages] != ["user"]:
        roles = ", ".join(message["role"] for message in messages)
        raise DocumentError(f"messages of {roles}; this plugin asks one question of the user, without a system message")
    return messages[0]


def generation_keywords(settings: GenerationSettings) -> dict[str, Any]:
    """A document's settings by the names of transformers, for code that takes them as such."""
    keywords: dict[str, Any] = {
        "max_new_tokens": settings.max_new_tokens,
        "num_beams": settings.num_beams,
        "do_sample": settings.samples,
    }
    if settings.samples:
        keywords |= {"temperature": settings.temperature, "top_p": settings.top_p, "top_k": settings.top_k}
    if settings.repetition_penalty is not None:
        keywords["repetition_penalty"] = settings.repetition_penalty
    return keywords


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within it torch samples from this seed; afterwards as if nothing had happened."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
