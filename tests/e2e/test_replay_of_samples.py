"""Samples files of earlier runs as answers: the same scores, and never on other data."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.runner import swapped
from e2e.worker import Evaluated, Worker
from support import benchmarks
from support.hub import Hub

TASK = "heron_bench_ja_pairwise"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture
def first(worker: Worker, heron_answers: Path, tmp_path: Path) -> tuple[Evaluated, Path]:
    """A run that wrote its samples, and the file."""
    done = worker.evaluate([TASK], heron_answers, output_path=tmp_path / "first")
    (path,) = (tmp_path / "first").rglob(f"*_samples_{TASK}.jsonl")
    return done, path


def test_replaying_a_samples_file_gives_the_same_scores(worker: Worker, first: tuple[Evaluated, Path]) -> None:
    done, path = first
    assert worker.evaluate([TASK], path).scores(TASK) == done.scores(TASK)
    folder = worker.evaluate([TASK], path.parent)
    assert folder.facts(TASK)["scores"] == done.facts(TASK)["scores"]


def test_answers_without_scores_can_be_scored_later(
    worker: Worker, first: tuple[Evaluated, Path], heron_answers: Path, tmp_path: Path
) -> None:
    env = {"LMMS_EVAL_JA_JUDGE": "openai"}  # without a key: --predict_only wants no judge
    predicted = worker.evaluate([TASK], heron_answers, env, output_path=tmp_path / "later", predict_only=True)
    assert predicted.results is not None, predicted.exit
    (path,) = (tmp_path / "later").rglob(f"*_samples_{TASK}.jsonl")
    assert worker.evaluate([TASK], path).scores(TASK) == first[0].scores(TASK)


def test_samples_of_other_questions_are_refused(worker: Worker, first: tuple[Evaluated, Path], hub: Hub) -> None:
    rows = benchmarks.synthetic_heron_rows()
    rows[7]["text"] += "（改題）"
    with swapped(hub, benchmarks.HERON_ID, benchmarks.heron_bench(rows)):
        done = worker.evaluate([TASK], first[1])
    assert done.results is None
    assert f"{first[1]}: doc_id 7 of {TASK} had another input" in (done.exit or "")


def test_samples_of_other_references_are_refused(worker: Worker, first: tuple[Evaluated, Path], hub: Hub) -> None:
    rows = benchmarks.synthetic_heron_rows()
    rows[7]["answer"]["gpt-4-0125-preview"] += "（改訂）"
    with swapped(hub, benchmarks.HERON_ID, benchmarks.heron_bench(rows)):
        done = worker.evaluate([TASK], first[1])
    assert f"{first[1]}: doc_id 7 of {TASK} had another target" in (done.exit or "")


def test_samples_of_another_task_are_refused(worker: Worker, first: tuple[Evaluated, Path]) -> None:
    done = worker.evaluate(["ja_sample"], first[1])
    assert "doc_id 0 of ja_sample had another input" in (done.exit or "")
