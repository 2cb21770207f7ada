"""Processes that start within milliseconds: a script that has imported everything forks one for each run.

The script ends in `serve(work)`; `Forking` is the other end, in the test. A line `go WORD …` on its stdin forks
a process that calls `work` with the words, and its number is printed; a line `wait NUMBER` prints its exit status.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_PATIENCE_S = 60
_TESTS = Path(__file__).resolve().parents[1]


class Forking:
    """A running script."""

    def __init__(self, script: Path) -> None:
        pipe, env = subprocess.PIPE, os.environ | {"PYTHONPATH": str(_TESTS)}
        words = [sys.executable, str(script)]
        self._process = subprocess.Popen(words, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        assert self._line() == "ready"

    def start(self, *words: object) -> int:
        """Fork a process, which begins to work; its number."""
        return self._say("go", *words)

    def wait(self, number: int) -> int:
        """The exit status of a process, once it has ended."""
        return self._say("wait", number)

    def run(self, *words: object) -> int:
        """Fork a process and wait for its end; its exit status."""
        return self.wait(self.start(*words))

    def end(self) -> str:
        """Stop; what was written to stderr by all of them."""
        return self._process.communicate(timeout=_PATIENCE_S)[1]

    def _say(self, *words: object) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")


def serve(work: Callable[..., None]) -> None:
    """Fork a process for each `go` on stdin, until it is closed; a process that raises ends with status 1."""
    _say("ready")
    for line in sys.stdin:
        command, *words = line.split()
        if command == "wait":
            _say(os.waitstatus_to_exitcode(os.waitpid(int(words[0]), 0)[1]))
            continue
        number = os.fork()
        if number == 0:
            status = 1
            try:
                work(*words)
                status = 0
            finally:
                os._exit(status)
        _say(number)


def _say(value: object) -> None:
    print(value, flush=True)  # noqa: T201 (read by the test)
