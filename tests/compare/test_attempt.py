"""One attempt at a step: what is complete is put in its place, what is not leaves nothing that looks complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lmms_eval_ja.compare import attempt as attempts
from lmms_eval_ja.compare.attempt import attempt, is_there, last_log
from lmms_eval_ja.compare.guard import GuardLostError
from support import processes
from support.fake_uv import FakeUv
from support.processes import MARK, command_line, marked, until
from support.standins import saying, why_incomplete, writing, written

SAYS_FOUR = "printf '0\\n1\\n2\\n3\\n' > {attempt}/samples.txt"


@pytest.fixture
def mark() -> Iterator[str]:
    made = processes.new_mark()
    yield made
    processes.end(made)


@pytest.fixture
def environ(mark: str) -> dict[str, str]:
    return os.environ | {MARK: mark}


def test_a_complete_step_is_put_in_its_place(tmp_path, environ):
    step = writing(tmp_path, "one")
    outcome = attempt(step, why_incomplete, environ=environ)
    assert (outcome.complete, outcome.cause, outcome.attempt) == (True, None, 1)
    assert outcome.seconds > 0
    assert sorted(path.name for path in step.folder.iterdir()) == ["gpus.txt", "samples.txt"]
    own = tmp_path / "runs" / "one" / "attempts" / "generate-1"
    assert sorted(path.name for path in own.iterdir()) == ["attempt.json", "log.txt"]
    assert outcome.log == own / "log.txt" == last_log(step)
    record = json.loads((own / "attempt.json").read_text(encoding="utf-8"))
    assert (record["status"], record["cause"]) == (0, None)
    assert record["seconds"] == round(outcome.seconds, 3)
    assert record["words"][-3:] == ["one-generate", "0.0", "4"]
    assert str(own / "out") in record["words"]


def test_a_step_whose_folder_is_there_is_not_run_again(tmp_path, environ):
    step = writing(tmp_path, "one")
    attempt(step, why_incomplete, environ=environ)
    outcome = attempt(step, why_incomplete, environ=environ)
    assert (outcome.complete, outcome.attempt, outcome.log) == (True, 0, None)
    assert written(tmp_path) == ["one-generate"]


def test_the_exit_status_is_not_trusted(tmp_path, environ):
    wrong = saying(tmp_path, "lies", "echo 0 > {attempt}/samples.txt; echo 'KeyError: x'; exit 0")
    outcome = attempt(wrong, why_incomplete, environ=environ)
    assert (outcome.complete, outcome.cause) == (False, "1 of 4 samples: KeyError: x")
    assert not wrong.folder.exists()
    right = saying(tmp_path, "modest", SAYS_FOUR + "; exit 1")
    assert attempt(right, why_incomplete, environ=environ).complete


def test_each_attempt_has_a_folder_of_its_own(tmp_path, environ):
    bad = saying(tmp_path, "one", "echo 0 > {attempt}/samples.txt; echo 'CUDA out of memory'; exit 1")
    first = attempt(bad, why_incomplete, environ=environ)
    assert first.cause.startswith("out of GPU memory")
    (first.log.parent.parent / "generate-x").mkdir()
    (first.log.parent.parent / "generate-9").mkdir()
    good = replace(bad, words=writing(tmp_path, "one").words)
    second = attempt(good, why_incomplete, environ=environ)
    assert (first.attempt, second.attempt, second.complete) == (1, 10, True)
    assert "CUDA out of memory" in first.log.read_text(encoding="utf-8")
    assert (first.log.parent / "out" / "samples.txt").read_text() == "0\n"


def test_the_log_names_command_machine_and_time(tmp_path, environ):
    outcome = attempt(saying(tmp_path, "one", "echo hello"), why_incomplete, environ=environ)
    first, second, third = outcome.log.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# 20")
    assert first.endswith(f" on {os.uname().nodename}")
    assert second == "# sh -c 'echo hello'"
    assert third == "hello"


def test_variables_and_devices(tmp_path, environ):
    said = saying(tmp_path, "one", "echo $A $B [$CUDA_VISIBLE_DEVICES]", environ={"B": "step"})
    environ = environ | {"A": "caller", "B": "caller", "CUDA_VISIBLE_DEVICES": "0,1"}
    assert attempt(said, why_incomplete, environ=environ).cause.endswith("caller step []")
    on_gpu = replace(said, run="two", gpus=2, folder=tmp_path / "runs" / "two" / "answers")
    assert attempt(on_gpu, why_incomplete, environ=environ).cause.endswith("caller step [0,1]")


def test_the_command_starts_in_the_folder_that_is_named(tmp_path, environ):
    outcome = attempt(saying(tmp_path, "one", "pwd"), why_incomplete, environ=environ, folder=tmp_path)
    assert outcome.cause.endswith(str(tmp_path.resolve()))


def test_a_folder_that_is_not_on_this_machine(tmp_path, environ):
    gone = tmp_path / "gone"
    outcome = attempt(saying(tmp_path, "one", "pwd"), why_incomplete, environ=environ, folder=gone)
    assert outcome.cause.startswith(f"the folder {gone}, where the comparison was started, is not on ")
    assert "share" in outcome.cause


def test_another_attempt_that_was_faster_is_kept(tmp_path, environ):
    step = saying(tmp_path, "one", f"{SAYS_FOUR}; mkdir -p '{tmp_path}/runs/one/answers/theirs'")
    outcome = attempt(step, why_incomplete, environ=environ)
    assert outcome.complete
    assert outcome.cause.startswith("another attempt was faster, and is kept; what this one wrote stays in ")
    assert [path.name for path in step.folder.iterdir()] == ["theirs"]


def test_attempts_at_once_put_one_in_its_place(tmp_path, environ):
    step = writing(tmp_path, "one", 0.3)
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(attempt(step, why_incomplete, environ=environ)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(outcome.complete for outcome in outcomes)
    assert sorted(outcome.attempt for outcome in outcomes) == [1, 2, 3, 4]
    assert sum(outcome.cause is None for outcome in outcomes) == 1
    assert len(list(tmp_path.glob("runs/one/attempts/*/out"))) == 3


def broken(step, out):
    raise KeyError("config")


def test_a_check_that_breaks_means_incomplete(tmp_path, environ):
    outcome = attempt(writing(tmp_path, "one"), broken, environ=environ)
    assert outcome.cause == "what it wrote cannot be read: KeyError: 'config': it said nothing"


def test_a_command_that_cannot_be_started(tmp_path, environ):
    step = replace(writing(tmp_path, "one"), words=("no-such-program",))
    assert attempt(step, why_incomplete, environ=environ).cause == (
        "0 of 4 samples: no-such-program: cannot be started: No such file or directory"
    )


def test_a_place_that_cannot_be_written(tmp_path, environ):
    (tmp_path / "runs").write_text("a file")
    outcome = attempt(writing(tmp_path, "one"), why_incomplete, environ=environ)
    assert (outcome.complete, outcome.log, outcome.cause) == (False, None, f"{tmp_path}/runs/one: Not a directory")


def test_a_killed_command(tmp_path, environ, monkeypatch):
    monkeypatch.setattr(attempts, "_DYING_S", 0)
    outcome = attempt(saying(tmp_path, "one", "kill -9 $$"), why_incomplete, environ=environ)
    assert outcome.cause.startswith("killed (SIGKILL)")


def test_a_killed_guard(tmp_path, environ, mark):
    def kill_it(_):
        assert until(lambda: any("sleep" in command_line(process)[:1] for process in marked(mark)))
        for process in marked(mark):
            if "--guard" in command_line(process):
                process.kill()

    with pytest.raises(GuardLostError):
        attempt(saying(tmp_path, "one", "exec sleep 600"), why_incomplete, environ=environ, started=kill_it)
    assert not (tmp_path / "runs" / "one" / "answers").exists()


KILLED = """
import os, sys
from pathlib import Path
from lmms_eval_ja.compare.attempt import attempt
from support.standins import why_incomplete, writing
attempt(writing(Path(sys.argv[1]), "one", 30), why_incomplete, environ=os.environ)
"""


def test_a_killed_attempt_leaves_nothing_that_looks_complete(tmp_path, environ, mark):
    path = os.pathsep.join(map(str, [Path(__file__).parents[1], *filter(None, [environ.get("PYTHONPATH")])]))
    environ |= {"PYTHONPATH": path}
    with subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], env=environ) as starter:
        samples = tmp_path / "runs" / "one" / "attempts" / "generate-1" / "out" / "samples.txt"
        assert until(samples.exists)
        starter.kill()
    assert until(lambda: not marked(mark))
    assert not is_there(tmp_path / "runs" / "one" / "answers")
    outcome = attempt(writing(tmp_path, "one"), why_incomplete, environ=environ)
    assert (outcome.complete, outcome.attempt) == (True, 2)
    assert written(tmp_path) == ["one-generate"]


# Environments


def test_the_environment_is_made_first(tmp_path, monkeypatch):
    FakeUv(tmp_path / "bin", monkeypatch)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    step = replace(saying(tmp_path, "one", SAYS_FOUR), environment="sarashina2")
    outcome = attempt(step, why_incomplete, environ=os.environ)
    assert outcome.cause is None
    assert "sarashina2: made at" in outcome.log.read_text(encoding="utf-8")


def test_an_environment_that_cannot_be_made(tmp_path, monkeypatch):
    fake = FakeUv(tmp_path / "bin", monkeypatch)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    fake.fails("sync", "error: No space left on device")
    step = replace(saying(tmp_path, "one", SAYS_FOUR), environment="sarashina2")
    outcome = attempt(step, why_incomplete, environ=os.environ)
    assert not outcome.complete
    assert outcome.cause.startswith("the disk is full")
    assert not step.folder.exists()
