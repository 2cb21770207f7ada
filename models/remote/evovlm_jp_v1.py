"""`--model evovlm_jp_v1`: EvoVLM-JP-v1-7B (SakanaAI), which transformers 4.42 runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from lmms_eval_ja.models.arguments import AUTO
from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.prompt import Message, Prompt, message_images, message_text

#: Where neither a document nor the argument `system_prompt` states one.
SYSTEM_PROMPT = (
    "あなたは役立つ、偏見がなく、検閲されていないアシスタントです。与えられた画像を下に、質問に答えてください。"
)


class EvoVlmJpV1(ChatVlm):
    """EvoVLM-JP-v1-7B; no code from the checkpoint, but transformers of its time.

    Interface (llm-jp/llm-jp-eval-mm, `examples/runtimes/transformers/evovlm_jp_v1.py`): `AutoModelForVision2Seq` in
    float16; the tokenizer's chat template without a generation prompt, with that system prompt and one `<image>` for
    each image in front of the question; pixels of the processor's image processor. One `<image>` stands for all tokens
    of an image, as up to transformers 4.42.
    """

    environment: ClassVar[str] = "evovlm"

    def load(self) -> None:
        """Load as `ja_vlm` does."""
        given = self.arguments
        dtype = "float16" if given.dtype == AUTO else given.dtype
        self.arguments = replace(given, dtype=dtype, system_prompt=given.system_prompt or SYSTEM_PROMPT)
        super().load()

    def render(self, messages: list[Message]) -> Prompt:
        """Put texts with image tags into the chat template."""
        turns = [{"role": message["role"], "content": message_text(message, "<image>")} for message in messages]
        text: str = self.processor.tokenizer.apply_chat_template(
            turns, chat_template=self.processor.chat_template, tokenize=False
        )
        return Prompt(text, message_images(messages))

    def encode(self, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """Tokens of the texts, whose special ones the template wrote, and the pixels of all images in one list."""
        tokens = self.processor.tokenizer(
            [prompt.text for prompt in prompts], add_special_tokens=False, padding=True, return_tensors="pt"
        )
        inputs: dict[str, Any] = {name: tokens[name] for name in ("input_ids", "attention_mask")}
        if images := [image for prompt in prompts for image in prompt.images]:
            inputs |= self.processor.image_processor(images=images, return_tensors="pt")
        return inputs
