"""Illustrations: a map and a comic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from lmms_eval_ja.jp_tasks.ja_sample.drawing.canvas import (
    BLUE,
    BROWN,
    GREY,
    INK,
    RED,
    WHITE,
    YELLOW,
    Box,
    Canvas,
    Point,
)


def _place(c: Canvas, box: Box, name: str, fill: str, *, ink: str = INK) -> None:
    c.box(box, fill=fill, outline="#8a8a80", width=1.5, radius=5)
    c.text((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, name, 22, fill=ink, anchor="mm", bold=True)


def _dots(c: Canvas, points: Sequence[Point], fill: str) -> None:
    for (x0, y0), (x1, y1) in pairwise(points):
        steps = max(1, round(math.hypot(x1 - x0, y1 - y0) / 14))
        for step in range(steps):
            c.disc(x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps, 4, fill=fill)


def town_map() -> Canvas:
    """Draw a map of the way from a station to a hall."""
    c = Canvas(720, 600, "#eef0e2")
    c.box((0, 34, 720, 84), fill="#a9d3ec")
    c.text(530, 59, "すずめ川", 22, fill=BLUE, anchor="mm")
    # streets: two from west to east, two from south to north (the western one crosses the river)
    for y in (200, 350):
        c.box((0, y - 20, 720, y + 20), fill=WHITE)
    c.box((200, 0, 240, 470), fill=WHITE)
    c.box((470, 84, 510, 470), fill=WHITE)
    c.line([(196, 30), (196, 88)], fill=BROWN, width=4)
    c.line([(244, 30), (244, 88)], fill=BROWN, width=4)
    c.text(256, 59, "月影橋", 20, fill=BROWN)
    # railway and station
    c.box((0, 500, 720, 514), fill="#4d4d4d")
    for x in range(10, 720, 40):
        c.box((x, 503, x + 20, 511), fill=WHITE)
    _place(c, (150, 462, 290, 530), "うぐいす駅", "#4d6fa8", ink=WHITE)
    green, beige, pink = "#bcdcae", "#f3e2bd", "#f4cfc9"
    for box, name, fill in (
        ((40, 102, 170, 164), "神社", beige),
        ((275, 102, 435, 164), "図書館", beige),
        ((545, 102, 695, 164), "市民ホール", YELLOW),
        ((30, 236, 176, 314), "小学校", beige),
        ((262, 236, 446, 314), "公園", green),
        ((548, 240, 690, 310), "郵便局", pink),
        ((58, 392, 160, 442), "交番", pink),
        ((296, 390, 446, 452), "スーパー", beige),
        ((548, 390, 690, 452), "病院", pink),
    ):
        _place(c, box, name, fill)
    c.text(92, 200, "川ぞい通り", 20, fill=INK, anchor="mm")
    c.text(92, 350, "本町通り", 20, fill=INK, anchor="mm")
    for x, y, name in ((220, 232, "けやき通り"), (490, 380, "さくら通り")):
        for number, letter in enumerate(name):
            c.text(x, y + number * 20, letter, 19, anchor="mm")
    way = [(232, 458), (232, 350), (482, 350), (482, 200), (608, 200)]
    _dots(c, way, RED)
    c.line([(608, 200), (608, 180)], fill=RED, width=5)
    c.shape([(597, 184), (619, 184), (608, 166)], fill=RED)
    # compass
    c.disc(668, 556, 34, fill=WHITE, outline=GREY)
    c.shape([(668, 548), (659, 586), (668, 578), (677, 586)], fill=INK)
    c.text(668, 536, "北", 16, anchor="mm", bold=True)
    c.text(24, 566, "赤い点線：駅から市民ホールまでの道順（徒歩約12分）", 21, fill=RED, bold=True)
    return c


CAT = "#f2b56b"
DOG = "#b98d6a"


def _face(c: Canvas, x: float, y: float, *, sad: bool) -> None:
    for dx in (-15, 15):
        c.oval((x + dx - 4, y - 10, x + dx + 4, y + 2), fill=INK)
    c.oval((x - 5, y + 4, x + 5, y + 11), fill="#7a3b2e")
    if sad:
        c.arc((x - 12, y + 16, x + 12, y + 34), 200, 340, width=2.5)
    else:
        c.arc((x - 12, y + 2, x + 12, y + 22), 20, 160, width=2.5)


def _cat(c: Canvas, x: float, y: float, *, sad: bool = False) -> None:
    c.box((x - 30, y + 28, x + 30, y + 96), fill=CAT, radius=22)
    for side in (-1, 1):
        c.shape([(x + side * 40, y - 50), (x + side * 8, y - 32), (x + side * 38, y - 6)], fill=CAT)
        c.shape([(x + side * 35, y - 42), (x + side * 18, y - 30), (x + side * 34, y - 16)], fill="#e58f80")
    c.oval((x - 42, y - 36, x + 42, y + 38), fill=CAT)
    for side in (-1, 1):
        for dy in (8, 15):
            c.line([(x + side * 22, y + dy), (x + side * 52, y + dy * 1.6 - 8)], fill=INK, width=1.5)
    _face(c, x, y, sad=sad)


def _dog(c: Canvas, x: float, y: float) -> None:
    c.box((x - 32, y + 28, x + 32, y + 96), fill=DOG, radius=22)
    c.oval((x - 42, y - 36, x + 42, y + 38), fill=DOG)
    for side in (-1, 1):
        middle = x + side * 41
        c.oval((middle - 14, y - 32, middle + 14, y + 26), fill="#6f4a2f")
    c.oval((x - 20, y - 1, x + 20, y + 31), fill="#e9d3bd")
    _face(c, x, y, sad=False)


def _balloon(c: Canvas, box: Box, tail: tuple[Point, Point, Point], lines: Sequence[str]) -> None:
    c.box(box, fill=WHITE, outline=INK, width=2, radius=20)
    c.shape(tail, fill=WHITE)
    c.line([tail[0], tail[1], tail[2]], width=2)
    middle = (box[1] + box[3]) / 2 - (len(lines) - 1) * 21 * 1.45 / 2
    c.lines((box[0] + box[2]) / 2, middle, lines, 21, anchor="mm")


def _washing(c: Canvas, x: float, y: float) -> None:
    for dx in (0, 118):
        c.line([(x + dx, y), (x + dx, y + 124)], fill=BROWN, width=4)
    c.line([(x, y + 6), (x + 118, y + 6)], fill=GREY, width=2)
    c.shape(
        [(x + dx, y + dy) for dx, dy in ((18, 6), (54, 6), (64, 24), (54, 30), (54, 60), (18, 60), (18, 30), (8, 24))],
        fill="#e5737d",
    )
    c.box((x + 74, y + 6, x + 108, y + 62), fill="#7fb7e6")


def _umbrella(c: Canvas, x: float, y: float) -> None:
    c.line([(x, y - 68), (x, y + 124)], width=3)
    c.pie((x - 92, y - 60, x + 92, y + 60), 180, 360, fill="#3f6fb5")


def _rain(c: Canvas, box: Box) -> None:
    x0, y0, x1, y1 = (round(value) for value in box)
    for row, y in enumerate(range(y0, y1 - 18, 30)):
        for x in range(x0 + (row % 2) * 17, x1 - 6, 34):
            c.line([(x + 6, y), (x, y + 16)], fill="#6f97bd", width=2)


def comic() -> Canvas:
    """Draw a comic of four panels: a cat, a dog and the weather."""
    c = Canvas(720, 740, "#fffdf6")
    c.text(360, 28, "ネコとイヌの天気予報", 28, anchor="mm", bold=True)
    panels: list[tuple[int, int]] = [(16, 56), (368, 56), (16, 398), (368, 398)]
    for number, (x, y) in enumerate(panels):
        rainy = number >= len(panels) // 2
        c.box((x, y, x + 336, y + 328), fill="#c9d1d8" if rainy else "#d9effb")
        c.box((x, y + 262, x + 336, y + 328), fill="#8fae86" if rainy else "#bfe0a4")
    x, y = panels[0]
    c.disc(x + 296, y + 44, 24, fill="#ffb52e")
    _washing(c, x + 194, y + 160)
    _cat(c, x + 92, y + 196)
    _balloon(
        c,
        (x + 42, y + 16, x + 266, y + 92),
        ((x + 108, y + 91), (x + 100, y + 132), (x + 136, y + 91)),
        ("いい天気！", "洗濯物を外に干そう。"),
    )
    x, y = panels[1]
    _cat(c, x + 76, y + 206)
    _dog(c, x + 236, y + 206)
    c.shape([(x + 284, y + 206), (x + 308, y + 206), (x + 296, y + 292)], fill="#3f6fb5")
    c.line([(x + 296, y + 192), (x + 296, y + 304)], width=3)
    c.arc((x + 296, y + 180, x + 314, y + 200), 180, 360, width=3)
    c.line([(x + 262, y + 250), (x + 294, y + 232)], fill=DOG, width=14)
    _balloon(
        c,
        (x + 120, y + 12, x + 326, y + 62),
        ((x + 226, y + 61), (x + 240, y + 158), (x + 254, y + 61)),
        ("午後から雨だって。",),
    )
    _balloon(
        c,
        (x + 10, y + 74, x + 206, y + 136),
        ((x + 74, y + 135), (x + 76, y + 162), (x + 102, y + 135)),
        ("こんなに晴れて", "いるのに？"),
    )
    x, y = panels[2]
    _washing(c, x + 194, y + 160)
    _cat(c, x + 92, y + 196, sad=True)
    _rain(c, (x + 4, y + 6, x + 334, y + 322))
    _balloon(
        c,
        (x + 44, y + 16, x + 226, y + 92),
        ((x + 108, y + 91), (x + 100, y + 132), (x + 136, y + 91)),
        ("ああ、洗濯物が", "ぬれちゃった。"),
    )
    _comic_end(c, *panels[3])
    for number, (x, y) in enumerate(panels, start=1):
        c.box((x, y, x + 336, y + 328), outline=INK, width=3)
        c.disc(x + 21, y + 21, 15, fill=INK)
        c.text(x + 21, y + 21, str(number), 20, fill=WHITE, anchor="mm", bold=True)
    return c


def _comic_end(c: Canvas, x: float, y: float) -> None:
    _rain(c, (x + 4, y + 6, x + 334, y + 322))
    _cat(c, x + 96, y + 222, sad=True)
    _dog(c, x + 236, y + 222)
    _umbrella(c, x + 172, y + 168)
    c.line([(x + 212, y + 280), (x + 174, y + 268)], fill=DOG, width=14)
    _balloon(
        c,
        (x + 182, y + 12, x + 328, y + 84),
        ((x + 268, y + 83), (x + 280, y + 182), (x + 290, y + 83)),
        ("だから", "言ったのに。"),
    )
    _balloon(
        c,
        (x + 44, y + 20, x + 172, y + 92),
        ((x + 56, y + 91), (x + 66, y + 182), (x + 78, y + 91)),
        ("次は", "信じるよ。"),
    )
