"""Which step goes where, and in what order: pure bookkeeping, without Ray.

A step takes GPUs, processors and memory of one machine for as long as it runs. The order is fixed beforehand by the
minutes that the steps are expected to take; whenever room gets free, the first of those that fit starts.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from lmms_eval_ja.compare.step import Step


@dataclass(frozen=True)
class Machine:
    """What a machine offers in all; memory in GB."""

    name: str
    gpus: float
    cpus: float
    memory_gb: float

    def fits(self, step: Step) -> bool:
        """Whether a step can run there at all."""
        return step.gpus <= self.gpus and step.cpus <= self.cpus and (step.memory_gb or 0) <= self.memory_gb

    def with_(self, step: Step, times: int) -> Machine:
        """What there is with a step's room given back (1) or taken away (-1)."""
        return Machine(
            self.name,
            self.gpus + times * step.gpus,
            self.cpus + times * step.cpus,
            self.memory_gb + times * (step.memory_gb or 0),
        )


class Room:
    """What is free on machines, by their ids."""

    def __init__(self, machines: Mapping[str, Machine]) -> None:
        self.machines = dict(machines)
        self._free = dict(machines)

    def place(self, step: Step, avoid: Collection[str] = ()) -> str | None:
        """Take room for a step on the machine with the fewest free GPUs that has enough; None where none has.

        A machine to be avoided is taken only for a step that no other one can take, even when it is idle.
        """
        able = [id_ for id_, machine in self.machines.items() if machine.fits(step)]
        able = [id_ for id_ in able if id_ not in avoid] or able
        if not (fitting := [id_ for id_ in able if self._free[id_].fits(step)]):
            return None
        chosen = min(fitting, key=lambda id_: (self._free[id_].gpus, self._free[id_].cpus))
        self._free[chosen] = self._free[chosen].with_(step, -1)
        return chosen

    def release(self, step: Step, id_: str) -> None:
        """Give back the room of a step that has ended; of no matter on a machine that is gone."""
        if id_ in self._free:
            self._free[id_] = self._free[id_].with_(step, 1)

    def renew(self, machines: Mapping[str, Machine]) -> None:
        """Take in machines that came, and leave out those that went."""
        for id_, machine in machines.items():
            self._free.setdefault(id_, machine)
        self.machines = dict(machines)
        self._free = {id_: self._free[id_] for id_ in machines}


def needs(step: Step) -> tuple[float, ...]:
    """What a step takes: where one does not fit, none of the same needs does."""
    return step.gpus, step.cpus, step.memory_gb or 0


def in_order(steps: Sequence[Step], machines: Mapping[str, Machine]) -> list[int]:
    """The order in which steps are to start: places in the sequence.

    Longest first is what keeps the end short, as long as every step takes one GPU (R. L. Graham, Bounds on
    multiprocessing timing anomalies, 1969). Steps that take several fit better before the others. So a few rules are
    played through with the expected minutes, and the one that ends first is taken; of equals, longest first.
    """
    minutes = expected_minutes(steps)
    rules: list[Callable[[int], tuple[float, ...]]] = [
        lambda place: (-minutes[place], -steps[place].gpus),
        lambda place: (-steps[place].gpus, -minutes[place]),
        lambda place: (-minutes[place] * max(steps[place].gpus, 1), -steps[place].gpus),
    ]
    orders = [sorted(range(len(steps)), key=rule) for rule in rules]
    return min(orders, key=lambda order: played(steps, order, machines))


def expected_minutes(steps: Sequence[Step]) -> list[float]:
    """The minutes of each step; where they are unknown, the median of those that are known."""
    known = [step.minutes for step in steps if step.minutes is not None]
    usual = median(known) if known else 1.0
    return [usual if step.minutes is None else step.minutes for step in steps]


def played(steps: Sequence[Step], order: Sequence[int], machines: Mapping[str, Machine]) -> float:
    """The minutes until the last step would end, started in this order; steps that fit nowhere are left out."""
    minutes = expected_minutes(steps)
    room = Room(machines)
    waiting = [place for place in order if any(machine.fits(steps[place]) for machine in machines.values())]
    running: list[tuple[float, int, str]] = []
    now = 0.0
    while waiting or running:
        full = set()
        for place in tuple(waiting):
            if (step := needs(steps[place])) in full:
                continue
            if (id_ := room.place(steps[place])) is None:
                full.add(step)
                continue
            waiting.remove(place)
            heapq.heappush(running, (now + minutes[place], place, id_))
        now, place, id_ = heapq.heappop(running)
        room.release(steps[place], id_)
    return now
