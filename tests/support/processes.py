"""Real processes that a test starts, counts by a mark in their environment, and sees end."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil

#: Not of the settings that go along with a step.
MARK = "TEST_MARK"
PATIENCE_S = 20


def new_mark() -> str:
    """A value for the variable MARK, which children inherit."""
    return uuid.uuid4().hex


def marked(mark: str) -> list[psutil.Process]:
    """The processes that run with this mark; the caller's own is left out."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            # Empty for one that has ended and is not waited for yet.
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(psutil.Process(int(entry.name)))
        except (OSError, psutil.NoSuchProcess):
            continue
    return found


def command_line(process: psutil.Process) -> list[str]:
    """A process's command line; empty when it has ended, which it may do between being found and being asked."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def end(mark: str) -> None:
    """Kill whatever runs with this mark, for a test's end."""
    for process in marked(mark):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> bool:
    """Wait until a condition holds; whether it came to hold in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
