"""JDocQA: up to four pages in columns of their own, a number for the type of the answer."""

from __future__ import annotations

from typing import Any

from support.hub import Hub
from support.suite.repository import Features, Rows, repository
from support.suite.stand import Stand, percent

NAME = "speed/JDocQA"
ROWS = 32
_FEATURES: Features = {
    "question_id": "int64",
    "question": "string",
    "answer": "string",
    "answer_type": "int64",
    **{f"image_{n}": "image" for n in range(4)},
}
_THINGS = ("赤提灯", "青磁", "白樺", "黒板")
#: A model that only thinks.
THOUGHTS = "<think>よく見えない。</think>"


def rows() -> list[dict[str, Any]]:
    """Made-up rows: the types in turn, one to four pages, two questions on the same pages."""
    found = []
    for n in range(ROWS):
        kind, k = n % 4, n // 4
        answer = (
            "はい" if k % 2 else "いいえ",
            _THINGS[k % 4],
            f"{k + 1},300人",
            f"第{k}章は{_THINGS[k % 4]}の歴史を扱う。",
        )[kind]
        pages = {f"image_{page}": f"jdocqa-{n // 2}-{page}.png" for page in range(1 + n // 2 % 4)}
        found.append(
            {"question_id": 100 + n, "question": f"資料{n // 2}の{n}番目の問い", "answer": answer, "answer_type": kind}
            | pages
        )
    return found


def files(of: Rows | None = None, features: Features = _FEATURES) -> dict[str, bytes]:
    """The repository."""
    return repository({"default": (features, {"test": rows() if of is None else of})})


def without(column: str) -> dict[str, bytes]:
    """The repository without a column."""
    return files(features={name: kind for name, kind in _FEATURES.items() if name != column})


def add(hub: Hub) -> None:
    """Put the repository on a hub."""
    hub.add_dataset(NAME, files())


def answers(task: str) -> dict[str, str]:
    """Answers by question id: four kinds to each type of question, in turn."""
    del task
    found = {}
    for n, row in enumerate(rows()):
        kind, k, right = n % 4, n // 4, row["answer"]
        other = "いいえ" if right == "はい" else "はい"
        found[str(row["question_id"])] = (
            (right, other, "はい、いいえ", f"{right}。資料にあるとおりです。"),
            (f"{right}です。", f"答えは「{right}」です。", "緑茶です。", THOUGHTS),
            # 1,300 is neither in 11,300 nor in 1,301.
            (f"{k + 1}300人です。", f"1{right}です。", f"{k + 1},301人です。", f"資料によると{right}です。"),
            (right, "ABC", right, THOUGHTS),
        )[kind][k % 4]
    return found


def expected(task: str) -> dict[str, float]:
    """Of four answers: yes or no 2 right, 1 unread; a fact 2 and 1; a number 2 and 0; BLEU 100 for 2, 1 unread."""
    del task
    return {
        "yesno": 50,
        "factoid": 50,
        "numerical": 50,
        "bleu": 50,
        "accuracy": percent(6, 12),
        "accuracy_parsed": percent(6, 10),
        "unparsed": percent(3, 16),
    }


STAND = Stand(("jdocqa_ja",), add, answers, expected)
