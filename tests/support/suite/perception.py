"""Perception-Bench: one JSON file on the hub that names pictures, and these in a folder of the user's.

Files and fields are those of prometheus-eval/Perception-Bench; that `orig_instruction` is missing its users say there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.benchmarks import placeholder_image
from support.hub import Hub
from support.suite.judged import ROWS, by_id, mean_between
from support.suite.stand import Stand

NAME = "prometheus-eval/Perception-Bench"
_CARD = b"---\nlicense: cc-by-4.0\nlanguage:\n- en\nsize_categories:\n- n<1K\n---\n\nA stand-in for tests.\n"


def rows() -> list[dict[str, Any]]:
    """Made-up rows, two on a picture, each with a rubric of its own."""
    return [
        {
            "image": f"../train2017/{n // 2:012d}.jpg" if n % 4 < 2 else f"../mmmu/{n // 2}.png",
            "instruction": f"Describe thing {n} of the picture in detail.",
            "orig_reference_answer": f"There is a lantern {n} in front of a grey wall.\n\nIt is lit.",
            "orig_criteria": f"Does the answer describe thing {n} rightly?",
        }
        | {f"orig_score{score}_description": f"It gets {score} of 5 facts on thing {n}." for score in range(1, 6)}
        for n in range(ROWS)
    ]


def place(assets: Path) -> None:
    """Put a picture for each name into a folder of assets."""
    for name in {row["image"].removeprefix("../") for row in rows()}:
        path = assets / "perception_bench" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(placeholder_image(f"perception-{path.name}"))


def files(of: list[dict[str, Any]] | None = None) -> dict[str, bytes]:
    """The repository; a picture of the paper lies beside the data."""
    content = json.dumps(rows() if of is None else of, ensure_ascii=False, indent=2).encode()
    picture = placeholder_image("perception_collection.jpg")
    return {"README.md": _CARD, "perception_bench.json": content, "perception_collection.JPG": picture}


def add(hub: Hub) -> None:
    """Put the repository on a hub."""
    hub.add_dataset(NAME, files())


def answers(task: str) -> dict[str, str]:
    """Answers by question id."""
    del task
    return by_id(range(ROWS), [row | {"answer": row["orig_reference_answer"]} for row in rows()])


def expected(task: str) -> dict[str, float]:
    """A right answer is the reference itself."""
    del task
    return {"judge_mean": mean_between(1, 5)}


STAND = Stand(("perception_bench",), add, answers, expected)
