"""MangaVQA: questions on the hub, pages in a folder of the user's; columns as the benchmark's own code reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.benchmarks import placeholder_image
from support.hub import Hub
from support.suite.judged import ROWS, by_id, mean_between, rows_of
from support.suite.repository import Features, repository
from support.suite.stand import Stand

NAME = "hal-utokyo/MangaVQA"
FEATURES: Features = {
    "title": "string",
    "image_number": "int64",
    "question": "string",
    "answer": "string",
    "required_info": "string",
    "w5h1": "string",
    "understanding_type": "string",
}


def rows() -> list[dict[str, Any]]:
    """Made-up rows on two made-up books."""
    return [
        {
            "title": ("NekoNoTabi", "YamaNoEki")[n % 2],
            "image_number": 3 + n // 2,
            "question": row["question"],
            "answer": row["answer"],
            "required_info": "panel",
            "w5h1": "what",
            "understanding_type": "exact",
        }
        for n, row in enumerate(rows_of("漫画"))
    ]


def place(folder: Path) -> None:
    """Make a Manga109 folder with a page for each question."""
    for row in rows():
        path = folder / "images" / row["title"] / f"{row['image_number']:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(placeholder_image(f"{row['title']}-{row['image_number']}.jpg"))


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
    return {"judge_mean": mean_between(1, 10)}


STAND = Stand(("manga_vqa",), add, answers, expected)
