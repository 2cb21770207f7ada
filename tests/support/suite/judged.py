"""What the judged benchmarks of the suite have in common: answers that the judge `overlap` tells apart.

It scores by ROUGE-L, from the lower end of a protocol's scale (nothing in common) to its upper (the reference itself).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

#: Shares no word with any reference of the stand-ins.
WRONG = "ぜんぜんわからない"
ROWS = 12


def is_right(number: int) -> bool:
    """Two of three questions are answered rightly."""
    return number % 3 != 1


def answers_to(references: Sequence[str]) -> list[str]:
    """The reference itself, or something that has nothing in common with it."""
    return [text if is_right(n) else WRONG for n, text in enumerate(references)]


def mean_between(low: float, high: float, n: int = ROWS) -> float:
    """The mean score of those answers on a scale."""
    return fmean(high if is_right(number) else low for number in range(n))


def percent_right(n: int = ROWS) -> float:
    """The share of right answers, in percent."""
    return mean_between(0, 100, n)


def ratio(numbers: Sequence[int]) -> float:
    """100 · mean score / mean score of the references, of a comparing protocol of 1 to 10, over some questions."""
    return 100 * fmean(10 if is_right(number) else 1 for number in numbers) / 10


def rows_of(name: str, n: int = ROWS) -> list[dict[str, Any]]:
    """Made-up questions with short answers, two on a picture."""
    things = ("赤提灯", "青磁", "白樺", "黒板", "緑茶", "金魚")
    return [
        {
            "image": f"{name}-{number // 2}.png",
            "question": f"{name}の図{number // 2}の{number}番目に示されているものは何ですか？",
            "answer": f"{things[number % len(things)]}{number}個",
        }
        for number in range(n)
    ]


def by_id(ids: Sequence[object], rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The answers to rows, by question id."""
    texts = answers_to([str(row["answer"]) for row in rows])
    return dict(zip(map(str, ids), texts, strict=True))
