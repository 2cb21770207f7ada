"""Run a command so that it never outlives the process that started it, also when that one is killed by SIGKILL.

A guard process stands in between. It is nobody's child and of a session of its own, so that what ends its starter does
not end it, and holds a pipe whose other end the starter holds: when that end closes, for whatever reason, the guard
kills the command with all that it started, also what moved into sessions of its own (as the workers of torchrun do) or
lost its parent. It does the same when the command has ended and left something behind. Neither root nor cgroups are
needed. Outside of Linux only the command's process group is killed.

    python -m lmms_eval_ja.compare.guard -- COMMAND…

runs a command this way. This file is run by its path as well, by an interpreter that imports nothing else: it needs the
standard library only.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

#: Exit status of a command that could not be started, as in a shell.
NOT_STARTED = 127
_MODE = "--guard"
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: linux/prctl.h
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
#: What is killed but stays, as a process that waits for a device does, is not waited for any longer than this.
_LONGEST_DEATH_S = 60.0


class GuardLostError(Exception):
    """The guard was killed: nobody knows how the command ended."""


class Guarded:
    """A command under guard. It ends when this process ends, when `stop` is called or when the `with` block is left.

    Args:
        words: the command; its standard input is empty.
        log: what it writes on both channels is appended here; None leaves them as they are.
        environ: all its variables; None for those of this process.
        folder: it is started in; None for the current one.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        log: Path | None = None,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        output = None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        lifeline, self._lifeline = os.pipe()
        self._status, status = os.pipe()
        try:
            # Isolated: neither the command's variables nor installed packages have a say in how the guard starts.
            first = subprocess.Popen(  # noqa: S603 (this file, by this interpreter)
                [sys.executable, "-I", "-S", __file__, _MODE, str(lifeline), str(status), *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if environ is None else dict(environ),
                cwd=folder,
                pass_fds=(lifeline, status),
                start_new_session=True,
            )
            first.wait()  # it ends at once: the guard is its child
        except BaseException:
            self.stop()
            os.close(self._status)
            raise
        finally:
            for descriptor in (lifeline, status, *([] if output is None else [output])):
                os.close(descriptor)

    def wait(self) -> int:
        """Wait until the command, and whatever it started, has ended.

        Returns:
            Its exit status; that of a command ended by a signal is negative.

        Raises:
            GuardLostError: the guard was killed.
        """
        said = b""
        while part := os.read(self._status, 64):
            said += part
        if not said:
            raise GuardLostError("the guard of the command was killed from outside")
        return int(said)

    def stop(self) -> None:
        """Have the command killed; `wait` then returns soon. May be called from another thread, and several times."""
        lifeline, self._lifeline = self._lifeline, -1
        if lifeline >= 0:
            os.close(lifeline)

    def __enter__(self) -> Guarded:  # noqa: PYI034 (Self is of Python 3.11)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the command, and wait for its end, so that it leaves nothing behind."""
        self.stop()
        while os.read(self._status, 64):
            pass
        os.close(self._status)


def run(
    words: Sequence[str],
    *,
    log: Path | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> int:
    """Run a command under guard to its end; arguments and errors as of `Guarded`.

    Returns:
        Its exit status; that of a command ended by a signal is negative.
    """
    with Guarded(words, log=log, environ=environ, folder=folder) as command:
        return command.wait()


def _guard(lifeline: int, status: int, words: Sequence[str]) -> None:
    """Be the guard: start the command, wait for its end or the starter's, leave nothing behind, tell the status."""
    if os.fork():
        os._exit(0)
    for descriptor in (lifeline, status):
        os.set_inheritable(descriptor, False)  # noqa: FBT003
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wakes, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *_SIGNALS):
        signal.signal(number, lambda *_: None)
    command = os.fork()
    if not command:
        _become(words)
    ended = _ended(command, lifeline, wakes)
    _kill_all(command)
    if ended is not None:
        try:
            os.write(status, str(ended).encode())
        except BrokenPipeError:
            os._exit(0)  # nobody is left who wants to know
    os._exit(0)


def _become(words: Sequence[str]) -> None:
    """Be the command, in a session of its own; it dies with the guard."""
    guard = os.getppid()
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE, *_SIGNALS):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == guard:
            os.execvp(words[0], list(words))  # noqa: S606 (what the caller wants started)
    except OSError as error:
        os.write(2, f"{words[0]}: cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(NOT_STARTED)


def _ended(command: int, lifeline: int, wakes: int) -> int | None:
    """The status of the command; that of SIGKILL when the starter ended, or a signal asked for the end, before."""
    while True:
        ready, _, _ = select.select([lifeline, wakes], [], [])
        if lifeline in ready:
            return -signal.SIGKILL
        asked = set(os.read(wakes, 4096))
        for pid, ended in _reaped():
            if pid == command:
                return os.waitstatus_to_exitcode(ended)
        if asked & set(_SIGNALS):
            return -signal.SIGTERM


def _reaped() -> list[tuple[int, int]]:
    """The children that have ended since, with their status as waitpid tells it."""
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found
        found.append((pid, ended))


def _kill_all(command: int) -> None:
    """Kill what the command left, and what that starts meanwhile, until nothing is there."""
    deadline = time.monotonic() + _LONGEST_DEATH_S
    group = command
    while time.monotonic() < deadline:
        left = _descendants(os.getpid())
        for pid in left:
            _kill(pid)
        group = group and _kill_group(group)
        _reaped()
        if not left and not group:
            return
        time.sleep(0.01)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # it has ended, or has become another user's


def _kill_group(group: int) -> int:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return 0
    return group


def _descendants(ancestor: int) -> list[int]:
    """All processes below one that have not ended; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else []:  # noqa: PTH112, PTH208 (starts at once)
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue  # it has ended meanwhile
        if state not in {b"Z", b"X"}:
            children.setdefault(int(parent), []).append(int(entry))
    found, new = [], [ancestor]
    while new:
        new = [child for pid in new for child in children.get(pid, [])]
        found += new
    return found


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def main(words: Sequence[str]) -> int:
    """Run the command after `--` under guard; its exit status, 128 and the signal's number where one ended it."""
    if not words or words[0] != "--" or not words[1:]:
        sys.stderr.write("usage: python -m lmms_eval_ja.compare.guard -- COMMAND…\n")
        return 2
    ended = run(words[1:])
    return ended if ended >= 0 else 128 - ended


if __name__ == "__main__":
    if sys.argv[1:2] == [_MODE]:
        _guard(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    sys.exit(main(sys.argv[1:]))
