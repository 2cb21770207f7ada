"""From a picture to the vision tower's input, as the reference does it: Pillow throughout, no padding, no tiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

_SCALE = 1 / 255


def resized(image: Image.Image, size: int) -> Image.Image:
    """RGB, then bicubic to a square of `size` pixels, whatever the picture's shape."""
    return image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)


def pixel_values(images: Sequence[Image.Image], size: int, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Make the vision tower's input.

    Args:
        images: Pillow images of any mode and size.
        size: Height and width that the tower takes.
        mean: Of red, green and blue, subtracted after scaling to 0 … 1.
        std: Of red, green and blue, divided by.

    Returns:
        float32, shape (images, 3, size, size). Equal to transformers' Pillow backend for SigLIP; its torchvision
        backend resizes differently, by up to 0.047.
    """
    low, spread = np.asarray(mean, dtype=np.float32), np.asarray(std, dtype=np.float32)
    pixels = [
        ((np.asarray(resized(image, size), dtype=np.float64) * _SCALE).astype(np.float32) - low) / spread
        for image in images
    ]
    return torch.from_numpy(np.stack(pixels).transpose(0, 3, 1, 2).copy())
