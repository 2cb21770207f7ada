"""Signs: a bakery's board, price tags and a car park's board."""

from __future__ import annotations

from collections.abc import Callable

from lmms_eval_ja.jp_tasks.ja_sample.drawing.canvas import BLUE, BROWN, GREY, RED, WHITE, YELLOW, Canvas


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
