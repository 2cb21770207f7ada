"""A run that is killed three times while it judges, and started again each time by the same command."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from e2e.runner import TIMEOUT_S, Ended, command, evaluate, evaluation
from e2e.sample_judging import ANSWERS, REQUESTS, TASK, judged_by, reply, stored
from support.judge_server import JudgeServer, Reply, user_text

pytestmark = pytest.mark.slow

KILLS, CONCURRENCY, DELAY_S = 3, 4, 0.05
#: How many replies a start gets before it is killed: all kills together leave some for the last start.
LEAST, MOST = 8, 32
WAYS = {"lmms-eval": 1, "torchrun": 2}  # and the seeds of their moments


def slow_reply(body: dict[str, Any]) -> Reply:
    return Reply(reply(body), delay_s=DELAY_S)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for a process and all that it has started; none of them is left."""
    started = psutil.Process(process.pid)
    family = [started, *started.children(recursive=True)]
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait(TIMEOUT_S)
    assert psutil.wait_procs(family, timeout=TIMEOUT_S)[1] == []


@dataclass(frozen=True)
class Killed:
    """What a run left that was killed and at last came to its end.

    Attributes:
        ended: the last start.
        statuses: of the starts that were killed.
        sent: the prompts that each start sent, the last one's at the end.
        known: the prompts whose replies were stored before each start.
        stored: those at the end.
    """

    ended: Ended
    statuses: list[int]
    sent: list[list[str]]
    known: list[set[str]]
    stored: set[str]


def killed(folder: Path, env: dict[str, str], way: str) -> Killed:
    store, moments = folder / "verdicts.sqlite", random.Random(WAYS[way])  # noqa: S311
    statuses, sent, known = [], [], [set[str]()]
    with JudgeServer(slow_reply) as server:
        env = env | judged_by(server.base_url, store, judge_concurrency=CONCURRENCY)

        def start() -> dict[str, Any]:
            return evaluation(folder, TASK, ANSWERS, env, way=way)

        def after(seen: int) -> list[str]:
            return [user_text(body) for body in server.requests[seen:]]

        for _ in range(KILLS):
            seen, enough = len(server.requests), server.served + moments.randint(LEAST, MOST)
            given = start()
            with (folder / "log").open("wb") as log:
                channels = {"stdout": log, "stderr": subprocess.STDOUT}
                process = subprocess.Popen(given["words"], env=given["env"], cwd=given["cwd"], **channels)
                try:
                    ending = time.monotonic() + TIMEOUT_S
                    while server.served < enough and process.poll() is None and time.monotonic() < ending:
                        time.sleep(0.002)
                    time.sleep(moments.uniform(0, DELAY_S))
                finally:
                    kill(process)
            statuses.append(process.returncode)
            time.sleep(10 * DELAY_S)  # what was in flight has arrived
            sent.append(after(seen))
            known.append(stored(store))
        seen = len(server.requests)
        ended = command(**start())
        sent.append(after(seen))
    assert server.errors == []
    return Killed(ended, statuses, sent, known, stored(store))


@pytest.fixture(scope="module")
def runs(hub_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Killed]:
    """A killed run for each way, at the same time."""
    with ThreadPoolExecutor(len(WAYS)) as pool:
        folders = [tmp_path_factory.mktemp("killed") for _ in WAYS]
        done = pool.map(lambda folder, way: killed(folder, hub_env, way), folders, WAYS)
        return dict(zip(WAYS, done, strict=True))


@pytest.fixture(scope="module")
def undisturbed(hub_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Ended:
    folder = tmp_path_factory.mktemp("undisturbed")
    with JudgeServer(reply) as server:
        env = hub_env | judged_by(server.base_url, folder / "verdicts.sqlite", judge_concurrency=CONCURRENCY)
        done = evaluate(folder, TASK, ANSWERS, env)
    assert len(server.requests) == REQUESTS
    return done


@pytest.mark.parametrize("way", WAYS)
def test_every_kill_came_while_the_run_was_judging(runs: dict[str, Killed], way: str) -> None:
    run = runs[way]
    assert run.statuses == [-signal.SIGKILL] * KILLS
    assert all(run.sent)
    before = [len(known) for known in run.known]
    assert all(0 < more - less < REQUESTS for less, more in pairwise(before))
    assert before[-1] < REQUESTS


@pytest.mark.parametrize("way", WAYS)
def test_no_request_is_sent_twice_for_a_stored_verdict(runs: dict[str, Killed], way: str) -> None:
    run = runs[way]
    for sent, known in zip(run.sent, run.known, strict=True):
        assert not known & set(sent)
        assert len(sent) == len(set(sent))
    # What a kill loses is what was in flight: it was not stored, and the next start asks for it again.
    lost = [set(sent) - known for sent, known in zip(run.sent, run.known[1:], strict=False)]
    assert all(len(prompts) <= CONCURRENCY for prompts in lost)
    assert len(run.stored) == REQUESTS
    assert set(run.sent[-1]) == run.stored - run.known[-1]
    judging = run.ended.results["lmms_eval_ja"]["tasks"][TASK]["judging"]
    assert sum(facts["usage"]["now"]["requests"] for facts in judging.values()) == len(run.sent[-1])


@pytest.mark.parametrize("way", WAYS)
def test_scores_and_samples_are_those_of_an_undisturbed_run(
    runs: dict[str, Killed], undisturbed: Ended, way: str
) -> None:
    ended = runs[way].ended
    assert ended.returncode == undisturbed.returncode == 0, ended.output[-4000:]
    errors = ("_stderr_clt", "_stderr_clustered")  # the harness sums these in the order of the ranks
    mine, theirs = (
        {k: v for k, v in run.scores(TASK).items() if not k.endswith(errors)} for run in (ended, undisturbed)
    )
    assert mine == theirs
    assert ended.samples(TASK) == undisturbed.samples(TASK)
    facts, whole = (run.results["lmms_eval_ja"]["tasks"][TASK] for run in (ended, undisturbed))
    assert (facts["scores"], facts["failures"]) == (whole["scores"], {})
    assert facts["fingerprint"] == whole["fingerprint"]
