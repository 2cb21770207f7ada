"""JA-Multi-Image-VQA: lists of pictures; schema of the card of SakanaAI/JA-Multi-Image-VQA."""

from __future__ import annotations

from typing import Any

from support.hub import Hub
from support.suite.judged import ROWS, by_id, mean_between, percent_right, rows_of
from support.suite.repository import Features, repository
from support.suite.stand import Stand

NAME = "SakanaAI/JA-Multi-Image-VQA"
FEATURES: Features = {
    "images": "images",
    "page_urls": "strings",
    "image_urls": "strings",
    "question": "string",
    "answer": "string",
}


def rows() -> list[dict[str, Any]]:
    """Made-up rows of two or three pictures, with a placeholder for each in the question."""
    found = []
    for n, row in enumerate(rows_of("写真")):
        pictures = [f"multi-{n // 2}-{k}.jpg" for k in range(2 + n // 2 % 2)]
        found.append(
            {
                "images": pictures,
                "page_urls": [f"https://example.invalid/{name}/page" for name in pictures],
                "image_urls": [f"https://example.invalid/{name}" for name in pictures],
                "question": "<image> " * len(pictures) + row["question"],
                "answer": row["answer"],
            }
        )
    return found


def add(hub: Hub) -> None:
    """Put the repository on a hub."""
    hub.add_dataset(NAME, repository({"default": (FEATURES, {"test": rows()})}))


def answers(task: str) -> dict[str, str]:
    """Answers by question id."""
    del task
    return by_id(range(ROWS), rows())


def expected(task: str) -> dict[str, float]:
    """A right answer is the reference itself."""
    del task
    return {"rouge_l_ja": percent_right(), "judge_mean": mean_between(1, 5)}


STAND = Stand(("ja_multi_image_vqa",), add, answers, expected)
