"""Tables and the chart: a station's timetable, a calendar and a library's loans."""

from __future__ import annotations

import calendar

from lmms_eval_ja.jp_tasks.ja_sample.drawing.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    RED,
    WHITE,
    YELLOW,
    Canvas,
)

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
