"""`lmms-eval-ja judge --batch`: submitted, left, collected; the numbers are those of judging in place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e.runner import Ended, evaluate
from e2e.worker import Worker
from lmms_eval_ja.jp_tasks import FOLDER
from support.batch_server import BatchServer
from support.judge_server import scripted_scores

TASK = "ja_sample"


def _reply(body: Mapping[str, Any]) -> str:
    return f"Score: {1 + scripted_scores(body)[0] % 5}"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answers")
    return Path(shutil.copy(FOLDER / TASK / "answers" / "terse.jsonl", folder / f"{TASK}.jsonl")).parent


@pytest.fixture(scope="module")
def predicted(answers: Path, hub_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predicted")
    done = evaluate(folder, TASK, answers, hub_env, "--predict_only")
    assert done.returncode == 0, done.output[-4000:]
    return done.folder


@pytest.fixture
def saved(predicted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(predicted, tmp_path / "out"))


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer(_reply, states=("in_progress",)) as server:
        yield server


@pytest.fixture
def env(server: BatchServer, tmp_path: Path) -> dict[str, str]:
    return {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": server.base_url,
        "LMMS_EVAL_JA_JUDGE_DEADLINE_S": "5",
        "LMMS_EVAL_JA_STORE": str(tmp_path / "verdicts.sqlite"),
        "COLUMNS": "300",
    }


def test_submit_come_back_and_collect(
    worker: Worker, saved: Path, answers: Path, server: BatchServer, env: dict[str, str]
) -> None:
    words = ("judge", str(saved), "--protocol", "vqa_likert", "--batch")
    status, output = worker.command(*words, env=env)
    assert status == 3, output
    assert "Submitted 40 requests in 1 batch: batch_0000." in output
    assert "The same command, run later, collects them" in output
    assert not list(saved.glob("judged-*"))

    status, output = worker.command(*words, env=env)
    assert status == 3, output
    assert "Batch batch_0000 of gpt-5.1-2025-11-13: in_progress, 0 of 40 done." in output

    status, output = worker.command(*words, env=env)
    assert status == 0, output
    assert "Collected 40 replies." in output
    (folder,) = saved.glob("judged-*")
    scores = Ended(0, "", folder).scores(TASK)
    assert server.requests == []

    status, output = worker.command("verdicts", "batches", env=env)
    assert (status, "collected" in output, "batch_0000" in output) == (0, True, True), output
    status, output = worker.command("verdicts", "batches", "cancel", "batch_0000", env=env)
    assert status == 1
    assert "batch batch_0000 is over: collected" in output

    at_once = env | {"LMMS_EVAL_JA_STORE": env["LMMS_EVAL_JA_STORE"] + ".other"}
    status, output = worker.command("judge", str(saved), "--protocol", "vqa_likert", env=at_once)
    assert (status, len(server.requests)) == (0, 40), output
    live = max(saved.glob("judged-*"), key=lambda found: found.stat().st_mtime_ns)
    assert live != folder
    assert Ended(0, "", live).scores(TASK) == scores


def test_what_does_not_fit_is_named(worker: Worker, saved: Path, server: BatchServer, env: dict[str, str]) -> None:
    status, output = worker.command("judge", str(saved), "--wait", env=env)
    assert status == 1
    assert "--wait is for batches: state --batch as well" in output
    status, output = worker.command("judge", str(saved), "--batch", env={"LMMS_EVAL_JA_JUDGE": "overlap"})
    assert status == 1
    assert "mode batch is for providers openai and azure" in output
    assert server.batches == {}
