"""MECHA-ja: four options in a list, the right one as a number."""

from __future__ import annotations

from typing import Any

from support.hub import Hub
from support.suite.repository import Features, Rows, repository
from support.suite.stand import Stand, percent

NAME = "llm-jp/MECHA-ja"
ROWS, ROTATIONS = 12, 4
_FEATURES: Features = {
    "id": "string",
    "image": "image",
    "question": "string",
    "options": "strings",
    "answer": "int64",
    "answer_type": "int64",
    "background_text": "string",
}
_THINGS = ("だるま", "こけし", "風鈴", "うちわ", "扇子", "下駄")


def rows() -> list[dict[str, Any]]:
    """Made-up rows; two questions on each picture."""
    return [
        {
            "id": f"m{n}",
            "image": f"mecha-{n // 2}.png",
            "question": f"写真{n // 2}の{n}番目の問いの答えはどれですか？",
            "options": [f"{_THINGS[(n + k) % len(_THINGS)]}" for k in range(4)],
            "answer": n % 4,
            "answer_type": n % 2,
            "background_text": "説明の文章です。",
        }
        for n in range(ROWS)
    ]


def files(of: Rows | None = None) -> dict[str, bytes]:
    """The repository."""
    return repository({"default": (_FEATURES, {"test": rows() if of is None else of})})


def add(hub: Hub) -> None:
    """Put the repository on a hub."""
    hub.add_dataset(NAME, files())


def answers(task: str) -> dict[str, str]:
    """Answers by question and rotation, three kinds of questions in turn.

    One is always answered rightly, one always with the letter A (which is right in one rotation), one always with the
    same wrong option but for the last rotation, where nothing can be read.
    """
    del task
    found = {}
    for n, row in enumerate(rows()):
        for rotation in range(ROTATIONS):
            right = "ABCD"[(row["answer"] - rotation) % 4]
            wrong = "ABCD"[(row["answer"] + 1 - rotation) % 4]
            unclear = "どれでもありません。" if rotation == 3 else f"{wrong}です。"
            found[f"{row['id']}_r{rotation}"] = (right, "A", unclear)[n % 3]
    return found


def expected(task: str) -> dict[str, float]:
    """A third of the questions is right in 4 of 4 rotations, a third in 1 of 4, a third in none, with 1 of 4 unread."""
    del task
    return {
        "accuracy": percent(4 + 1, 12),
        "accuracy_parsed": percent(4 + 1, 11),
        "unparsed": percent(1, 12),
        # always right is consistent; always A is four different options; an unread rotation is no agreement
        "consistency": percent(1, 3),
        "all_rotations": percent(1, 3),
    }


STAND = Stand(("mecha_ja",), add, answers, expected)
