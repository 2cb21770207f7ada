from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lmms_eval_ja.models.vila.pixels import pixel_values, resized

HALF = (0.5, 0.5, 0.5)


def test_black_is_minus_one_and_white_is_one_whatever_the_size() -> None:
    pictures = [Image.new("RGB", (7, 3)), Image.new("L", (50, 90), 255)]
    pixels = pixel_values(pictures, 5, HALF, HALF)
    assert pixels.shape == (2, 3, 5, 5)
    assert pixels.is_contiguous()
    assert pixels[0].unique().tolist() == [-1]  # (0 / 255 - 0.5) / 0.5
    assert pixels[1].unique().tolist() == [1]


def test_channels_have_their_own_mean_and_deviation() -> None:
    # 51 / 255 = 0.2, 102 / 255 = 0.4, 204 / 255 = 0.8
    pixels = pixel_values([Image.new("RGB", (4, 4), (51, 102, 204))], 2, (0.0, 0.4, 0.3), (1.0, 1.0, 0.25))
    assert pixels[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.0, 2.0], abs=1e-6)


def test_the_whole_picture_is_stretched_to_the_square_without_padding() -> None:
    picture = Image.new("RGB", (100, 10))
    picture.paste((255, 255, 255), (50, 0, 100, 10))
    square = np.asarray(resized(picture, 10))
    assert (square[:, :4] == 0).all()  # left half black to the top and the bottom edge
    assert (square[:, 6:] == 255).all()


def test_transparency_is_dropped_before_resizing() -> None:
    picture = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    assert np.asarray(resized(picture, 4))[0, 0].tolist() == [200, 0, 0]
