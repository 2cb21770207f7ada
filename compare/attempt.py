"""One attempt at a step: a folder with its log, the command under guard, and what it wrote put in its place at the end.

An attempt writes into `attempts/<kind>-<n>/out` of its run's folder. Only what was checked to be complete is renamed to
the step's own folder, so that whatever is killed at any moment leaves nothing there that looks complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shlex
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from lmms_eval_ja.compare.causes import cause, clean
from lmms_eval_ja.compare.guard import Guarded
from lmms_eval_ja.compare.step import ATTEMPT, Step

#: What lacks of a step's results in a folder, in a sentence; None when they are complete. It is sent to other machines:
#: a function at the top level of a module.
WhyIncomplete = Callable[[Step, Path], str | None]

LOG = "log.txt"
RECORD = "attempt.json"
#: A command that is killed tells of a machine that is going down, often: then whoever waits here is gone before long.
_DYING_S = 2.0
_MAKE = "import sys; from lmms_eval_ja.models.environments import create; create(sys.argv[1], report=print)"


@dataclass(frozen=True)
class Outcome:
    """What came of a step.

    Attributes:
        step: that was carried out.
        complete: whether its folder holds all that it should.
        cause: why it is not complete, in a line; where it is complete, what is to be noted about it.
        log: of the attempt; None where nothing was started.
        seconds: that the command ran; 0 where nothing was started.
        attempt: its number, from 1; 0 where nothing was started.
    """

    step: Step
    complete: bool
    cause: str | None = None
    log: Path | None = None
    seconds: float = 0.0
    attempt: int = 0


def attempt(
    step: Step,
    why_incomplete: WhyIncomplete,
    *,
    environ: Mapping[str, str],
    folder: Path | None = None,
    started: Callable[[Guarded], None] = lambda _: None,
) -> Outcome:
    """Carry out a step, unless its folder is there already.

    Args:
        step: with paths from the root.
        why_incomplete: is asked after the command has ended; exit statuses are not trusted.
        environ: variables below those of the step.
        folder: the command is started in; None for the current one.
        started: is given what is under guard as soon as it runs, to stop it from another thread.

    Raises:
        GuardLostError: the guard was killed, so that nobody knows what came of the command.
    """
    if is_there(step.folder):
        return Outcome(step, complete=True)
    try:
        number, own = _own_folder(step)
    except OSError as error:
        return Outcome(step, complete=False, cause=f"{step.folder.parent}: {error.strerror or error}")
    trial = _Trial(step, own, environ, folder, started)
    try:
        done, note = trial.run(why_incomplete)
    except OSError as error:
        done, note = False, clean(f"{error.filename or own}: {error.strerror or error}")
    return Outcome(step, done, note, trial.log, trial.seconds, number)


def is_there(folder: Path) -> bool:
    """Whether a folder exists; on network file systems too, right after another machine made it."""
    try:
        return folder.name in os.listdir(folder.parent)  # noqa: PTH208 (reading the parent refreshes what is known of it)
    except OSError:
        return False


def last_log(step: Step) -> Path | None:
    """The log of the latest attempt, None if there was none."""
    logs = [own / LOG for _, own in sorted(_attempts(step)) if (own / LOG).exists()]
    return logs[-1] if logs else None


def _attempts(step: Step) -> list[tuple[int, Path]]:
    found = (step.folder.parent / "attempts").glob(f"{step.kind}-*")
    return [(int(own.name.rpartition("-")[2]), own) for own in found if own.name.rpartition("-")[2].isdecimal()]


def _own_folder(step: Step) -> tuple[int, Path]:
    """The next folder for an attempt: made by nobody else."""
    attempts = step.folder.parent / "attempts"
    attempts.mkdir(parents=True, exist_ok=True)
    number = max((number for number, _ in _attempts(step)), default=0)
    while True:
        number += 1
        own = attempts / f"{step.kind}-{number}"
        try:
            own.mkdir()
        except FileExistsError:
            continue
        (own / "out").mkdir()
        return number, own


class _Trial:
    """The course of an attempt in its folder."""

    def __init__(
        self,
        step: Step,
        own: Path,
        environ: Mapping[str, str],
        folder: Path | None,
        started: Callable[[Guarded], None],
    ) -> None:
        self._step, self._folder, self._started = step, folder, started
        self._out, self.log, self._record = own / "out", own / LOG, own / RECORD
        self._environ = {**environ, **step.environ}
        if not step.gpus:
            self._environ |= {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
        self.seconds = 0.0

    def run(self, why_incomplete: WhyIncomplete) -> tuple[bool, str | None]:
        """Whether the step's folder is there at the end, and what is to be said."""
        if self._folder is not None and not self._folder.is_dir():
            return False, (
                f"the folder {self._folder}, where the comparison was started, is not on {platform.node()}: start it "
                "in a folder that all machines share"
            )
        if why := self._environment_lacks():
            return False, why
        begun = datetime.now(timezone.utc).isoformat(timespec="seconds")
        words = [word.replace(ATTEMPT, str(self._out)) for word in self._step.words]
        before = time.monotonic()
        status = self._guarded(words)
        self.seconds = time.monotonic() - before
        lack = _checked(why_incomplete, self._step, self._out)
        if lack is None:
            with contextlib.suppress(OSError):  # what is complete is not lost with its record
                self._write(words, begun, status, None)
            return self._put()
        if status in {-signal.SIGKILL, -signal.SIGTERM}:
            time.sleep(_DYING_S)
        why = cause(self.log, status, lack=lack, environment=self._step.environment)
        self._write(words, begun, status, why)
        return False, why

    def _environment_lacks(self) -> str | None:
        """Make the step's environment, if it is not there; why that failed."""
        if self._step.environment is None:
            return None
        from lmms_eval_ja.models.environments import State, environment

        if environment(self._step.environment).state() is State.READY:
            return None
        # A process of its own, under guard as well: it takes minutes, and must not outlive us either.
        status = self._guarded([sys.executable, "-c", _MAKE, self._step.environment])
        if status == 0:
            return None
        return cause(self.log, status, lack=f"the environment {self._step.environment} could not be made")

    def _guarded(self, words: list[str]) -> int:
        with self.log.open("a", encoding="utf-8") as log:
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            log.write(f"# {now} on {platform.node()}\n# {clean(shlex.join(words), 20_000)}\n")
        with Guarded(words, log=self.log, environ=self._environ, folder=self._folder) as command:
            self._started(command)
            return command.wait()

    def _put(self) -> tuple[bool, str | None]:
        """Rename what is complete to the step's folder, unless another attempt has put its own there."""
        if not is_there(self._step.folder):
            try:
                self._out.rename(self._step.folder)
            except OSError:
                if not is_there(self._step.folder):
                    raise
            else:
                return True, None
        return True, f"another attempt was faster, and is kept; what this one wrote stays in {self._out}"

    def _write(self, words: list[str], begun: str, status: int, why: str | None) -> None:
        record = {
            "words": words,
            "host": platform.node(),
            "started": begun,
            "seconds": round(self.seconds, 3),
            "status": status,
            "cause": why,
        }
        self._record.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _checked(why_incomplete: WhyIncomplete, step: Step, out: Path) -> str | None:
    try:
        return why_incomplete(step, out)
    except Exception as error:  # whatever a half-written file makes of it: the step is not complete
        return clean(f"what it wrote cannot be read: {type(error).__name__}: {error}")
