"""Tiles, with grids and pixels by hand."""

from __future__ import annotations

import pytest
from PIL import Image

from lmms_eval_ja.models.remote.tiles import tile_grid, tiles


@pytest.mark.parametrize(
    ("size", "most", "grid"),
    [
        ((448, 448), 12, (1, 1)),
        ((900, 900), 12, (2, 2)),  # 1 x 1, 2 x 2 and 3 x 3 fit; 0.5 · 4 · 448² = 401408 < 900² = 810000
        ((951, 951), 12, (3, 3)),  # 0.5 · 9 · 448² = 903168 < 951² = 904401
        ((1000, 500), 12, (2, 1)),
        ((3000, 1500), 12, (4, 2)),
        ((500, 1500), 12, (1, 3)),
        ((1600, 1200), 12, (4, 3)),
        ((1600, 1200), 6, (3, 2)),  # |4/3 - 3/2| = 0.17, |4/3 - 1| = 0.33
        ((10000, 10), 12, (12, 1)),
        ((1000, 1000), 1, (1, 1)),
    ],
)
def test_the_grid_is_the_closest_in_shape_and_the_larger_for_large_images(
    size: tuple[int, int], most: int, grid: tuple[int, int]
) -> None:
    assert tile_grid(*size, 448, most) == grid


def test_tiles_go_row_by_row_and_the_whole_comes_last() -> None:
    """Four plain colours in a square of 4 x 4 pixels: tiles of 2 x 2 hold one colour each."""
    image = Image.new("RGB", (4, 4))
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)]
    for number, colour in enumerate(colours):
        image.paste(colour, (2 * (number % 2), 2 * (number // 2), 2 * (number % 2) + 2, 2 * (number // 2) + 2))
    made = tiles(image, side=2, most=4)
    assert made.shape == (5, 3, 2, 2)
    # 255 becomes (1 - mean) / deviation, 0 becomes -mean / deviation: ImageNet's, by channel.
    bright = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    dark = [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225]
    for number, colour in enumerate(colours):
        for channel, value in enumerate(colour):
            expected = bright[channel] if value else dark[channel]
            assert made[number, channel].flatten().tolist() == pytest.approx([expected] * 4, abs=1e-5)


def test_one_tile_is_the_whole_image() -> None:
    assert tiles(Image.new("RGB", (7, 7)), side=4, most=1).shape == (1, 3, 4, 4)
