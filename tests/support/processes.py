"""Real processes that a test starts, counts by a mark in their environment, and sees end."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator

import psutil

MARK = "LMMS_EVAL_JA_TEST_MARK"
PATIENCE_S = 20


def new_mark() -> str:
    """A value for the variable MARK, which children inherit."""
    return uuid.uuid4().hex


def marked(mark: str) -> list[psutil.Process]:
    """The processes that run with this mark; the caller's own is left out."""
    return [process for process in _processes() if process.pid != os.getpid() and _mark(process) == mark]


def end(mark: str) -> None:
    """Kill whatever runs with this mark, for a test's end."""
    for process in marked(mark):
        process.kill()


def until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> bool:
    """Wait until a condition holds; whether it came to hold in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _processes() -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.NoSuchProcess:
            continue


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None
