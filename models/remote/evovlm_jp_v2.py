"""`--model evovlm_jp_v2`: Llama-3-EvoVLM-JP-v2 (SakanaAI) on the classes of mantis-vl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, ClassVar

from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.loading import load_model, load_processor
from lmms_eval_ja.models.prompt import Message, Prompt, message_images, message_text

#: Its processor is another checkpoint's.
PROCESSOR = "TIGER-Lab/Mantis-8B-siglip-llama3"


class EvoVlmJpV2(ChatVlm):
    """Llama-3-EvoVLM-JP-v2; needs the package mantis-vl, but no code from the checkpoint.

    Interface (mantis-vl 0.0.5, `mantis/models/mllava`; llm-jp/llm-jp-eval-mm,
    `examples/runtimes/transformers/llama_3_evovlm_jp_v2.py`): the processor of Mantis with one `<image>` for each
    image, which it numbers itself; the conversation `llama_3` with a Japanese system prompt; an answer ends with
    `<|eot_id|>` too. mantis-vl's own system prompt is a joke: the argument `system_prompt` has to state one (the
    catalogue has that of llm-jp-eval-mm).
    """

    environment: ClassVar[str] = "evovlm"

    def __init__(self, pretrained: str = "", *, processor: str = PROCESSOR, **arguments: Any) -> None:
        if not arguments.get("system_prompt"):
            raise ModelError("EvoVlmJpV2: state system_prompt=TEXT, the Japanese one on the model's card")
        self._processor_source = processor
        self.variant = f"processor={processor}"
        super().__init__(pretrained, **arguments)

    def load(self) -> None:
        """Load with mantis-vl.

        Raises:
            ModelError: mantis-vl is not installed.
        """
        try:
            mantis = import_module("mantis.models.mllava")
        except ImportError as error:
            raise ModelError(
                f"Llama-3-EvoVLM-JP-v2 needs mantis-vl ({error}): lmms-eval-ja env create {self.environment}"
            ) from None
        self.model = load_model(self.arguments, self.place, cls=mantis.LlavaForConditionalGeneration)
        # A revision is the model's, not that of the processor's repository.
        theirs = replace(self.arguments, revision=None)
        self.processor = load_processor(theirs, mantis.MLlavaProcessor, self._processor_source)
        tokens = self.processor.tokenizer
        self.model.generation_config.eos_token_id = [tokens.eos_token_id, tokens.convert_tokens_to_ids("<|eot_id|>")]

    def render(self, messages: list[Message]) -> Prompt:
        """Write the conversation `llama_3`; the tokenizer adds BOS."""
        turns = [
            f"<|start_header_id|>{m['role']}<|end_header_id|>\n\n{message_text(m, '<image>')}<|eot_id|>"
            for m in messages
        ]
        return Prompt("".join([*turns, "<|start_header_id|>assistant<|end_header_id|>\n\n"]), message_images(messages))

    def encode(self, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """Call the processor, which numbers the images in the texts."""
        images = [list(prompt.images) for prompt in prompts] if prompts[0].images else None
        encoded: Mapping[str, Any] = self.processor(
            text=[prompt.text for prompt in prompts], images=images, padding=True, return_tensors="pt"
        )
        return encoded
