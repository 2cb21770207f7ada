"""VILA1.5's projector `mlp_downsample`, and LLaVA with it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import LlavaForConditionalGeneration

#: torch's default, with which the reference makes its LayerNorm.
_EPSILON = 1e-5


def fold(features: torch.Tensor) -> torch.Tensor:
    """Join each 2 × 2 block of patches into one token, as NVlabs' VILA does at 48aadd5.

    An odd grid first gets a row of zeros at the bottom and a column at the right. A token's channels are those of its
    patches in reading order (upper left, upper right, lower left, lower right). The tokens run down the columns of the
    picture, not along its rows: the first half of `side` tokens is the left edge. NVlabs' later code turns this order;
    the weights of VILA1.5 were trained without that.

    Args:
        features: Shape (images, side · side, channels), in reading order.

    Returns:
        Shape (images, ceil(side / 2)², 4 · channels).
    """
    images, patches, channels = features.shape
    side = int(patches**0.5)
    grid = features.reshape(images, side, side, channels)
    grid = nn.functional.pad(grid, (0, 0, 0, side % 2, 0, side % 2))
    half = grid.shape[1] // 2
    blocks = grid.reshape(images, half, 2, half, 2, channels)  # image, row of blocks, row, column of blocks, column
    return blocks.permute(0, 3, 1, 2, 4, 5).reshape(images, half * half, 4 * channels)


class FoldingProjector(nn.Module):  # type: ignore[misc]  # torch has no types here
    """Fold, LayerNorm, Linear, GELU, Linear."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, hidden = 4 * config.vision_config.hidden_size, config.text_config.hidden_size
        self.norm = nn.LayerNorm(width, eps=_EPSILON)
        self.linear_1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.linear_2 = nn.Linear(hidden, hidden)

    def forward(self, image_features: torch.Tensor) -> torch.Tensor:
        """From (images, patches, channels of the tower) to (images, tokens, channels of the language model)."""
        hidden: torch.Tensor = self.linear_2(self.act(self.linear_1(self.norm(fold(image_features)))))
        return hidden


class FoldingLlava(LlavaForConditionalGeneration):  # type: ignore[misc]
    """LLaVA whose projector is `FoldingProjector`."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.model.multi_modal_projector = FoldingProjector(config)
