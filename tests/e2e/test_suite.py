"""Every benchmark of the suite from its data to its row: by replay in one warm process; all of them in four starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.runner import write_answers
from e2e.worker import Evaluated, Worker
from support.hub import Hub
from support.suite import STAND_OF, TASKS, add_suite


@pytest.fixture(scope="module")
def suite(hub: Hub) -> Hub:
    """The hub, with the suite's data."""
    add_suite(hub)
    return hub


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of answers for each task."""
    folder = tmp_path_factory.mktemp("answers")
    for task in TASKS:
        write_answers(folder / f"{task}.jsonl", STAND_OF[task].answers(task))
    return folder


@pytest.fixture(scope="module")
def replayed(suite: Hub, worker: Worker, answers: Path) -> Evaluated:
    """All of them at once."""
    return worker.evaluate(TASKS, answers)


@pytest.mark.parametrize("task", TASKS)
def test_the_scores_are_those_worked_out_by_hand(replayed: Evaluated, task: str) -> None:
    expected = STAND_OF[task].expected(task)
    shown = replayed.scores(task)
    assert {name: shown[name] for name in expected} == pytest.approx(expected)
