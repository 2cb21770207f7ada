"""JGraphQA: two questions on a chart. Its columns were not read; these are of a copy that another toolkit loads."""

from __future__ import annotations

from typing import Any

from support.hub import Hub
from support.suite.repository import Features, repository
from support.suite.stand import Stand, percent

NAME = "r-g2-2024/JGraphQA"
ROWS = 20
FEATURES: Features = {"id": "int64", "image": "image", "question": "string", "answer": "string"}


def rows() -> list[dict[str, Any]]:
    """Made-up rows."""
    return [
        {
            "id": n,
            "image": f"chart-{n // 2}.png",
            "question": f"グラフ{n // 2}の{n}番目の棒の売上高はいくらですか？",
            "answer": f"{n + 1},200億円",
        }
        for n in range(ROWS)
    ]


def files(features: Features = FEATURES) -> dict[str, bytes]:
    """The repository."""
    return repository({"default": (features, {"train": rows()})})


def add(hub: Hub) -> None:
    """Put the repository on a hub."""
    hub.add_dataset(NAME, files())


def answers(task: str) -> dict[str, str]:
    """In turn: in another spelling, another number, in a sentence, nothing but thoughts, a number that holds it."""
    del task
    return {
        str(n): (
            f"{n + 1}200億円です。",
            f"{n + 2},200億円",
            f"グラフによると、答えは{n + 1},200億円です。",
            "<think>読めない。</think>",
            f"9{n + 1},200億円です。",
        )[n % 5]
        for n in range(ROWS)
    }


def expected(task: str) -> dict[str, float]:
    """Of five kinds two are right, one cannot be read."""
    del task
    return {"accuracy": percent(2, 5), "accuracy_parsed": percent(2, 4), "unparsed": percent(1, 5)}


STAND = Stand(("jgraphqa",), add, answers, expected)
