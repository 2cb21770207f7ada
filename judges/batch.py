"""Filling the store through the Batch API: submit what verdicts need, come back, collect, submit what is needed then.

No verdict is made here. The questions of the verdicts are held against the store until each is answered or stands at
its first request without a reply; those requests go out. An unreadable reply makes its question give the next
request, which so goes into the next batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lmms_eval_ja.clients import ChatError, ChatRequest, JudgeSettings, Store, StoredReply, batch
from lmms_eval_ja.clients.batch import BatchClient, BatchStatus
from lmms_eval_ja.clients.budget import most_usd
from lmms_eval_ja.clients.ledger import Batch, Ledger, Planned, State
from lmms_eval_ja.clients.settings import without_userinfo
from lmms_eval_ja.clients.store import Claim, InBatch, messages_text
from lmms_eval_ja.judges.dialogue import questions
from lmms_eval_ja.judges.judge import Judge
from lmms_eval_ja.judges.protocols import Protocol
from lmms_eval_ja.judges.sample import Sample

#: Verdicts that are looked up in the store at a time.
_CHUNK = 512
Wanted = Sequence[tuple[Sample, Protocol]]


@dataclass(frozen=True)
class OpenBatch:
    """A batch that is waited for; `state`, `done` and `total` are as the provider says, None where it was not asked."""

    name: str
    model: str
    requests: int
    state: str | None = None
    done: int | None = None
    total: int | None = None


@dataclass
class Filled:
    """What was done, and what is still to come.

    Attributes:
        submitted: names of the new batches, and their numbers of requests.
        collected: new replies.
        open: batches that hold requests which are needed.
        ended: batches that ended early, and why; nothing more was submitted then.
        elsewhere: requests that another process is asking right now.
        left: requests that failed too often, or that a content filter stopped, and why (of one of them).
        over_budget: requests that were not submitted because of the budget.
    """

    submitted: dict[str, int] = field(default_factory=dict)
    collected: int = 0
    open: list[OpenBatch] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    elsewhere: int = 0
    left: int = 0
    left_because: str = ""
    over_budget: int = 0

    @property
    def is_waiting(self) -> bool:
        """Whether something is still to come."""
        return bool(self.open or self.elsewhere)

    @property
    def is_through(self) -> bool:
        """Whether batches can bring nothing more."""
        return not (self.is_waiting or self.ended or self.over_budget)


@dataclass(frozen=True)
class Waiting:
    """How to wait until all is there: pauses between two looks, in seconds, and who is told at each."""

    first_s: float = 5.0
    longest_s: float = 60.0
    report: Callable[[Filled], None] = lambda _: None


def fill(
    wanted: Wanted, judge: Judge, store: Path, *, waiting: Waiting | None = None, budget_usd: float | None = None
) -> Filled:
    """Bring the store nearer to all replies that these verdicts need, from those judges whose mode is "batch".

    Collects what has come back, then submits what is needed and in no open batch. With `waiting`, again and again
    until nothing more is to come.

    Args:
        wanted: samples with the protocol that judges them.
        judge: a judge, or a jury.
        store: the file of the store.
        waiting: how to wait; None: not at all.
        budget_usd: what the batches submitted here may cost at most.

    Raises:
        ChatError: the provider rejects the key, or does not answer in time; what was done before is kept.
    """
    return asyncio.run(_fill(wanted, judge, store, waiting, budget_usd))


async def _fill(wanted: Wanted, judge: Judge, path: Path, waiting: Waiting | None, budget_usd: float | None) -> Filled:
    members = [member for member in judge.each.values() if member.settings.mode == "batch"]
    pause = waiting.first_s if waiting else 0.0
    filled = Filled()
    with closing(Store(path)) as store:
        purse = _Purse(budget_usd)
        fillers = [_Filler(wanted, member, store, purse) for member in members]
        try:
            while True:
                filled.open, filled.elsewhere, filled.left, filled.over_budget = [], 0, 0, 0
                for filler in fillers:
                    await filler.step(filled)
                if waiting is None or not filled.is_waiting:
                    return filled
                waiting.report(filled)
                await asyncio.sleep(pause)
                pause = min(1.5 * pause, waiting.longest_s)
        finally:
            Ledger(store).let_go()
            for filler in fillers:
                await filler.client.close()


@dataclass(frozen=True)
class _Missing:
    """A request whose reply is needed next; `found` says who has asked for it, `failure` why nobody will."""

    key: str
    request: ChatRequest
    protocol: str
    found: Claim | InBatch | None
    failure: ChatError | None

    @property
    def planned(self) -> Planned:
        return Planned(self.key, self.protocol, messages_text(self.request))


@dataclass
class _Purse:
    """What the judges may still spend together; None: as much as it takes."""

    left_usd: float | None

    def pays(self, request: ChatRequest, settings: JudgeSettings) -> bool:
        """Whether there is room for the most that a request can cost, which is then set aside."""
        if self.left_usd is None:
            return True
        most = most_usd(request, settings, batch=True)
        if most > self.left_usd:
            return False
        self.left_usd -= most
        return True


class _Filler:
    """Fills a store with the replies of one judge."""

    def __init__(self, wanted: Wanted, judge: Judge, store: Store, purse: _Purse) -> None:
        self.client = BatchClient(judge.settings)
        self._wanted, self._settings, self._store = wanted, judge.settings, store
        self._ledger = Ledger(store)
        self._address = without_userinfo(judge.settings.base_url)
        self._purse = purse
        self._statuses: dict[str, BatchStatus] = {}

    async def step(self, filled: Filled) -> None:
        """Look after the open batches, then submit what is needed; counts into `filled`."""
        needed = {missing.found.batch for missing in self._missing() if isinstance(missing.found, InBatch)}
        for known in self._ledger.batches():
            if known.id in needed:
                try:
                    await self._look_after(known, filled)
                except ChatError as error:
                    raise ChatError(error.kind, f"batch {known.name}: {error}") from None
        in_batches = await self._submit(filled)
        for known in self._ledger.batches():
            if known.id in in_batches:
                filled.open.append(self._open(known))

    async def _look_after(self, known: Batch, filled: Filled) -> None:
        """Go on with a batch that somebody began, and collect it when it has ended."""
        if known.state == "planned" or known.address != self._address:
            return
        if known.state == "uploaded":
            if known.owner.lives or not self._ledger.take(known):
                return
            made = await self.client.find(known.id) or await self.client.create(known.file_id or "", known.id)
            known = self._ledger.created(known, made.id)
        status = await self.client.status(known.provider_id or "")
        if status is None:
            raise ChatError(
                "transport",
                f"the account of {self._settings.key_variable or 'this server'} has none of this name; use the key it "
                f"was made with, or give it up: `lmms-eval-ja verdicts batches cancel {known.name}`",
            )
        self._statuses[known.id] = status
        if status.has_ended:
            filled.collected += await collect(self.client, self._ledger, known, status)
            if status.state in {"failed", "cancelled"}:
                why = f": {status.reason}" if status.reason else ""
                filled.ended.append(f"batch {known.name} {status.state}{why}")

    async def _submit(self, filled: Filled) -> set[str]:
        """Submit what nobody has asked for; the batches that hold what is needed."""
        in_batches: set[str] = set()
        group: dict[str, tuple[Planned, bytes]] = {}
        size = 0
        for missing in self._missing():
            if isinstance(missing.found, InBatch):
                in_batches.add(missing.found.batch)
            elif missing.found is not None:
                filled.elsewhere += 1
            elif missing.failure is not None:
                filled.left, filled.left_because = filled.left + 1, str(missing.failure)
            elif not filled.ended and missing.key not in group:
                if not self._purse.pays(missing.request, self._settings):
                    filled.over_budget += 1
                    continue
                line = self.client.line(missing.request, missing.key)
                if group and (len(group) == batch.MOST_LINES or size + len(line) > batch.MOST_BYTES):
                    in_batches |= await self._send(group, filled)
                    group, size = {}, 0
                group[missing.key], size = (missing.planned, line), size + len(line)
        return in_batches | await self._send(group, filled)

    async def _send(self, group: dict[str, tuple[Planned, bytes]], filled: Filled) -> set[str]:
        """Submit a batch: what of it nobody else has taken by now."""
        planned = [planned for planned, _ in group.values()]
        id_, granted = self._ledger.plan(self._settings.model, self._address, planned)
        filled.elsewhere += len(planned) - len(granted)
        if not granted:
            return set()
        lines = b"".join(line for key, (_, line) in group.items() if key in granted)
        file_id = await self.client.upload(lines, id_)
        if (taken := self._ledger.uploaded(id_, file_id)) is not None:
            made = await self.client.create(file_id, id_)
            self._ledger.created(taken, made.id)
            self._statuses[id_] = made
            filled.submitted[made.id] = len(granted)
        return {id_}

    def _open(self, known: Batch) -> OpenBatch:
        status = self._statuses.get(known.id)
        if status is None:
            return OpenBatch(known.name, known.model, known.open)
        total = status.total or known.open  # the provider counts only after a look at the file
        return OpenBatch(known.name, known.model, known.open, status.state, status.done, total)

    def _missing(self) -> Iterator[_Missing]:
        """Each question's first request that has no reply in the store."""
        for start in range(0, len(self._wanted), _CHUNK):
            waiting = [
                (question, next(question), f"{protocol.name}/{protocol.version}")
                for sample, protocol in self._wanted[start : start + _CHUNK]
                for question in questions(sample, protocol, self._settings).values()
            ]
            while waiting:
                keys = [request.key() for _, request, _ in waiting]
                found = self._store.find(keys).result()
                failures = self._ledger.failures([key for key in keys if key not in found])
                answered = []
                for key, (question, request, protocol) in zip(keys, waiting, strict=True):
                    reply = found.get(key)
                    if not isinstance(reply, StoredReply):
                        yield _Missing(key, request, protocol, reply, failures.get(key))
                        continue
                    try:
                        answered.append((question, question.send(reply), protocol))
                    except StopIteration:  # it has its outcome
                        continue
                waiting = answered


async def collect(client: BatchClient, ledger: Ledger, known: Batch, status: BatchStatus) -> int:
    """Store what came of a batch that has ended; the number of new replies."""
    results = await client.results(status, known.model)
    ended: dict[str, State] = {"failed": "failed", "cancelled": "cancelled"}
    return ledger.end(known, ended.get(status.state, "collected"), results, status.reason)
