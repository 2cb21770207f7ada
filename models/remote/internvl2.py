"""`--model internvl2`: InternVL2 (OpenGVLab/InternVL2-8B) by the `chat` of its remote code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import transformers

from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.generation import GenerationSettings
from lmms_eval_ja.models.loading import load_model, load_processor
from lmms_eval_ja.models.prompt import Message, Prompt, message_images, message_text
from lmms_eval_ja.models.remote.base import auto_class, generation_keywords, only_question
from lmms_eval_ja.models.remote.one_by_one import OneByOne
from lmms_eval_ja.models.remote.tiles import tiles


class InternVl2(OneByOne):
    """InternVL2.

    Interface, as lmms-eval 0.7.3 uses it (`models/simple/internvl2.py`): an `AutoTokenizer`, and
    `model.chat(tokenizer, pixel_values, question, generation_config, num_patches_list=…, history=None)`, which writes
    the conversation's template with its own system message and gives the answer's text. `question` has one `<image>`
    for each image, with a line break behind it (ms-swift 4.6.0, `template/templates/internvl.py`); `num_patches_list`
    has the number of tiles of each image. Tiles: `tiles.py`; up to 12 of `force_image_size` or 448 pixels (ms-swift
    4.6.0 and sglang 0.5.23; lmms-eval's adapter takes up to 6: `max_tiles=6`).
    """

    environment: ClassVar[str] = "internvl2"

    def __init__(self, pretrained: str = "", *, max_tiles: int = 12, **arguments: Any) -> None:
        if not isinstance(max_tiles, int) or max_tiles < 1:
            raise ModelError(f"max_tiles={max_tiles}: expected a whole number from 1")
        self._max_tiles = max_tiles
        self.variant = f"max_tiles={max_tiles}"
        super().__init__(pretrained, **arguments)

    def load(self) -> None:
        """Load the model by its own code, and its tokenizer: there is no processor."""
        self.model = load_model(self.arguments, self.place, cls=auto_class(self.arguments, self.environment))
        self.processor = load_processor(self.arguments, transformers.AutoTokenizer)

    def render(self, messages: list[Message]) -> Prompt:
        """Write an image tag and a line break for each image; `chat` does the rest."""
        return Prompt(message_text(only_question(messages), "<image>\n"), message_images(messages))

    def encode(self, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """Questions, and tiles of all images: `counts` by document and image, `pixel_values` (tiles, 3, side, side)."""
        side = getattr(self.model.config, "force_image_size", None) or 448
        cut = [[tiles(image, side=side, most=self._max_tiles) for image in prompt.images] for prompt in prompts]
        every = [one for images in cut for one in images]
        return {
            "questions": [prompt.text for prompt in prompts],
            "counts": [[len(one) for one in images] for images in cut],
            "pixel_values": torch.cat(every) if every else None,
        }

    def ask(self, inputs: Mapping[str, Any], number: int, settings: GenerationSettings) -> str:
        """Call `chat` for one document."""
        counts = inputs["counts"]
        start = sum(map(sum, counts[:number]))
        pixels = inputs["pixel_values"][start : start + sum(counts[number])] if counts[number] else None
        answer: str = self.model.chat(
            self.tokenizer,
            pixels,
            inputs["questions"][number],
            generation_keywords(settings),
            num_patches_list=counts[number] or None,
            history=None,
        )
        return answer
