"""Batches whose process is killed at each of their steps, and processes that fill one store at the same time."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lmms_eval_ja.clients import JudgeSettings, chat
from lmms_eval_ja.judges import Judge, Sample, judge_samples
from support.batch_server import BatchServer
from support.forking import Forking
from support.judge_server import JudgeServer, Reply, user_text

WORKER = Path(__file__).with_name("batch_worker.py")
N = 6
STEPS = [f"{when}:{name}" for name in ("plan", "uploaded", "created", "end") for when in ("before", "within", "after")]


class Script:
    """Sample 0 gets an unreadable reply at first, sample 1 none at first, and the others a score."""

    def __init__(self) -> None:
        self._asked: Counter[int] = Counter()

    def __call__(self, body: dict) -> str | Reply:
        number = int(re.search(r"回答(\d+)", user_text(body))[1])
        self._asked[number] += 1
        if self._asked[number] == 1 and number < 2:
            return "わかりません" if number == 0 else Reply("混雑", status=500)
        return f"Score: {number % 5 + 1}"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The verdicts of asking at once, undisturbed."""
    samples = [Sample(str(k), f"質問{k}", f"回答{k}", f"参照{k}") for k in range(N)]
    with pytest.MonkeyPatch.context() as patch, JudgeServer(Script()) as server:
        patch.setattr(chat, "FIRST_WAIT_S", 0.001)
        settings = JudgeSettings(base_url=server.base_url, model="asked", deadline_s=30)
        store = tmp_path_factory.mktemp("live") / "live.sqlite"
        return json.loads(json.dumps(judge_samples(samples, "vqa_likert", Judge(settings), store=store)))


@pytest.fixture(scope="module")
def worker() -> Iterator[Forking]:
    worker = Forking(WORKER)
    yield worker
    assert worker.end() == ""  # nothing was locked, nothing raised


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer(Script()) as server:
        yield server


def checked(server: BatchServer, out: Path, expected: list[dict]) -> None:
    assert json.loads(out.read_text(encoding="utf-8")) == expected
    assert server.requests == []
    # The reply that cannot be read is asked for under another key; the line that failed, under its own.
    assert sorted(Counter(server.keys).values()) == [1] * N + [2]
    assert len(server.batches) == 2


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_a_step_costs_nothing(tmp_path, worker, server, expected, step):
    out = tmp_path / "verdicts.json"
    words = (tmp_path / "verdicts.sqlite", server.base_url, N, out)
    assert worker.run(*words, step) == -signal.SIGKILL
    assert worker.run(*words) == 0
    checked(server, out, expected)


def test_a_kill_at_every_step_one_after_the_other(tmp_path, worker, server, expected):
    """The steps are met twice: by the first batch, and by the one that asks again."""
    out = tmp_path / "verdicts.json"
    words = (tmp_path / "verdicts.sqlite", server.base_url, N, out)
    statuses = [worker.run(*words, step) for step in [*STEPS, *STEPS]]
    assert statuses == [-signal.SIGKILL] * len(statuses)
    assert worker.run(*words) == 0
    checked(server, out, expected)


def test_two_processes_at_once_submit_each_request_once(tmp_path, worker, server, expected):
    outs = [tmp_path / "one.json", tmp_path / "two.json"]
    numbers = [worker.start(tmp_path / "verdicts.sqlite", server.base_url, N, out) for out in outs]
    assert [worker.wait(number) for number in numbers] == [0, 0]
    for out in outs:
        checked(server, out, expected)
