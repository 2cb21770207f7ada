"""What makes a model's inputs, in the place of transformers' processor."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image

from lmms_eval_ja.models.vila.layout import VilaLayout
from lmms_eval_ja.models.vila.pixels import pixel_values
from lmms_eval_ja.models.vila.tokens import VilaTokens

_log = logging.getLogger("lmms_eval_ja")


@dataclass
class VilaProcessor:
    """Makes a batch of inputs, padded on the left.

    Attributes:
        layout: The checkpoint's facts.
        tokens: Its tokenizer, fitted.
        cut: How many prompts were longer than the context and lost their end, so far.
    """

    layout: VilaLayout
    tokens: VilaTokens
    cut: int = field(default=0, init=False)

    @property
    def tokenizer(self) -> Any:
        """The checkpoint's own."""
        return self.tokens.tokenizer

    def __call__(
        self, texts: Sequence[str], images: Sequence[Sequence[Image.Image]], *, cut: bool = True
    ) -> dict[str, torch.Tensor]:
        """Make the inputs of `generate`.

        Args:
            texts: Prompts in the model's template, with an `<image>` tag for each image.
            images: For each prompt its images, in the order of the tags.
            cut: Keep of each prompt what the reference keeps, else all of it.

        Returns:
            `input_ids` and `attention_mask` (prompts, positions), int64; with images `pixel_values` (images of all
            prompts, 3, height, width), float32. An image that the context cuts off as a whole is left out.

        Raises:
            DocumentError: a prompt whose tags do not fit its images.
        """
        rows, shown = [], list[Image.Image]()
        for text, pictures in zip(texts, images, strict=True):
            ids = self.tokens.encode(text, len(pictures))
            rows.append(ids := self._within_context(ids) if cut else ids)
            shown += pictures[: self.tokens.images_in(ids)]
        width = max(len(row) for row in rows)
        inputs = {
            "input_ids": torch.tensor([[self.tokens.pad_id] * (width - len(row)) + row for row in rows]),
            "attention_mask": torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows]),
        }
        if shown:
            inputs["pixel_values"] = pixel_values(shown, self.layout.image_size, self.layout.mean, self.layout.std)
        return inputs

    def shorten(self, inputs: Mapping[str, torch.Tensor], limit: int) -> dict[str, torch.Tensor]:
        """The inputs of one prompt, cut to its first `limit` positions."""
        self._report(inputs["input_ids"][0].tolist(), limit)
        kept = {name: inputs[name][:, :limit] for name in ("input_ids", "attention_mask")}
        shown = self.tokens.images_in(kept["input_ids"][0].tolist())
        return kept | ({"pixel_values": inputs["pixel_values"][:shown]} if shown else {})

    def decode(self, ids: torch.Tensor) -> str:
        """The text of new token ids, without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))

    def _within_context(self, ids: list[int]) -> list[int]:
        kept = self.tokens.cut(ids)
        if len(kept) < len(ids):
            self._report(ids, len(kept))
        return kept

    def _report(self, ids: list[int], kept: int) -> None:
        self.cut += 1
        _log.warning(
            "a prompt of %d positions (%d of them image features) is cut to the first %d, as the reference does: its "
            "end, often the question, is lost",
            len(ids),
            ids.count(self.tokens.image_id),
            kept,
        )
