"""Where a step goes and in what order steps start."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lmms_eval_ja.compare.schedule import Machine, Room, expected_minutes, in_order, played
from lmms_eval_ja.compare.step import Step


def step(run: str, gpus: int = 1, minutes: float | None = None, **facts) -> Step:
    return Step(run, "generate", ("true",), Path("/runs") / run / "answers", gpus=gpus, minutes=minutes, **facts)


def machine(gpus: float, cpus: float = 64, memory_gb: float = 512) -> Machine:
    return Machine(f"{gpus} GPUs", gpus, cpus, memory_gb)


def test_the_fullest_machine_that_has_room_is_taken():
    room = Room({"large": machine(8), "small": machine(2)})
    assert room.place(step("a")) == "small"
    assert room.place(step("b", 2)) == "large"
    assert room.place(step("c")) == "small"
    assert room.place(step("d")) == "large"
    assert room.place(step("e", 6)) is None
    room.release(step("b", 2), "large")
    assert room.place(step("e", 6)) == "large"


def test_processors_and_memory_count_too():
    room = Room({"one": machine(4, cpus=2, memory_gb=100)})
    assert room.place(step("a", memory_gb=60)) == "one"
    assert room.place(step("b", memory_gb=60)) is None
    assert room.place(step("c", cpus=2)) is None
    assert room.place(step("d", gpus=0)) == "one"
    assert room.place(step("e")) is None


def test_a_machine_to_be_avoided_is_the_last_resort():
    room = Room({"one": machine(1), "two": machine(1), "large": machine(4)})
    assert room.place(step("a"), avoid={"one"}) == "two"
    assert room.place(step("b", 4), avoid={"large"}) == "large"
    # All others are full: it waits for them rather than going where one was lost.
    assert room.place(step("c"), avoid={"one"}) is None


def test_machines_that_come_and_go():
    room = Room({"one": machine(1), "two": machine(1)})
    assert room.place(step("a")) == "one"
    room.renew({"two": machine(1), "three": machine(1)})
    room.release(step("a"), "one")
    assert {room.place(step("b")), room.place(step("c"))} == {"two", "three"}
    assert room.place(step("d")) is None


def test_unknown_minutes_are_the_median_of_the_known():
    steps = [step("a", minutes=10), step("b"), step("c", minutes=30), step("d", minutes=100)]
    assert expected_minutes(steps) == [10, 30, 30, 100]
    assert expected_minutes([step("a"), step("b")]) == [1, 1]


def test_longest_first():
    steps = [step("short", minutes=10), step("long", minutes=60), step("unknown")]
    assert in_order(steps, {"one": machine(2)}) == [1, 2, 0]


def test_wide_ones_first_where_that_ends_earlier():
    steps = [step("a", 2, minutes=20), step("b", 3, minutes=20), step("c", minutes=30), step("d", 2, minutes=30)]
    one = {"one": machine(4)}
    # Longest first: d and c from 0 to 30, then b until 50, beside which a finds one GPU only: until 70.
    assert played(steps, [3, 2, 1, 0], one) == 70
    # Widest first: b and c from 0, d from 20 to 50, a from 30, when c ends, to 50.
    assert played(steps, [1, 3, 0, 2], one) == 50
    assert in_order(steps, one) == [1, 3, 0, 2]


def test_of_orders_that_end_together_longest_first_is_taken():
    # Four GPUs. Longest first: 60, 50, 50, 50 at once, the fourth of 50 until 100, the wide one until 140.
    # Widest first: 40, then 60, 50, 50, 50, and the fourth from 90 until 140.
    steps = [step("a", minutes=60), step("wide", 4, minutes=40), *(step(f"s{n}", minutes=50) for n in range(4))]
    one = {"one": machine(4)}
    assert played(steps, [0, 2, 3, 4, 5, 1], one) == played(steps, [1, 0, 2, 3, 4, 5], one) == 140
    assert in_order(steps, one) == [0, 2, 3, 4, 5, 1]


@pytest.mark.parametrize("seed", range(20))
def test_close_to_what_no_order_can_beat(seed):
    chance = random.Random(seed)  # noqa: S311 (no secret)
    steps = [
        step(f"m{n}", chance.choice([1, 1, 1, 1, 1, 2, 2, 3, 4]), minutes=chance.uniform(5, 90)) for n in range(40)
    ]
    one = {"one": machine(8)}
    least = max(sum(one.gpus * one.minutes for one in steps) / 8, *(one.minutes for one in steps))
    assert played(steps, in_order(steps, one), one) <= 1.1 * least


def test_steps_that_fit_nowhere_do_not_matter():
    assert played([step("a", 16, minutes=5), step("b", minutes=7)], [0, 1], {"one": machine(8)}) == 7
    assert played([step("a")], [0], {}) == 0
