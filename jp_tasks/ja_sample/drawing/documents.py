"""Documents: a menu and an application form."""

from __future__ import annotations

from collections.abc import Sequence

from lmms_eval_ja.jp_tasks.ja_sample.drawing.canvas import BLUE, BROWN, GREEN, GREY, INK, RED, WHITE, Canvas


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
