"""What the pictures share: the font, the colours and the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT_PACKAGE = "matplotlib_fontja"
FONT_FILE = "fonts/ipaexg.ttf"

SCALE = 2  # drawn twice as large and reduced, which smooths every edge
COLOURS = 64

Point = tuple[float, float]
Box = tuple[float, float, float, float]

INK = "#222222"
GREY = "#666666"
PALE = "#dddddd"
WHITE = "#ffffff"
RED = "#c62828"
BLUE = "#1f4e9c"
GREEN = "#2e7d4f"
ORANGE = "#e67e22"
YELLOW = "#ffe14d"
BROWN = "#7a4a21"


def font_path() -> Path:
    """Find the font file without importing its package (which would import matplotlib).

    Returns:
        The path of ``ipaexg.ttf``.

    Raises:
        ModuleNotFoundError: The package matplotlib-fontja, or its font, is missing.
    """
    spec = find_spec(FONT_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / FONT_FILE
        if path.is_file():
            return path
    raise ModuleNotFoundError(
        f"the Japanese font IPAexGothic ({FONT_FILE}) was not found: install the package matplotlib-fontja "
        "(pip install matplotlib-fontja)",
        name=FONT_PACKAGE,
    )


@cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    # The basic layout is the same with and without libraqm.
    return ImageFont.truetype(str(font_path()), round(size * SCALE), layout_engine=ImageFont.Layout.BASIC)


class Canvas:
    """A picture whose coordinates are those of the finished image."""

    def __init__(self, width: int, height: int, background: str = WHITE) -> None:
        self.width = width
        self.height = height
        self._image = Image.new("RGB", (width * SCALE, height * SCALE), background)
        self._draw = ImageDraw.Draw(self._image)

    def text(  # noqa: D417  (x and y are what they are)
        self,
        x: float,
        y: float,
        text: str,
        size: float = 20,
        *,
        fill: str = INK,
        anchor: str = "lm",
        bold: bool = False,
    ) -> None:
        """Write one line.

        Args:
            text: The line.
            size: Height of the letters in pixels.
            fill: Colour.
            anchor: Pillow's two letters for what (x, y) means; "lm" is left and middle.
            bold: Whether to thicken the strokes.
        """
        self._draw.text(
            (x * SCALE, y * SCALE),
            text,
            font=_font(size),
            fill=fill,
            anchor=anchor,
            stroke_width=1 if bold else 0,
            stroke_fill=fill,
        )

    def lines(
        self, x: float, y: float, lines: Sequence[str], size: float = 18, *, fill: str = INK, anchor: str = "lm"
    ) -> None:
        """Write lines under each other, the first at (x, y)."""
        for number, line in enumerate(lines):
            self.text(x, y + number * size * 1.45, line, size, fill=fill, anchor=anchor)

    def box(
        self,
        box: Box,
        *,
        fill: str | None = None,
        outline: str | None = None,
        width: float = 2,
        radius: float = 0,
    ) -> None:
        """Draw a rectangle, with round corners where ``radius`` is given."""
        corners = [value * SCALE for value in box]
        self._draw.rounded_rectangle(corners, radius * SCALE, fill=fill, outline=outline, width=round(width * SCALE))

    def oval(self, box: Box, *, fill: str | None = None, outline: str | None = None, width: float = 2) -> None:
        """Draw an ellipse."""
        corners = [value * SCALE for value in box]
        self._draw.ellipse(corners, fill=fill, outline=outline, width=round(width * SCALE))

    def disc(self, x: float, y: float, radius: float, *, fill: str | None = None, outline: str | None = None) -> None:
        """Draw a circle."""
        self.oval((x - radius, y - radius, x + radius, y + radius), fill=fill, outline=outline)

    def line(self, points: Sequence[Point], *, fill: str = INK, width: float = 2) -> None:
        """Draw a line through the points."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=fill, width=round(width * SCALE), joint="curve")

    def shape(self, points: Sequence[Point], *, fill: str | None = None, outline: str | None = None) -> None:
        """Draw a polygon."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.polygon(scaled, fill=fill, outline=outline, width=2 * SCALE)

    def arc(self, box: Box, start: float, end: float, *, fill: str = INK, width: float = 2) -> None:
        """Draw part of an ellipse's edge, angles in degrees clockwise from the right."""
        self._draw.arc([value * SCALE for value in box], start, end, fill=fill, width=round(width * SCALE))

    def pie(self, box: Box, start: float, end: float, *, fill: str) -> None:
        """Draw a slice of an ellipse."""
        self._draw.pieslice([value * SCALE for value in box], start, end, fill=fill)

    def finish(self) -> Image.Image:
        """Return the finished picture, reduced and with a palette."""
        small = self._image.reduce(SCALE)
        return small.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
