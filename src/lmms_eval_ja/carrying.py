"""Carrying out the runs of a comparison: one process at a time on a folder, and each run's record kept."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lmms_eval_ja.clients.whole_file import whole_file
from lmms_eval_ja.compare.attempt import RECORD, Outcome, attempt
from lmms_eval_ja.compare.faults import ComparisonError
from lmms_eval_ja.compare.placing import NOT_STARTED, Event, carry_out
from lmms_eval_ja.compare.plan import Plan, Run
from lmms_eval_ja.compare.record import read_record, record_of, update_record
from lmms_eval_ja.compare.state import State, Status, status, why_incomplete

_log = logging.getLogger(__name__)
#: Name of the file's copy in the output.
COPY = "comparison.yaml"
_LOCK = ".lock"


def carry_out_runs(
    plan: Plan,
    states: Sequence[Status],
    *,
    retry_failed: bool,
    address: str | None,
    gpus: int | None,
    report: Callable[[Event], None],
) -> list[Outcome]:
    """Carry out what is left of runs, by Ray; those that failed before only if that is wished.

    Raises:
        ComparisonError: another process is at work on the folder or on a run.
        PlacingError: Ray is not there, or a step fits on no machine.
    """
    wanted = [s.run for s in states if s.state is not State.DONE and (retry_failed or s.state is not State.FAILED)]
    by_id = {run.id: run for run in wanted}

    def told(event: Event) -> None:
        if event.outcome is not None:
            # What is complete is read from the folders: a record that cannot be written stops no other run.
            try:
                note(by_id[event.step.run], event.outcome)
            except OSError as error:
                _log.warning("%s: its record could not be written: %s", event.step.run, error)
        report(event)

    with contextlib.ExitStack() as stack:
        stack.enter_context(_locked(plan.comparison.output, "a comparison"))
        for run in wanted:
            stack.enter_context(_locked(run.folder, f"run {run.id}"))
            _check(run)  # again: another process may have gone on with it meanwhile
        refresh(plan, [state.run for state in states])
        for run in wanted:
            update_record(run.folder, failed=None, **_course(run))
        if not wanted:
            return []
        steps = [step for run in wanted for step in run.steps]
        return carry_out(steps, address=address, gpus=gpus, report=told, why_incomplete=why_incomplete)


def carry_out_here(plan: Plan, run: Run, report: Callable[[str], None]) -> Outcome:
    """Carry out the steps of one run on this machine, without Ray; gives the outcome of the last that was tried.

    Raises:
        ComparisonError: another process is at work on the run.
    """
    with _locked(run.folder, f"run {run.id}"):
        _check(run)
        if not (plan.comparison.output / COPY).exists():
            _copy(plan)
        update_record(run.folder, **record_of(run), failed=None)
        for step in run.steps:
            report(f"{step.name}: " + ("done before" if step.folder.exists() else "started"))
            outcome = attempt(step, why_incomplete, environ=os.environ)
            note(run, outcome)
            if not outcome.complete:
                break
        return outcome


def refresh(plan: Plan, runs: Sequence[Run]) -> None:
    """Keep the file as it is now, and what it says of runs (label, licence, marks), which may have changed since."""
    _copy(plan)
    for run in runs:
        update_record(run.folder, **record_of(run))


def _check(run: Run) -> None:
    """Raise ComparisonError if what is there was made otherwise than the file says."""
    if refused := status(run).refused:
        raise ComparisonError(f"{run.id}: {refused}")


def note(run: Run, outcome: Outcome) -> None:
    """Write what came of a step into the run's record. What was never started is no failure of the run."""
    failed = None
    started = outcome.attempt or not (outcome.cause or "").startswith(NOT_STARTED)
    if not outcome.complete and started:
        log = None if outcome.log is None else os.path.relpath(outcome.log, run.folder)
        failed = {"kind": outcome.step.kind, "cause": outcome.cause, "log": log}
    elif not outcome.complete:
        failed = read_record(run.folder).get("failed")
    update_record(run.folder, failed=failed, **_course(run))


def _course(run: Run) -> dict[str, Any]:
    """The seconds of each step that is complete and its number of attempts, as the attempts' folders tell of them.

    What was killed before it could be noted is counted too.
    """
    seconds, attempts = {}, {}
    for step in run.steps:
        folders = list((run.folder / "attempts").glob(f"{step.kind}-*"))
        if folders:
            attempts[step.kind] = len(folders)
        took = [took for folder in folders if (took := _seconds(folder)) is not None]
        if step.folder.exists() and took:
            seconds[step.kind] = took[-1]
    return {"seconds": seconds, "attempts": attempts}


def _seconds(folder: Path) -> float | None:
    """How long an attempt took that was complete and whose results were put in their place."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return None if record["cause"] is not None or (folder / "out").exists() else float(record["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextlib.contextmanager
def _locked(folder: Path, what: str) -> Iterator[None]:
    """Be the only one at work on a folder.

    Raises:
        ComparisonError: somebody else is, or the folder cannot be made.
    """
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ComparisonError(
            f"{what} is at work on {folder} already (another `lmms-eval-ja compare`): wait for it, or end it first"
        ) from None
    except OSError as error:
        raise ComparisonError(f"{folder}: {error.strerror or error}; state another output") from None
    try:
        yield
    finally:
        lock.release()


def _copy(plan: Plan) -> None:
    """Keep the file as it was last run."""
    source, copy = plan.comparison.path, plan.comparison.output / COPY
    copy.parent.mkdir(parents=True, exist_ok=True)
    if not copy.exists() or not copy.samefile(source):
        with whole_file(copy) as partial:
            shutil.copyfile(source, partial)
