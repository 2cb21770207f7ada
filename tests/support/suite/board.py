"""JaWildText's board_vqa: columns as the benchmark's code reads them; the answer is wanted in a box."""

from __future__ import annotations

from typing import Any

from support.hub import Hub
from support.suite.judged import ROWS, WRONG, rows_of
from support.suite.repository import Features, repository
from support.suite.stand import Stand

NAME = "llm-jp/jawildtext"
FEATURES: Features = {"image": "image", "question": "string", "answer": "string"}


def rows() -> list[dict[str, Any]]:
    """Made-up rows."""
    return rows_of("看板")


def configs() -> dict[str, tuple[Features, dict[str, list[dict[str, Any]]]]]:
    """The configuration, for a repository that has others beside it."""
    return {"board_vqa": (FEATURES, {"train": rows()})}


def add(hub: Hub) -> None:
    """Put the repository on a hub."""
    hub.add_dataset(NAME, repository(configs()))


def answers(task: str) -> dict[str, str]:
    """Four kinds in turn: right; wrong; right but without a box; corrected in a second box."""
    del task
    found = {}
    for n, row in enumerate(rows()):
        right = row["answer"]
        found[str(n)] = (
            rf"看板を読むと、\boxed{{{right}}}です。",
            rf"\boxed{{{WRONG}}}",
            right,
            rf"はじめは\boxed{{{WRONG}}}と思いましたが、\boxed{{{right}}}",
        )[n % 4]
    return found


def expected(task: str) -> dict[str, float]:
    """Two kinds of four are right, one has no box."""
    del task
    assert ROWS % 4 == 0
    return {"accuracy_judged": 50, "unparsed": 25, "coverage": 1}


STAND = Stand(("jawildtext_board_vqa",), add, answers, expected)
