"""Carrying out steps without Ray: what is done already, judging, what waits for what, lost guards."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lmms_eval_ja.compare import placing
from lmms_eval_ja.compare.placing import Event, PlacingError, carry_out
from support.standins import judging, saying, why_incomplete, writing, written

TESTS = str(Path(__file__).parents[1])


def carried(steps, **facts) -> tuple[list[placing.Outcome], list[Event]]:
    events: list[Event] = []
    return carry_out(steps, report=events.append, why_incomplete=why_incomplete, **facts), events


def told(events: list[Event], kind: str) -> list[str]:
    return [event.step.name for event in events if event.kind == kind]


def test_nothing_is_started_where_all_is_done(tmp_path):
    step = writing(tmp_path, "one", gpus=1000)
    step.folder.mkdir(parents=True)
    (outcome,), events = carried([step])
    assert (outcome.complete, outcome.attempt, outcome.step) == (True, 0, step)
    assert events == []


def test_no_steps():
    assert carried([]) == ([], [])


def test_judging_needs_no_ray_and_few_run_at_once(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    steps = [judging(tmp_path, f"m{n}", 0.2) for n in range(5)]
    for step in steps:
        step.after.mkdir(parents=True)
    outcomes, events = carried(steps, judging=2)
    assert [outcome.complete for outcome in outcomes] == [True] * 5
    assert written(tmp_path) == [f"m{n}-judge" for n in range(5)]
    at_once = running = 0
    for event in events:
        running += 1 if event.kind == "started" else -1
        at_once = max(at_once, running)
    assert at_once == 2
    assert {event.text for event in events if event.kind == "started"} == {"here"}


def test_judging_is_not_started_without_answers(tmp_path):
    (outcome,), events = carried([judging(tmp_path, "one")])
    answers = tmp_path / "runs" / "one" / "answers"
    assert outcome.cause == f"not started: {answers} is not there, and no step makes it"
    assert told(events, "failed") == ["one: judge"]
    assert told(events, "started") == []


def test_a_step_of_another_that_waits_for_a_failed_one_fails_too(tmp_path):
    bad = saying(tmp_path, "one", "echo 'ValueError: no'; exit 1", kind="judge")
    last = replace(judging(tmp_path, "two"), after=bad.folder)
    outcomes, _ = carried([last, bad])
    assert [outcome.cause for outcome in outcomes] == [
        "not started: one: judge failed",
        "0 of 4 samples: ValueError: no",
    ]


def test_two_steps_of_one_folder(tmp_path):
    with pytest.raises(PlacingError, match="two steps have the same folder"):
        carried([writing(tmp_path, "one"), writing(tmp_path, "one", 1)])


def test_relative_folders_are_of_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    step = judging(Path("out"), "one", 0.0)
    step.after.mkdir(parents=True)
    step = replace(step, words=("sh", "-c", "printf '1\\n2\\n3\\n4\\n' > {attempt}/samples.txt"))
    (outcome,), _ = carried([step])
    assert outcome.complete
    assert (outcome.step, outcome.log) == (step, tmp_path / "out/runs/one/attempts/judge-1/log.txt")


def test_a_lost_guard_is_tried_again(tmp_path):
    """The guard is the command's parent; killed once, it is a lost machine."""
    script = "[ -e {attempt}/../../once ] || { touch {attempt}/../../once; kill -9 $PPID; }; "
    step = saying(tmp_path, "one", script + "printf '1\\n2\\n3\\n4\\n' > {attempt}/samples.txt", kind="judge")
    (outcome,), events = carried([step])
    assert (outcome.complete, outcome.attempt) == (True, 2)
    assert [event.kind for event in events] == ["started", "retry", "started", "finished"]
    assert events[1].text == "the guard of the command was killed from outside; try 2"


def test_what_is_lost_again_and_again_is_given_up(tmp_path):
    (outcome,), events = carried([saying(tmp_path, "one", "kill -9 $PPID; sleep 9", kind="judge")])
    assert outcome.cause == "its machine or worker was lost 4 times: the guard of the command was killed from outside"
    assert told(events, "retry") == ["one: judge"] * placing.RETRIES
    assert outcome.log == tmp_path / "runs/one/attempts/judge-4/log.txt"


def test_without_ray_the_error_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['ray'] = None; from pathlib import Path; from support.standins import *; "
        "from lmms_eval_ja.compare.placing import carry_out; "
        "carry_out([writing(Path(sys.argv[1]), 'a', gpus=1)], why_incomplete=why_incomplete)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], env=os.environ | {"PYTHONPATH": TESTS}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stderr.strip().endswith(
        'PlacingError: Ray is not installed, which places the runs: pip install "lmms-eval-ja[compare]"'
    )


def test_nothing_heavy_is_imported_at_the_start():
    heavy = ("ray", "numpy", "platformdirs")
    code = f"import sys, lmms_eval_ja.compare.placing; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
