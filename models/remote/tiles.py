"""An image cut into square tiles in about its own shape, for models that see one square at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from PIL import Image

#: Of ImageNet's training images, by channel.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def tile_grid(width: int, height: int, side: int, most: int) -> tuple[int, int]:
    """How an image is cut: the grid of at most so many tiles whose shape is closest to the image's.

    Of two that are equally close the one with more tiles is taken if the image has more than half of its pixels.

    Args:
        width: of the image in pixels.
        height: likewise.
        side: of a tile in pixels.
        most: tiles.

    Returns:
        (columns, rows).
    """
    grids = sorted(
        ((columns, rows) for columns in range(1, most + 1) for rows in range(1, most // columns + 1)),
        key=lambda grid: grid[0] * grid[1],
    )
    best, least = (1, 1), float("inf")
    for columns, rows in grids:
        difference = abs(width / height - columns / rows)
        large = width * height > 0.5 * side * side * columns * rows
        if difference < least or (difference == least and large):
            best, least = (columns, rows), difference
    return best


def tiles(image: Image.Image, *, side: int = 448, most: int = 12) -> torch.Tensor:
    """The pixels of an image's tiles, row by row, and of the whole image if there are several tiles.

    Resized with bicubic interpolation, in ImageNet's mean and deviation.

    Args:
        image: in RGB.
        side: of a tile in pixels.
        most: tiles, without the whole image.

    Returns:
        (tiles, 3, side, side), float32.
    """
    columns, rows = tile_grid(image.width, image.height, side, most)
    resized = image.resize((columns * side, rows * side), Image.Resampling.BICUBIC)
    squares = list(_squares(resized, side))
    if len(squares) > 1:
        squares.append(image.resize((side, side), Image.Resampling.BICUBIC))
    return torch.stack([_pixels(square) for square in squares])


def _squares(image: Image.Image, side: int) -> Iterator[Image.Image]:
    for top in range(0, image.height, side):
        for left in range(0, image.width, side):
            yield image.crop((left, top, left + side, top + side))


def _pixels(image: Image.Image) -> torch.Tensor:
    values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).float() / 255
    channels = values.reshape(image.height, image.width, 3).permute(2, 0, 1)
    return (channels - torch.tensor(_MEAN)[:, None, None]) / torch.tensor(_DEVIATION)[:, None, None]
