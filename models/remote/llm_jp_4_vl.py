"""`--model llm_jp_4_vl`: LLM-jp-4-VL (llm-jp/llm-jp-4-vl-9b), whose remote code is called `llmjpvl`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch

from lmms_eval_ja.models.failures import DocumentError
from lmms_eval_ja.models.generation import Generated, GenerationSettings
from lmms_eval_ja.models.prompt import Message, Prompt, message_images, message_text
from lmms_eval_ja.models.remote.base import RemoteVlm
from lmms_eval_ja.models.remote.harmony import final_text
from lmms_eval_ja.models.template_kind import takes_image_parts


class LlmJp4Vl(RemoteVlm):
    """LLM-jp-4-VL.

    Interface (llm-jp/simple-evals-mm, `src/simple_evals_mm/sampler/llmjpvl_sampler.py`): the checkpoint's own
    processor and template, which knows parts of images; `generate` that gives new tokens only; an answer in Harmony
    channels, of which the text of the last `final` counts. For a template that knows no such parts, an image is
    `<image>` in the text (mlx-vlm 0.7.10, `prompt_utils.py`).
    """

    environment: ClassVar[str] = "llm_jp_4_vl"

    def render(self, messages: list[Message]) -> Prompt:
        """Put the messages into the checkpoint's template."""
        as_parts = takes_image_parts(self.processor.chat_template)
        turns = [m if as_parts else {**m, "content": message_text(m, "<image>")} for m in messages]
        text = self.processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return Prompt(text, message_images(messages))

    def generate(
        self, inputs: Mapping[str, Any], settings: GenerationSettings, seeds: Sequence[int]
    ) -> list[Generated]:
        """Generate without early stops: a stop string may stand in the thoughts, and counts in the final text only."""
        return super().generate(inputs, replace(settings, until=()), seeds)

    def decode(self, ids: torch.Tensor) -> str:
        """The text of the final channel.

        Raises:
            DocumentError: the answer ended among its thoughts; the others of its batch are then generated one by one.
        """
        final = final_text(self.tokenizer.decode(ids, skip_special_tokens=False))
        if final is None:
            raise DocumentError(f"{len(ids)} tokens did not reach the final channel; allow more max_new_tokens")
        for special in self.tokenizer.all_special_tokens:
            final = final.replace(special, "")
        return final
