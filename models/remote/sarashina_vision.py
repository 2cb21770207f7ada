"""`--model sarashina2_vision` and `sarashina22_vision`: Sarashina2-Vision and Sarashina2.2-Vision (sbintuitions)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from lmms_eval_ja.models.failures import DocumentError
from lmms_eval_ja.models.generation import GenerationSettings
from lmms_eval_ja.models.prompt import Message, Prompt, message_images, message_text
from lmms_eval_ja.models.remote.base import RemoteVlm
from lmms_eval_ja.models.template_kind import takes_image_parts

#: Stands for one image.
IMAGE_TAG = "<|prefix|><|file|><|suffix|>"
#: Begins the next turn where a template writes turns as `### Human:`.
TURN = "\n###"


class Sarashina2Vision(RemoteVlm):
    r"""Sarashina2-Vision.

    Interface (llm-jp/llm-jp-eval-mm, `examples/runtimes/transformers/sarashina2_vision.py`; sglang 0.5.23,
    `multimodal/processors/sarashina2_vision.py`): an `AutoProcessor` called with texts and images, and `generate`; one
    `<|prefix|><|file|><|suffix|>` for each image; an answer ends before `\n###`. The template is the checkpoint's own.
    `\n###` ends an answer only if that template writes it: elsewhere it is a heading.
    """

    environment: ClassVar[str] = "sarashina2"

    def render(self, messages: list[Message]) -> Prompt:
        """Put the messages into the checkpoint's template, with as many image tags as images.

        Raises:
            DocumentError: the template writes another number of tags.
        """
        images = message_images(messages)
        text = self._written(messages, "")
        tags = text.count(IMAGE_TAG)
        if tags == 0 and images:
            text = self._written(messages, IMAGE_TAG)
        elif tags == 1 != len(images):
            text = text.replace(IMAGE_TAG, IMAGE_TAG * len(images))
        if text.count(IMAGE_TAG) != len(images):
            raise DocumentError(f"the template wrote {text.count(IMAGE_TAG)} image tags for {len(images)} images")
        return Prompt(text, images)

    def settings_of(self, stated: Mapping[str, Any]) -> GenerationSettings:
        """A task's settings; an answer ends where the template's next turn would begin."""
        settings = super().settings_of(stated)
        if "###" not in str(self.processor.chat_template):
            return settings
        return replace(settings, until=tuple(dict.fromkeys((*settings.until, TURN))))

    def _written(self, messages: list[Message], tag: str) -> str:
        """The template's text; a template that knows no parts of images gets texts, with a tag where an image is."""
        as_parts = takes_image_parts(self.processor.chat_template)
        turns = [m if as_parts else {"role": m["role"], "content": message_text(m, tag)} for m in messages]
        text: str = self.processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return text


class Sarashina22Vision(Sarashina2Vision):
    """Sarashina2.2-Vision: the same interface with another transformers, and a template that knows parts of images.

    So llm-jp/simple-evals-mm, `src/simple_evals_mm/sampler/sarashina_sampler.py`.
    """

    environment: ClassVar[str] = "sarashina22"
