"""Image features of a prompt that was cut inside an image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Hook = Callable[[Any, tuple[Any, ...], dict[str, Any]], "tuple[tuple[Any, ...], dict[str, Any]] | None"]


def cutting_hook(image_id: int, image_tokens: int) -> Hook:
    """Make a forward hook (before, with keywords) for transformers' `LlavaModel`.

    LLaVA refuses a row whose image positions are not a multiple of an image's. The reference cuts text and features
    together, so only a row's last image can be incomplete: it keeps its first features. Batches without such a row are
    left to LLaVA.

    Args:
        image_id: Stands in `input_ids` at each position of an image.
        image_tokens: Positions of a whole image.
    """

    def hook(
        model: Any, args: tuple[Any, ...], inputs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        ids, pixels = inputs.get("input_ids"), inputs.get("pixel_values")
        encoded = (inputs.get("mm_encoder_outputs") or {}).get("image")  # how generate of transformers 5 gives them
        if ids is None or (pixels is None and encoded is None):
            return None
        at_image = ids == image_id
        kept = [_kept(count, image_tokens) for count in at_image.sum(dim=1).tolist()]
        if all(number == image_tokens for row in kept for number in row):
            return None
        found = encoded or model.get_image_features(pixel_values=pixels)
        features = getattr(found, "pooler_output", found)  # transformers 5 wraps them
        numbers = [number for row in kept for number in row]
        embedded = model.get_input_embeddings()(ids)
        merged = torch.cat([one[:number] for one, number in zip(features, numbers, strict=True)])
        embedded = embedded.masked_scatter(at_image[..., None].to(embedded.device), merged.to(embedded))
        merged_in = ("input_ids", "pixel_values", "mm_encoder_outputs")
        rest = {name: None if name in merged_in else value for name, value in inputs.items()}
        return args, rest | {"inputs_embeds": embedded}

    return hook


def _kept(positions: int, image_tokens: int) -> list[int]:
    """How many features each image of a row keeps."""
    whole, rest = divmod(positions, image_tokens)
    return [image_tokens] * whole + [rest] * bool(rest)
