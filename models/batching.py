"""Which documents are answered together, how many at a time, and what is prepared ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from lmms_eval_ja.models.arguments import AUTO


class Work(Protocol):
    """Something to be answered; `alone` says that it shares a batch with nothing."""

    alone: bool

    @property
    def group(self) -> Hashable:
        """Only work of one group shares a batch."""

    @property
    def length(self) -> int:
        """For sorting, in any unit."""


W = TypeVar("W", bound=Work)
P = TypeVar("P")


class BatchSize:
    """How many at a time: as stated, or `auto`, which doubles while it fits. Out of memory halves either for good."""

    def __init__(self, stated: int | str, largest: int) -> None:
        self._grows = stated == AUTO
        self._largest = largest
        self.size = 1 if self._grows else int(stated)

    def fitted(self, count: int) -> None:
        """So many fitted into memory."""
        if self._grows and count == self.size:
            self.size = min(2 * self.size, self._largest)

    def ran_out(self, count: int) -> None:
        """So many did not."""
        self._grows = False
        self.size = max(1, min(self.size, count // 2))


class WorkQueue(Generic[W]):
    """Work in groups, the longest of each group first, so that what does not fit shows early."""

    def __init__(self, work: Iterable[W]) -> None:
        groups: dict[Hashable, list[W]] = {}
        for one in work:
            groups.setdefault(one.group, []).append(one)
        self._groups = deque(deque(sorted(group, key=lambda w: -w.length)) for group in groups.values())

    def next(self, size: int) -> list[W]:
        """The next batch, left in place; empty at the end."""
        while self._groups and not self._groups[0]:
            self._groups.popleft()
        if not self._groups:
            return []
        batch: list[W] = []
        for one in self._groups[0]:
            if len(batch) == size or (one.alone and batch):
                break
            batch.append(one)
            if one.alone:
                break
        return batch

    def take(self, batch: Sequence[W]) -> None:
        """Remove what `next` gave."""
        for _ in batch:
            self._groups[0].popleft()

    def give_back(self, batch: Sequence[W]) -> None:
        """Put a batch in front again."""
        if batch:
            self._groups.appendleft(deque(batch))


class Ahead(Generic[W, P]):
    """Prepares the next batch in a thread while this one is answered; a context manager."""

    def __init__(self, prepare: Callable[[Sequence[W]], P]) -> None:
        self._prepare = prepare
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._next: tuple[Sequence[W], Future[P]] | None = None

    def __enter__(self) -> Ahead[W, P]:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def start(self, batch: Sequence[W]) -> None:
        """Begin to prepare a batch."""
        if batch:
            self._next = batch, self._thread.submit(self._prepare, batch)

    def take(self, batch: Sequence[W]) -> P:
        """A batch prepared; what its preparation raises is raised here."""
        started, self._next = self._next, None
        if started is not None and [*map(id, started[0])] == [*map(id, batch)]:
            return started[1].result()
        return self._thread.submit(self._prepare, batch).result()
