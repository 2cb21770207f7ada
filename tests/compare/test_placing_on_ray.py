"""Carrying out steps on Ray, on this machine: order, room, GPUs, variables, failures and lost workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lmms_eval_ja.compare import placing
from lmms_eval_ja.compare.cluster import Cluster
from lmms_eval_ja.compare.placing import Event, PlacingError, carry_out
from support.processes import command_line, until
from support.standins import judging, saying, why_incomplete, writing, written

TESTS = str(Path(__file__).parents[1])
pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.usefixtures("four_gpus")]


@pytest.fixture(scope="module")
def four_gpus() -> Iterator[None]:
    """Ray with four GPUs that are not there, started once; workers find the stand-ins on their path."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", TESTS)
        with Cluster(gpus=4):
            yield


def carried(steps, **facts) -> tuple[list[placing.Outcome], list[Event]]:
    events: list[Event] = []
    return carry_out(steps, report=events.append, why_incomplete=why_incomplete, **facts), events


def told(events: list[Event], kind: str) -> list[str]:
    return [event.step.name for event in events if event.kind == kind]


def test_generating_and_judging(tmp_path):
    names = [f"m{n}" for n in range(5)]
    generating = [writing(tmp_path, name, 0.2, gpus=1 + n % 2, minutes=n) for n, name in enumerate(names)]
    steps = generating + [judging(tmp_path, name, 0.1) for name in names]
    outcomes, events = carried(steps)
    assert [(outcome.step, outcome.complete, outcome.cause) for outcome in outcomes] == [
        (step, True, None) for step in steps
    ]
    assert written(tmp_path) == sorted(f"{name}-{kind}" for name in names for kind in ("generate", "judge"))
    order = [(event.kind, event.step.name) for event in events]
    for name in names:
        assert order.index(("finished", f"{name}: generate")) < order.index(("started", f"{name}: judge"))
    # GPUs go on while verdicts arrive.
    first = min(order.index(("started", f"{name}: judge")) for name in names)
    assert first < max(order.index(("finished", f"{name}: generate")) for name in names)
    for n, name in enumerate(names):
        devices = (tmp_path / "runs" / name / "answers" / "gpus.txt").read_text().strip().split(",")
        assert len(set(devices)) == 1 + n % 2
        assert set(devices) <= {"0", "1", "2", "3"}
        assert (tmp_path / "runs" / name / "scores" / "gpus.txt").read_text() == "\n"
    again, events = carried(steps)
    assert all(outcome.complete and not outcome.attempt for outcome in again)
    assert events == []


def test_longest_first_and_no_gpu_twice(tmp_path):
    steps = [
        writing(tmp_path, f"m{n}", 0.15, gpus=2, minutes=minutes) for n, minutes in enumerate([5, 50, None, 20, 90])
    ]
    _, events = carried(steps)
    # The median of 5, 20, 50 and 90 is 35.
    assert told(events, "started") == [f"m{n}: generate" for n in (4, 1, 2, 3, 0)]
    running: set[str] = set()
    for event in events:
        if event.kind == "started":
            running.add(event.step.name)
            assert len(running) <= 2
        else:
            running.remove(event.step.name)


def test_a_failure_does_not_stop_the_others(tmp_path):
    bad = saying(tmp_path, "bad", "echo 'torch.OutOfMemoryError: CUDA out of memory'; exit 1", gpus=1)
    steps = [bad, judging(tmp_path, "bad"), writing(tmp_path, "good", gpus=1), judging(tmp_path, "good")]
    outcomes, events = carried(steps)
    assert [outcome.complete for outcome in outcomes] == [False, False, True, True]
    assert outcomes[0].cause.startswith("out of GPU memory")
    assert outcomes[0].log == tmp_path / "runs/bad/attempts/generate-1/log.txt"
    assert outcomes[1].cause == "not started: bad: generate failed"
    assert told(events, "retry") == []
    # The caller decides to try again.
    good = replace(bad, words=writing(tmp_path, "bad", gpus=1).words)
    outcomes, _ = carried([good, *steps[1:]])
    assert [outcome.attempt for outcome in outcomes] == [2, 1, 0, 0]


def test_a_step_that_is_too_large_stops_everything_before_it_begins(tmp_path):
    steps = [writing(tmp_path, "small", gpus=1), writing(tmp_path, "large", gpus=5)]
    with pytest.raises(PlacingError, match=r"large: generate needs 5 GPUs, 1 CPUs, which no machine has \(.*: 4 G"):
        carried(steps)
    with pytest.raises(PlacingError, match=r"greedy: generate needs 0 GPUs, 1 CPUs, 1e\+06 GB"):
        carried([writing(tmp_path, "greedy", memory_gb=1e6)])
    assert not (tmp_path / "runs").exists()


def test_settings_go_along_and_keys_do_not(tmp_path, monkeypatch):
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_MODEL", "chosen")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    script = "env | grep -c ^RAY_; echo $LMMS_EVAL_JA_JUDGE_MODEL-$HF_HUB_OFFLINE-$OMP_NUM_THREADS-$HF_TOKEN-$OWN"
    (outcome,), _ = carried([saying(tmp_path, "one", script, environ={"OWN": "own"})])
    assert outcome.cause == "0 of 4 samples: chosen-1-7--own"
    assert "\n0\nchosen" in outcome.log.read_text(encoding="utf-8")


def test_a_lost_worker_is_tried_again(tmp_path):
    """The worker of Ray that watches the command is found by its name, and killed."""
    once = tmp_path / "once"
    script = f"[ -e {once} ] && printf '1\\n2\\n3\\n4\\n' > {{attempt}}/samples.txt || {{ touch {once}; sleep 60; }}"
    events: list[Event] = []

    def report(event: Event) -> None:
        events.append(event)
        if event.kind == "started" and len(events) == 1:
            assert until(once.exists)
            kill_worker_of(event.step.name)

    outcomes = carry_out([saying(tmp_path, "one", script, gpus=1)], report=report, why_incomplete=why_incomplete)
    assert [event.kind for event in events] == ["started", "retry", "started", "finished"]
    assert (outcomes[0].complete, outcomes[0].attempt) == (True, 2)


def kill_worker_of(name: str) -> None:
    (worker,) = (
        process
        for process in psutil.Process().children(recursive=True)
        if command_line(process)[:1] == [f"ray::{name}"]
    )
    worker.kill()


def misses_a_module(step, out):
    return None


def test_a_check_that_workers_do_not_have(tmp_path):
    outcomes = carry_out([writing(tmp_path, "one", gpus=1)], report=lambda _: None, why_incomplete=misses_a_module)
    assert outcomes[0].cause.startswith("ModuleNotFoundError: No module named 'test")
    assert "start Ray there from an environment that has lmms-eval-ja" in outcomes[0].cause
