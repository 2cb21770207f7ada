"""Carry out the steps of a comparison where there is room: on this machine, or on those of a Ray cluster.

Steps that take a GPU, and whatever else generates answers, are placed by Ray. Judging needs no GPU: it runs beside, on
the machine where this was started, where the key, the judge and the store of verdicts are; so the GPUs go on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Literal

from lmms_eval_ja.compare.attempt import Outcome, WhyIncomplete, attempt, is_there, last_log
from lmms_eval_ja.compare.cluster import Cluster, MachineLostError, PlacingError
from lmms_eval_ja.compare.guard import Guarded, GuardLostError
from lmms_eval_ja.compare.schedule import Machine, Room, in_order, needs
from lmms_eval_ja.compare.step import Step

__all__ = ["Event", "Outcome", "PlacingError", "WhyIncomplete", "carry_out"]

#: How the cause of a step begins that had no chance.
NOT_STARTED = "not started"
#: How often a step is tried again whose machine was lost.
RETRIES = 3
#: Judge steps at once, unless told otherwise: each of them has many requests in flight.
JUDGING = 2
#: A machine that lost a step gets no other for so long, where there are others.
_REST_S = 30.0
#: How often it is looked which machines there are.
_LOOK_S = 2.0
#: Steps that fit on no machine that is left are given up after so long without any other running.
_PATIENCE_S = 60.0
#: What another machine wrote is waited for so long, on file systems that show it late.
_SHOWN_S = 60.0


@dataclass(frozen=True)
class Event:
    """Something that happened to a step.

    Attributes:
        kind: "retry" is for steps whose machine was lost.
        step: as it was given.
        text: where it started, why it failed or is tried again.
        outcome: of a step that has ended.
    """

    kind: Literal["started", "finished", "failed", "retry"]
    step: Step
    text: str = ""
    outcome: Outcome | None = None


def carry_out(
    steps: Sequence[Step],
    *,
    address: str | None = None,
    gpus: int | None = None,
    report: Callable[[Event], None] = lambda _: None,
    why_incomplete: WhyIncomplete,
    judging: int = JUDGING,
) -> list[Outcome]:
    """Carry out steps, longest first; those whose folder exists are done. None stops the others.

    Whatever ends this process ends everything that was started: an interrupt (Ctrl-C, SIGTERM, SIGHUP) as well as
    SIGKILL. The same call later goes on.

    Args:
        steps: each with a folder of its own. One with `after` starts when that folder is there.
        address: of a Ray cluster that this machine belongs to; None is this machine alone.
        gpus: how many of this machine's to use, without an address; None for all.
        report: is told what happens, in this thread.
        why_incomplete: what lacks of a step's results in a folder, None if nothing; a function at a module's top level.
        judging: how many judge steps run at once.

    Returns:
        What came of each step, in the order of the steps.

    Raises:
        PlacingError: Ray is not installed or cannot be reached, or a step needs more than any machine has. Nothing has
            started then.
    """
    with _signals_raise():
        return _Course(steps, report, why_incomplete, max(judging, 1)).run(address, gpus)


class _Course:
    """The steps on their way: waiting, running, ended."""

    def __init__(
        self, steps: Sequence[Step], report: Callable[[Event], None], why_incomplete: WhyIncomplete, judging: int
    ) -> None:
        self._given = list(steps)
        self._steps = [_rooted(step) for step in steps]
        self._report, self._why_incomplete, self._judging = report, why_incomplete, judging
        self._outcomes: dict[int, Outcome] = {}
        self._waiting: list[int] = []
        self._running: dict[Future[Outcome], tuple[int, str | None]] = {}
        self._lost = dict.fromkeys(range(len(steps)), 0)
        self._resting: dict[str, float] = {}
        self._folder = Path.cwd()
        self._makers = {step.folder: place for place, step in enumerate(self._steps)}
        if len(self._makers) < len(steps):
            raise PlacingError("two steps have the same folder: each needs one of its own")

    def run(self, address: str | None, gpus: int | None) -> list[Outcome]:
        """All of it."""
        for place, step in enumerate(self._steps):
            if is_there(step.folder):
                self._outcomes[place] = Outcome(self._given[place], complete=True)
            else:
                self._waiting.append(place)
        with contextlib.ExitStack() as stack:
            cluster = None
            if any(not _is_beside(self._steps[place]) for place in self._waiting):
                cluster = stack.enter_context(Cluster(address, gpus))
            room = Room(cluster.machines() if cluster else {})
            self._check_needs(room.machines)
            self._order(room.machines)
            beside = stack.enter_context(_Beside(self._judging))
            stack.enter_context(_signals_raise())  # again: Ray has set handlers of its own
            self._loop(cluster, room, beside)
        return [self._outcomes[place] for place in range(len(self._given))]

    def _check_needs(self, machines: Mapping[str, Machine]) -> None:
        for place in self._waiting:
            step = self._steps[place]
            if _is_beside(step) or any(machine.fits(step) for machine in machines.values()):
                continue
            memory = f", {step.memory_gb:g} GB" if step.memory_gb else ""
            offered = "; ".join(
                f"{machine.name}: {machine.gpus:g} GPUs, {machine.cpus:g} CPUs, {machine.memory_gb:.0f} GB"
                for machine in machines.values()
            )
            raise PlacingError(
                f"{step.name} needs {step.gpus} GPUs, {step.cpus} CPUs{memory}, which no machine has ({offered}): "
                "leave it out, or run it where there are more"
            )

    def _order(self, machines: Mapping[str, Machine]) -> None:
        beside = [place for place in self._waiting if _is_beside(self._steps[place])]
        placed = [place for place in self._waiting if not _is_beside(self._steps[place])]
        self._waiting = [placed[n] for n in in_order([self._steps[place] for place in placed], machines)] + beside

    def _loop(self, cluster: Cluster | None, room: Room, beside: _Beside) -> None:
        looked = idle_since = time.monotonic()
        while self._waiting or self._running:
            self._drop()
            self._start(cluster, room, beside)
            now = time.monotonic()
            if self._running:
                idle_since = now
            elif now - idle_since > _PATIENCE_S:
                self._give_up()
                continue
            elif self._waiting:
                time.sleep(min(_LOOK_S, 0.2))
            done, _ = wait(self._running, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            for future in done:
                place, machine = self._running.pop(future)
                if machine is not None:
                    room.release(self._steps[place], machine)
                self._settle(place, machine, future)
            if cluster is not None and now - looked > _LOOK_S:
                looked = now
                room.renew(cluster.machines())

    def _start(self, cluster: Cluster | None, room: Room, beside: _Beside) -> None:
        """Start whatever has room and what it needs."""
        full: set[tuple[float, ...]] = set()
        resting = {machine for machine, until in self._resting.items() if until > time.monotonic()}
        for place in tuple(self._waiting):
            step = self._steps[place]
            if not self._is_ready(step):
                continue
            if _is_beside(step):
                if beside.free:
                    future = beside.submit(step, self._why_incomplete, self._folder)
                    self._started(place, future, None, "here")
            elif cluster is not None and needs(step) not in full:
                if (machine := room.place(step, resting)) is None:
                    full.add(needs(step))
                    continue
                future = cluster.submit(step, machine, self._why_incomplete, self._folder)
                self._started(place, future, machine, f"on {room.machines[machine].name}")

    def _started(self, place: int, future: Future[Outcome], machine: str | None, where: str) -> None:
        self._waiting.remove(place)
        self._running[future] = (place, machine)
        self._report(Event("started", self._given[place], where))

    def _is_ready(self, step: Step) -> bool:
        if step.after is None:
            return True
        maker = self._makers.get(step.after)
        return maker in self._outcomes if maker is not None else is_there(step.after)

    def _settle(self, place: int, machine: str | None, future: Future[Outcome]) -> None:
        """Note what came of a step, or put it back where its machine was lost."""
        try:
            outcome = replace(future.result(), step=self._given[place])
        except (MachineLostError, GuardLostError) as error:
            self._lost[place] += 1
            if machine is not None:
                self._resting[machine] = time.monotonic() + _REST_S
            if self._lost[place] <= RETRIES:
                self._waiting.insert(0, place)
                self._report(Event("retry", self._given[place], f"{error}; try {self._lost[place] + 1}"))
                return
            why = f"its machine or worker was lost {self._lost[place]} times: {error}"
            outcome = Outcome(self._given[place], complete=False, cause=why, log=last_log(self._steps[place]))
        self._end(place, outcome)

    def _end(self, place: int, outcome: Outcome) -> None:
        self._outcomes[place] = outcome
        kind: Literal["finished", "failed"] = "finished" if outcome.complete else "failed"
        self._report(Event(kind, self._given[place], outcome.cause or "", outcome))

    def _drop(self) -> None:
        """Leave out steps whose `after` will not come."""
        for place in tuple(self._waiting):
            after = self._steps[place].after
            if after is None:
                continue
            maker = self._makers.get(after)
            if maker is None:
                why = "" if is_there(after) else f"{after} is not there, and no step makes it"
            else:
                made = self._outcomes.get(maker)
                why = f"{self._given[maker].name} failed" if made is not None and not made.complete else ""
            if why:
                self._waiting.remove(place)
                self._end(place, Outcome(self._given[place], complete=False, cause=f"{NOT_STARTED}: {why}"))
                self._drop()
                return

    def _give_up(self) -> None:
        for place in tuple(self._waiting):
            self._waiting.remove(place)
            why = f"{NOT_STARTED}: no machine that is left has enough GPUs, CPUs and memory for it"
            self._end(place, Outcome(self._given[place], complete=False, cause=why))


class _Beside:
    """The steps that run on this machine beside Ray, each watched by a thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="lmms-eval-ja-step")
        self._lock = threading.Lock()
        self._guarded: list[Guarded] = []
        self._futures: list[Future[Outcome]] = []
        self._stopping = False

    @property
    def free(self) -> bool:
        """Whether another step may start."""
        return sum(not future.done() for future in self._futures) < self._most

    def submit(self, step: Step, why_incomplete: WhyIncomplete, folder: Path) -> Future[Outcome]:
        """Start a step."""
        future = self._pool.submit(self._attempt, step, why_incomplete, folder)
        self._futures.append(future)
        return future

    def __enter__(self) -> _Beside:  # noqa: PYI034 (Self is of Python 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._stopping = True
            for guarded in self._guarded:
                guarded.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _attempt(self, step: Step, why_incomplete: WhyIncomplete, folder: Path) -> Outcome:
        if step.after is not None:
            _wait_until_shown(step.after)
        environ = os.environ | {"PYTHONUNBUFFERED": "1"}
        return attempt(step, why_incomplete, environ=environ, folder=folder, started=self._keep)

    def _keep(self, guarded: Guarded) -> None:
        with self._lock:
            self._guarded.append(guarded)
            if self._stopping:
                guarded.stop()


def _is_beside(step: Step) -> bool:
    """Whether a step runs on this machine, beside Ray."""
    return step.kind == "judge" and not step.gpus


def _rooted(step: Step) -> Step:
    after = None if step.after is None else Path(os.path.abspath(step.after))  # noqa: PTH100 (links stay as they are)
    return replace(step, folder=Path(os.path.abspath(step.folder)), after=after)  # noqa: PTH100


def _wait_until_shown(folder: Path) -> None:
    deadline = time.monotonic() + _SHOWN_S
    while not is_there(folder) and time.monotonic() < deadline:
        time.sleep(0.2)


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Let the signals that end a process raise SystemExit meanwhile, as Ctrl-C raises KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    # nohup has SIGHUP ignored; that stays.
    ours = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in ours:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
