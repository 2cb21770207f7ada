"""Which documents go together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from lmms_eval_ja.models.batching import Ahead, BatchSize, WorkQueue


@dataclass(eq=False)
class Work:
    name: str
    length: int
    group: str = "g"
    alone: bool = False


def names(batch: Sequence[Work]) -> str:
    return "".join(work.name for work in batch)


def drained(queue: WorkQueue[Work], size: int) -> list[str]:
    batches = []
    while batch := queue.next(size):
        queue.take(batch)
        batches.append(names(batch))
    return batches


def test_the_longest_of_a_group_comes_first_and_groups_do_not_mix() -> None:
    work = [Work("a", 1), Work("b", 3), Work("x", 9, "h"), Work("c", 2)]
    assert drained(WorkQueue(work), 2) == ["bc", "a", "x"]


def test_equal_lengths_keep_their_order() -> None:
    assert drained(WorkQueue([Work("a", 1), Work("b", 1), Work("c", 1)]), 3) == ["abc"]


def test_work_that_goes_alone() -> None:
    work = [Work("a", 4), Work("b", 3, alone=True), Work("c", 2), Work("d", 1)]
    assert drained(WorkQueue(work), 4) == ["a", "b", "cd"]


def test_what_is_given_back_comes_next() -> None:
    queue = WorkQueue([Work("a", 4), Work("b", 3), Work("c", 2), Work("d", 1)])
    queue.take(batch := queue.next(3))
    queue.give_back(batch)
    queue.give_back([])
    assert drained(queue, 2) == ["ab", "c", "d"]


def test_auto_doubles_while_it_fits_and_halves_for_good() -> None:
    size, seen = BatchSize("auto", 16), []
    for _ in range(6):
        seen.append(size.size)
        size.fitted(size.size)
    assert seen == [1, 2, 4, 8, 16, 16]
    size.ran_out(16)
    size.fitted(8)
    assert size.size == 8
    size.ran_out(8)
    assert size.size == 4


def test_a_batch_that_was_not_full_says_nothing_about_growing() -> None:
    size = BatchSize("auto", 16)
    size.fitted(1)
    size.fitted(1)
    assert size.size == 2


def test_a_stated_size_shrinks_only() -> None:
    size = BatchSize(6, 64)
    size.fitted(6)
    assert size.size == 6
    size.ran_out(6)
    size.ran_out(1)
    assert size.size == 1


def test_the_next_batch_is_prepared_in_another_thread() -> None:
    a, b = [Work("a", 1)], [Work("b", 1)]
    prepared: list[tuple[str, str]] = []

    def prepare(batch: Sequence[Work]) -> str:
        prepared.append((names(batch), threading.current_thread().name))
        return names(batch)

    with Ahead(prepare) as ahead:
        ahead.start(a)
        assert ahead.take(a) == "a"
        ahead.start(a)
        assert ahead.take(b) == "b"  # another batch than expected: what was begun is dropped
        ahead.start([])
    assert [name for name, _ in prepared] == ["a", "a", "b"]
    assert all(thread.startswith("prepare") for _, thread in prepared)


def test_what_preparation_raises_is_raised_where_the_batch_is_taken() -> None:
    def prepare(batch: Sequence[Work]) -> str:
        raise KeyError(names(batch))

    with Ahead(prepare) as ahead:
        ahead.start(work := [Work("a", 1)])
        with pytest.raises(KeyError, match="a"):
            ahead.take(work)
