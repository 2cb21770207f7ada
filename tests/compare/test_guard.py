"""The guard: a command, with all that it starts, ends when whoever started it ends, in whatever way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lmms_eval_ja.compare.guard import NOT_STARTED, Guarded, GuardLostError, run
from support import processes
from support.processes import MARK, command_line, marked, until

#: Four that sleep: a command with a child, a child in a session of its own, and one whose parent has ended.
FAMILY = """
sleep 600 &
setsid sleep 600 &
(setsid sleep 600 & exit 0)
exec sleep 600
"""
STARTER = """
import sys
from pathlib import Path
from lmms_eval_ja.compare.guard import run
run(sys.argv[2:], log=Path(sys.argv[1]))
"""


@pytest.fixture
def mark() -> Iterator[str]:
    made = processes.new_mark()
    yield made
    processes.end(made)


@pytest.fixture
def environ(mark: str) -> dict[str, str]:
    return os.environ | {MARK: mark}


def test_status_output_folder_and_variables(tmp_path, environ):
    log = tmp_path / "log.txt"
    log.write_text("before\n")
    words = ["sh", "-c", "echo out; echo error >&2; pwd; echo $GREETING; cat; exit 3"]
    assert run(words, log=log, environ=environ | {"GREETING": "こんにちは"}, folder=tmp_path) == 3
    assert log.read_text() == f"before\nout\nerror\n{tmp_path.resolve()}\nこんにちは\n"


def test_the_status_of_a_command_ended_by_a_signal_is_negative(environ):
    assert run(["sh", "-c", "kill -9 $$"], environ=environ) == -signal.SIGKILL
    assert run(["sh", "-c", "kill -15 $$"], environ=environ) == -signal.SIGTERM


def test_the_command_is_not_what_python_makes_of_signals(environ):
    # Python ignores SIGPIPE; a shell's commands end by it.
    assert run(["sh", "-c", "kill -PIPE $$"], environ=environ) == -signal.SIGPIPE


def test_a_command_that_does_not_exist(tmp_path, environ):
    assert run(["no-such-command"], log=tmp_path / "log", environ=environ) == NOT_STARTED
    assert (tmp_path / "log").read_text() == "no-such-command: cannot be started: No such file or directory\n"


def test_a_folder_that_does_not_exist(tmp_path, environ):
    with pytest.raises(FileNotFoundError, match="gone"):
        run(["true"], environ=environ, folder=tmp_path / "gone")


def test_what_a_command_leaves_behind_is_killed_before_its_end_is_told(environ, mark):
    assert run(["sh", "-c", "sleep 600 & setsid sleep 600 & exit 0"], environ=environ) == 0
    assert "sleep" not in names(mark)
    assert until(lambda: not marked(mark))


def test_the_whole_family_ends_when_its_starter_is_killed(tmp_path, environ, mark):
    words = [sys.executable, "-c", STARTER, tmp_path / "log", "sh", "-c", FAMILY]
    with subprocess.Popen(words, env=environ) as starter:
        assert until(lambda: names(mark).count("sleep") == 4)
        starter.kill()
    assert until(lambda: not marked(mark))


def test_it_ends_by_the_module_as_well(environ, mark):
    words = [sys.executable, "-m", "lmms_eval_ja.compare.guard", "--", "sh", "-c", FAMILY]
    with subprocess.Popen(words, env=environ) as starter:
        assert until(lambda: names(mark).count("sleep") == 4)
        starter.send_signal(signal.SIGKILL)
    assert until(lambda: not marked(mark))


@pytest.mark.parametrize(("command", "status"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_the_module_hands_on_the_status(environ, command, status):
    words = [sys.executable, "-m", "lmms_eval_ja.compare.guard", "--", "sh", "-c", command]
    assert subprocess.run(words, env=environ, check=False).returncode == status


def test_the_module_without_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "lmms_eval_ja.compare.guard", "true"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "usage: python -m lmms_eval_ja.compare.guard -- COMMAND…\n")


def test_stopping_from_another_thread(environ, mark):
    with Guarded(["sleep", "600"], environ=environ) as command:
        timer = threading.Timer(0.2, command.stop)
        timer.start()
        assert command.wait() == -signal.SIGKILL
        timer.join()
    assert until(lambda: not marked(mark))


def test_leaving_the_block_ends_the_command(environ, mark):
    with Guarded(["sleep", "600"], environ=environ):
        assert until(lambda: "sleep" in names(mark))
    assert "sleep" not in names(mark)


def test_a_guard_asked_to_end_takes_the_command_along(environ, mark):
    with Guarded(["sleep", "600"], environ=environ) as command:
        assert until(lambda: "sleep" in names(mark))
        guard_of(mark).terminate()
        assert command.wait() == -signal.SIGTERM
    assert until(lambda: not marked(mark))


def test_a_killed_guard_takes_the_command_along_and_is_missed(environ, mark):
    with Guarded(["sleep", "600"], environ=environ) as command:
        assert until(lambda: "sleep" in names(mark))
        guard_of(mark).kill()
        with pytest.raises(GuardLostError, match="killed from outside"):
            command.wait()
    assert until(lambda: not marked(mark))


def test_nothing_of_the_pipes_is_left_open(environ):
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    run(["true"], environ=environ)
    with pytest.raises(FileNotFoundError):
        run(["true"], environ=environ, folder=Path("/nowhere"))
    assert len(list(descriptors.iterdir())) == before


def names(mark: str) -> list[str]:
    found = []
    for process in marked(mark):
        try:
            found.append(process.name())
        except psutil.NoSuchProcess:
            continue
    return found


def guard_of(mark: str) -> psutil.Process:
    (guard,) = (process for process in marked(mark) if "--guard" in command_line(process))
    return guard
