"""Draw the ten images of ja_sample and write ``ja_sample.parquet``.

Nothing imports this module at run time: the Parquet file ships with the package. Run it to draw the images again,
after a change here or in ``questions.jsonl``::

    python -m lmms_eval_ja.jp_tasks.ja_sample.draw [--out FOLDER] [--png FOLDER]

It needs the package matplotlib-fontja for its font, IPAexGothic. Two runs with the same versions of Pillow and
FreeType give the same bytes; both versions stand in the file's metadata (``drawn_with``).
"""

from __future__ import annotations

import argparse
import calendar
import io
import json
import math
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFont, __version__, features

FONT_PACKAGE = "matplotlib_fontja"
FONT_FILE = "fonts/ipaexg.ttf"
FOLDER = Path(__file__).resolve().parent
PARQUET_NAME = "ja_sample.parquet"
QUESTIONS_NAME = "questions.jsonl"
TEXT_COLUMNS = ("question_id", "image_id", "category", "image_category", "context", "question", "answer")
COLUMNS = ("question_id", "image_id", "image", "category", "image_category", "context", "question", "answer")

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


def shop_hours() -> Canvas:
    """Draw a bakery's board with its opening hours."""
    c = Canvas(640, 520, "#cfe3ea")
    c.box((0, 470, 640, 520), fill="#b9a58d")
    c.box((96, 440, 112, 505), fill="#5b3716")
    c.box((528, 440, 544, 505), fill="#5b3716")
    c.box((40, 24, 600, 456), fill=BROWN, radius=18)
    c.box((54, 38, 586, 442), fill="#fff8e7", radius=10)
    # a loaf on each side of the name
    for x in (84, 486):
        c.box((x + 4, 74, x + 66, 110), fill="#d99a4e", radius=6)
        c.oval((x, 56, x + 36, 90), fill="#d99a4e")
        c.oval((x + 34, 56, x + 70, 90), fill="#d99a4e")
        c.box((x + 12, 78, x + 58, 104), fill="#f6dcae", radius=5)
    c.text(320, 82, "くもりぞらパン店", 36, fill=BROWN, anchor="mm", bold=True)
    c.line([(84, 126), (556, 126)], fill="#c9a36b", width=2)
    c.text(320, 152, "営 業 時 間", 26, anchor="mm", bold=True)
    for y, days, hours in ((196, "月・火・木・金", "7:30 〜 18:30"), (238, "土・日・祝日", "8:00 〜 17:00")):
        c.text(96, y, days, 25)
        c.text(544, y, hours, 28, fill=BLUE, anchor="rm", bold=True)
    c.box((84, 268, 556, 352), fill="#fde3df", outline=RED, width=2, radius=8)
    c.text(104, 292, "定休日", 25, fill=RED, bold=True)
    c.text(200, 292, "毎週水曜日", 25, fill=RED, bold=True)
    c.text(104, 330, "水曜日が祝日のときは営業し、翌日の木曜日を休みます。", 17)
    c.text(96, 382, "● 食パンの焼き上がりは午前10時ごろです。", 20)
    c.text(96, 416, "● お支払いは現金のみです。", 20)
    return c


# Hour, then (minute, rapid) on weekdays and on Saturdays, Sundays and holidays.
Departures = tuple[tuple[int, bool], ...]
TIMETABLE: tuple[tuple[int, Departures, Departures], ...] = (
    (6, ((12, False), (35, False), (52, False)), ((20, False), (48, False))),
    (7, ((5, False), (18, False), (30, True), (42, False), (55, False)), ((10, False), (35, False), (50, True))),
    (8, ((3, False), (15, True), (28, False), (40, True), (52, False)), ((5, False), (30, False), (50, True))),
    (9, ((10, False), (30, False), (50, True)), ((10, False), (35, False), (50, True))),
    (10, ((15, False), (45, False)), ((15, False), (45, False))),
    (11, ((15, False), (45, False)), ((15, False), (45, False))),
)


def train_timetable() -> Canvas:
    """Draw a station's timetable for one direction."""
    c = Canvas(720, 560, "#f4f6f8")
    c.box((0, 0, 720, 74), fill=BLUE)
    c.text(24, 37, "月見浜駅", 34, fill=WHITE, bold=True)
    c.text(190, 40, "発車時刻表", 24, fill=WHITE)
    c.text(696, 38, "ことり線　海ノ宮方面", 24, fill=YELLOW, anchor="rm")
    top, row, left, middle, right = 92, 48, 24, 400, 696
    c.box((left, top, right, top + 40), fill="#dfe7f3")
    c.text(58, top + 20, "時", 22, anchor="mm", bold=True)
    c.text((92 + middle) / 2, top + 20, "平日", 22, anchor="mm", bold=True)
    c.text((middle + right) / 2, top + 20, "土・休日", 22, anchor="mm", bold=True)
    for number, (hour, weekday, holiday) in enumerate(TIMETABLE):
        y = top + 40 + number * row
        c.box((left, y, right, y + row), fill=WHITE if number % 2 == 0 else "#eef2f8")
        c.text(58, y + row / 2, str(hour), 26, fill=BLUE, anchor="mm", bold=True)
        for start, departures in ((118, weekday), (middle + 26, holiday)):
            for place, (minute, rapid) in enumerate(departures):
                c.text(start + place * 56, y + row / 2, f"{minute:02d}", 26, fill=RED if rapid else INK, bold=rapid)
    bottom = top + 40 + len(TIMETABLE) * row
    for x in (left, 92, middle, right):
        c.line([(x, top), (x, bottom)], fill="#9fb0c8", width=1.5)
    for number in range(len(TIMETABLE) + 2):
        y = top + 40 + (number - 1) * row if number else top
        c.line([(left, y), (right, y)], fill="#9fb0c8", width=1.5)
    c.text(28, 448, "赤い数字＝快速", 21, fill=RED, bold=True)
    c.text(204, 448, "黒い数字＝普通（各駅にとまります）", 21)
    c.text(28, 484, "快速は「松の下」駅と「灯台前」駅を通過します。", 21)
    c.text(28, 520, "終点の海ノ宮までの所要時間：普通 32分、快速 24分", 21)
    return c


def _chilli(c: Canvas, x: float, y: float) -> None:
    pod = ((16, -6), (22, -9), (27, -5), (27, 1), (22, 7), (13, 11), (0, 11), (9, 7), (14, 1))
    c.shape([(x + dx, y + dy) for dx, dy in pod], fill=RED)
    c.line([(x + 21, y - 7), (x + 24, y - 14)], fill=GREEN, width=3)


MENU: tuple[tuple[str, tuple[tuple[str, int, bool], ...]], ...] = (
    (
        "定食（ごはん・みそ汁・小鉢つき）",
        (
            ("焼き魚定食", 850, False),
            ("から揚げ定食", 900, False),
            ("しょうが焼き定食", 950, False),
            ("麻婆なす定食", 880, True),
        ),
    ),
    ("めん類", (("きつねうどん", 600, False), ("ざるそば", 650, False), ("カレーうどん", 750, True))),
    ("飲み物", (("ウーロン茶", 200, False), ("オレンジジュース", 250, False), ("コーヒー", 300, False))),
)


def restaurant_menu() -> Canvas:
    """Draw the menu of a small restaurant."""
    c = Canvas(560, 740, "#fbf3e0")
    c.box((14, 14, 546, 726), outline=BROWN, width=3, radius=6)
    c.box((22, 22, 538, 718), outline="#c9a36b", width=1, radius=4)
    c.text(280, 62, "食堂 まるつき", 36, fill=BROWN, anchor="mm", bold=True)
    c.text(280, 102, "お 品 書 き", 20, fill=GREY, anchor="mm")
    y = 142.0
    for title, dishes in MENU:
        c.box((44, y - 16, 516, y + 16), fill="#e8d3a6", radius=4)
        c.text(56, y, title, 20, fill=BROWN, bold=True)
        y += 38
        for name, price, hot in dishes:
            c.text(60, y, name, 22)
            end = 60 + len(name) * 22
            if hot:
                _chilli(c, end + 8, y)
                end += 42
            for x in range(-(-end // 10) * 10 + 10, 410, 10):
                c.disc(x, y + 2, 1.2, fill="#a08a66")
            c.text(504, y, f"{price}円", 22, anchor="rm")
            y += 35
        y += 12
    c.line([(44, 618), (516, 618)], fill="#c9a36b", width=2)
    _chilli(c, 58, 642)
    c.text(92, 642, "は辛い料理です。　ごはん大盛りは＋100円", 18)
    c.text(58, 670, "ランチ（11:00〜14:00）は、定食をご注文のお客様は", 18)
    c.text(58, 696, "飲み物1杯が100円引きになります。価格は税込です。", 18)
    return c


def _apples(c: Canvas, x: float, y: float) -> None:
    for dx in (-46, 0, 46):
        c.disc(x + dx, y + 8, 25, fill="#d33a2f")
        c.oval((x + dx - 14, y - 8, x + dx - 6, y + 4), fill="#f08a7d")
        c.line([(x + dx, y - 16), (x + dx + 5, y - 28)], fill=BROWN, width=3)


def _milk(c: Canvas, x: float, y: float) -> None:
    c.shape([(x - 28, y - 16), (x - 14, y - 40), (x + 14, y - 40), (x + 28, y - 16)], fill="#bcd8f2")
    c.box((x - 14, y - 48, x + 14, y - 38), fill="#8db9e2")
    c.box((x - 28, y - 16, x + 28, y + 36), fill="#f4faff", outline="#8db9e2", width=2)
    c.text(x, y + 9, "牛乳", 20, fill=BLUE, anchor="mm", bold=True)


def _bread(c: Canvas, x: float, y: float) -> None:
    for dx in (34, 17, 0):
        c.box((x + dx - 42, y - 22, x + dx + 26, y + 34), fill="#b8773a", radius=12)
        c.box((x + dx - 37, y - 17, x + dx + 21, y + 29), fill="#f6dcae", radius=9)


def _eggs(c: Canvas, x: float, y: float) -> None:
    for dy in (-20, 8):
        for dx in (-60, -30, 0, 30, 60):
            c.oval((x + dx - 13, y + dy - 8, x + dx + 13, y + dy + 26), fill="#fbe6cf", outline="#d0a578", width=1.5)
    c.box((x - 84, y + 22, x + 84, y + 38), fill="#b7c4c9", radius=5)


def price_tags() -> Canvas:
    """Draw four goods on a supermarket's shelves with their price tags."""
    c = Canvas(720, 560, "#e9e4da")
    goods: tuple[tuple[Callable[[Canvas, float, float], None], str, str, int, str], ...] = (
        (_apples, "りんご", "青森県産　1個", 130, "3個まとめて 330円"),
        (_milk, "牛乳", "1000ml　1本", 198, "特売　通常 248円"),
        (_bread, "食パン", "6枚切り　1袋", 160, "本日レジにて 20%引き"),
        (_eggs, "たまご", "10個入り　1パック", 250, "お一人様 1パックまで"),
    )
    for number, (picture, name, amount, price, note) in enumerate(goods):
        left, top = 20 + (number % 2) * 350, 10 + (number // 2) * 276
        c.box((left, top, left + 330, top + 104), fill="#fbf9f4")
        picture(c, left + 165, top + 62)
        c.box((left - 10, top + 102, left + 340, top + 116), fill="#8f979c")
        c.box((left + 16, top + 120, left + 314, top + 262), fill="#fff7c2", outline=RED, width=3, radius=6)
        c.text(left + 32, top + 146, name, 28, bold=True)
        c.text(left + 300, top + 148, amount, 17, fill=GREY, anchor="rm")
        c.text(left + 250, top + 190, str(price), 52, fill=RED, anchor="rm", bold=True)
        c.text(left + 256, top + 200, "円", 26, fill=RED, bold=True)
        c.text(left + 32, top + 202, "税込", 17, fill=GREY)
        c.box((left + 24, top + 224, left + 306, top + 254), fill=RED, radius=4)
        c.text(left + 165, top + 239, note, 20, fill=WHITE, anchor="mm", bold=True)
    return c


EVENTS: dict[int, tuple[str, ...]] = {
    5: ("料理教室", "10時〜"),
    12: ("防災訓練", "9時〜"),
    20: ("落語会", "14時〜"),
    26: ("フリー", "マーケット"),
    **dict.fromkeys((3, 10, 17, 24), ("書道教室", "13時〜")),
    **dict.fromkeys((7, 14, 21, 28), ("休館日",)),
}


def event_calendar() -> Canvas:
    """Draw a community centre's calendar of June 2027."""
    c = Canvas(720, 640, WHITE)
    c.box((0, 0, 720, 66), fill="#5a8f5c")
    c.text(24, 33, "2027年 6月", 34, fill=WHITE, bold=True)
    c.text(696, 36, "つきのわ公民館　予定表", 24, fill=WHITE, anchor="rm")
    left, top, wide, high = 17, 108, 98, 80
    for place, name in enumerate("日月火水木金土"):
        colour = {0: RED, 6: BLUE}.get(place, INK)
        c.text(left + (place + 0.5) * wide, 88, name, 22, fill=colour, anchor="mm", bold=True)
    for week, days in enumerate(calendar.Calendar(firstweekday=6).monthdayscalendar(2027, 6)):
        for place, day in enumerate(days):
            x, y = left + place * wide, top + week * high
            events = EVENTS.get(day, ())
            closed = events == ("休館日",)
            c.box((x, y, x + wide, y + high), fill="#e3e3e3" if closed else WHITE, outline="#9aa59b", width=1)
            if not day:
                continue
            c.text(x + 7, y + 15, str(day), 20, fill={0: RED, 6: BLUE}.get(place, INK), bold=True)
            colour = GREY if closed else ("#8e5a00" if events[:1] == ("書道教室",) else GREEN)
            for number, event in enumerate(events):
                c.text(x + wide / 2, y + 40 + number * 22, event, 18, fill=colour, anchor="mm", bold=not closed)
    notes = (
        "・書道教室は毎週木曜日、1回2時間です。",
        "・落語会の整理券は、13日（日）から受付で配ります。",
        "・フリーマーケットは10時〜15時。雨のときは27日（日）に延期します。",
        "・月曜日は休館日で、受付も休みです。",
    )
    c.lines(24, 532, notes, 19)
    return c


def parking_sign() -> Canvas:
    """Draw the board of a car park."""
    c = Canvas(600, 680, "#cbd8df")
    c.box((0, 650, 600, 680), fill="#8c8f92")
    c.box((130, 560, 150, 660), fill="#5f666b")
    c.box((450, 560, 470, 660), fill="#5f666b")
    c.box((36, 20, 564, 616), fill=WHITE, outline=BLUE, width=5, radius=14)
    c.box((36, 20, 564, 136), fill=BLUE, radius=14)
    c.box((56, 34, 142, 122), fill=WHITE, radius=10)
    c.text(99, 79, "P", 78, fill=BLUE, anchor="mm", bold=True)
    c.text(162, 62, "やなぎ通り駐車場", 34, fill=WHITE, bold=True)
    c.text(162, 106, "24時間営業　全12台", 23, fill=WHITE)
    c.box((448, 86, 546, 126), fill="#10331c", radius=6)
    c.text(497, 106, "空車", 27, fill="#6bff8f", anchor="mm", bold=True)
    for y, hours, unit, price in ((178, "8:00 〜 20:00", "30分", "200円"), (230, "20:00 〜 8:00", "60分", "100円")):
        c.text(60, y, hours, 28)
        c.text(372, y, unit, 28, anchor="rm")
        c.text(540, y, price, 38, fill=RED, anchor="rm", bold=True)
    c.box((56, 264, 544, 364), fill=YELLOW, radius=8)
    c.text(72, 314, "最大料金", 28, fill=RED, bold=True)
    for y, name, price in ((290, "昼（8:00〜20:00）", "1,200円"), (338, "夜（20:00〜8:00）", "500円")):
        c.text(206, y, name, 21)
        c.text(532, y, price, 31, fill=RED, anchor="rm", bold=True)
    c.text(60, 392, "入庫できる車", 23, fill=BLUE, bold=True)
    limits = (("長さ", "5.0m以下"), ("幅", "1.9m以下"), ("高さ", "2.1m以下"), ("重さ", "2.0t以下"))
    for number, (name, limit) in enumerate(limits):
        x, y = 60 + (number % 2) * 244, 412 + (number // 2) * 50
        c.box((x, y, x + 236, y + 42), fill="#e8eef8", radius=5)
        c.text(x + 14, y + 21, name, 22)
        c.text(x + 222, y + 21, limit, 23, anchor="rm", bold=True)
    c.line([(56, 522), (544, 522)], fill="#9fb0c8", width=2)
    c.text(60, 548, "● 使えるお札は千円札だけです。", 21)
    c.text(60, 584, "● 場内での事故や盗難の責任は負いません。", 21)
    return c


LOANS: tuple[tuple[str, int, int], ...] = (
    ("4月", 120, 200),
    ("5月", 150, 220),
    ("6月", 130, 180),
    ("7月", 240, 210),
    ("8月", 310, 230),
    ("9月", 160, 240),
)


def bar_chart() -> Canvas:
    """Draw a grouped bar chart of a library's loans."""
    c = Canvas(720, 520, WHITE)
    c.text(360, 32, "こもれび図書館　月ごとの貸出冊数", 28, anchor="mm", bold=True)
    for x, colour, name in ((220, ORANGE, "児童書"), (380, "#3b78b8", "一般書")):
        c.box((x, 64, x + 24, 84), fill=colour)
        c.text(x + 34, 74, name, 21)
    left, right, bottom, unit = 78, 700, 462, 1.04
    c.text(20, 70, "（冊）", 18, fill=GREY)
    for value in range(0, 351, 50):
        y = bottom - value * unit
        c.line([(left, y), (right, y)], fill=INK if value == 0 else PALE, width=2 if value == 0 else 1)
        c.text(left - 10, y, str(value), 18, fill=GREY, anchor="rm")
    wide = (right - left) / len(LOANS)
    for number, (month, children, adults) in enumerate(LOANS):
        middle = left + (number + 0.5) * wide
        for start, value, colour in ((middle - 42, children, ORANGE), (middle + 2, adults, "#3b78b8")):
            c.box((start, bottom - value * unit, start + 40, bottom), fill=colour)
            c.text(start + 20, bottom - value * unit - 12, str(value), 18, anchor="mm")
        c.text(middle, bottom + 22, month, 22, anchor="mm")
    c.text(700, 506, "2026年度前半", 17, fill=GREY, anchor="rm")
    return c


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


def _choices(c: Canvas, x: float, y: float, names: Sequence[str], chosen: str) -> None:
    for name in names:
        c.box((x, y - 10, x + 20, y + 10), fill=WHITE, outline=INK, width=1.5)
        if name == chosen:
            c.line([(x + 3, y - 1), (x + 9, y + 6), (x + 20, y - 12)], fill=BLUE, width=3)
        c.text(x + 28, y, name, 21)
        x += 46 + 21 * len(name) + 14


def application_form() -> Canvas:
    """Draw an application form that somebody has filled in."""
    c = Canvas(640, 740, "#fdfdfa")
    c.box((12, 12, 628, 728), outline="#b5b5b5", width=1)
    c.text(320, 48, "市民講座　受講申込書", 32, anchor="mm", bold=True)
    c.text(604, 90, "申込日　2027年4月8日", 19, fill=BLUE, anchor="rm")
    left, split, right, top, row = 34, 180, 606, 112, 50
    written: tuple[tuple[str, str], ...] = (
        ("講座名", "はじめての水彩画"),
        ("フリガナ", "ミホン　ハナコ"),
        ("氏名", "見本　花子"),
        ("年齢", "34歳"),
        ("住所", "見本市青葉町1-2-3"),
        ("電話番号", "000-0000-0000"),
    )
    ticked: tuple[tuple[str, tuple[str, ...], str], ...] = (
        ("希望の曜日", ("火曜日", "木曜日", "土曜日"), "木曜日"),
        ("経験", ("なし", "あり"), "なし"),
        ("支払い方法", ("現金", "銀行振込"), "銀行振込"),
    )
    names = [name for name, _ in written] + [name for name, _, _ in ticked] + ["連絡事項"]
    for number, name in enumerate(names):
        y = top + number * row
        c.box((left, y, split, y + row), fill="#ecefe4", outline="#777777", width=1)
        c.box((split, y, right, y + row), outline="#777777", width=1)
        c.text(left + 14, y + row / 2, name, 21)
    for number, (_, value) in enumerate(written):
        c.text(split + 18, top + (number + 0.5) * row, value, 24, fill=BLUE)
    for number, (_, options, chosen) in enumerate(ticked, start=len(written)):
        _choices(c, split + 18, top + (number + 0.5) * row, options, chosen)
    c.text(split + 18, top + (len(names) - 0.5) * row, "左利きです。端の席を希望します。", 22, fill=BLUE)
    notes = (
        "受講料：3,500円（材料費を含む）",
        "申込締切：4月15日（必着）",
        "木曜日コースの初回：5月6日 13時30分",
    )
    c.lines(38, 642, notes, 19)
    c.disc(546, 668, 46, outline=RED)
    c.line([(503, 652), (589, 652)], fill=RED, width=2)
    c.line([(503, 686), (589, 686)], fill=RED, width=2)
    c.text(546, 638, "受付", 17, fill=RED, anchor="mm", bold=True)
    c.text(546, 669, "4月9日", 20, fill=RED, anchor="mm", bold=True)
    c.text(546, 699, "窓口", 15, fill=RED, anchor="mm")
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


DRAWINGS: dict[str, Callable[[], Canvas]] = {
    "shop_hours": shop_hours,
    "train_timetable": train_timetable,
    "restaurant_menu": restaurant_menu,
    "price_tags": price_tags,
    "event_calendar": event_calendar,
    "parking_sign": parking_sign,
    "bar_chart": bar_chart,
    "town_map": town_map,
    "application_form": application_form,
    "comic": comic,
}


def draw_png(image_id: str) -> bytes:
    """Draw one image.

    Args:
        image_id: A key of ``DRAWINGS``.

    Returns:
        The bytes of a PNG file with a palette.
    """
    buffer = io.BytesIO()
    DRAWINGS[image_id]().finish().save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def versions() -> str:
    """Name the versions that decide about single pixels."""
    return f"Pillow {__version__}, FreeType {features.version('freetype2')}"


def read_questions(path: Path) -> list[dict[str, str]]:
    """Read the questions.

    Args:
        path: A JSONL file.

    Returns:
        One dictionary per line, all of ``TEXT_COLUMNS`` present.

    Raises:
        ValueError: A line lacks a column, has another one, or names an image that is not drawn here.
    """
    questions: list[dict[str, str]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        question: dict[str, str] = json.loads(line)
        if set(question) != set(TEXT_COLUMNS) or question["image_id"] not in DRAWINGS:
            raise ValueError(f"{path.name}, line {number}: wrong fields or unknown image_id")
        questions.append(question)
    return questions


def write_parquet(questions: Sequence[dict[str, str]], images: dict[str, bytes], path: Path) -> None:
    """Write the data set in the form that ``datasets`` reads with its ``Image`` feature.

    Args:
        questions: Rows, in order.
        images: PNG bytes by image_id.
        path: The file to write.
    """
    types = {
        name: pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if name == "image" else pa.string()
        for name in COLUMNS
    }
    feature = {
        name: {"_type": "Image"} if name == "image" else {"dtype": "string", "_type": "Value"} for name in COLUMNS
    }
    metadata = {"huggingface": json.dumps({"info": {"features": feature}}), "drawn_with": versions()}
    rows = [
        {**question, "image": {"bytes": images[question["image_id"]], "path": f"{question['image_id']}.png"}}
        for question in questions
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(types.items()), metadata=metadata))
    # The dictionary stores an image once, however many questions it has.
    pq.write_table(table, path, compression="zstd", use_dictionary=True, dictionary_pagesize_limit=1 << 22)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw everything and write the Parquet file.

    Args:
        argv: Command line, without the program's name.
    """
    parser = argparse.ArgumentParser(description="Draw the images of ja_sample and write ja_sample.parquet.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the Parquet file (default: the package's)")
    parser.add_argument("--png", type=Path, help="folder for the images as PNG files too")
    options = parser.parse_args(argv)
    images = {image_id: draw_png(image_id) for image_id in DRAWINGS}
    options.out.mkdir(parents=True, exist_ok=True)
    write_parquet(read_questions(FOLDER / QUESTIONS_NAME), images, options.out / PARQUET_NAME)
    if options.png:
        options.png.mkdir(parents=True, exist_ok=True)
        for image_id, data in images.items():
            (options.png / f"{image_id}.png").write_bytes(data)


if __name__ == "__main__":
    main()
