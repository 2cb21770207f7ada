"""What is asked through the Batch API: batches and their requests, in the file of the replies.

Every step of a batch is recorded here before the next one is done, so that whoever comes back, also after a kill, goes
on from there. States of a batch: planned (nothing has been sent), uploaded (its file is at the provider), created (the
provider works on it), and then one that lasts: collected, failed (the provider refused it as a whole) or cancelled.
States of a request: open, stored, failed (one attempt), unasked (its batch ended before).
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from lmms_eval_ja.clients.chat import ChatError, ChatReply
from lmms_eval_ja.clients.store import Claim, Store, StoredReply, insert

State = Literal["planned", "uploaded", "created", "collected", "failed", "cancelled"]
#: So often a request is sent in batches; a request that a content filter stopped is sent once.
MOST_ATTEMPTS = 3
#: How long a batch belongs to who works on it, without news; longer than one call to the provider may take.
LEASE_S = 3600.0


@dataclass(frozen=True)
class Planned:
    """A request that is to be asked: its key, and what is stored of it with the reply."""

    key: str
    protocol: str
    messages: str


@dataclass(frozen=True)
class Batch:
    """A batch as it is recorded; `address` holds no user info, `reason` says why one ended early."""

    id: str
    state: State
    provider_id: str | None
    file_id: str | None
    model: str
    address: str
    created: float
    reason: str | None
    owner: Claim
    open: int
    stored: int
    failed: int
    unasked: int

    @property
    def is_open(self) -> bool:
        """Whether replies may still come of it."""
        return self.state in {"planned", "uploaded", "created"} and not self.is_forgotten

    @property
    def is_forgotten(self) -> bool:
        """Whether whoever planned it has gone before anything was sent."""
        return self.state == "planned" and not self.owner.lives

    @property
    def name(self) -> str:
        """The provider's id where there is one."""
        return self.provider_id or self.id


class Ledger:
    """The batches of a store. Any number of processes may use one file at the same time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def plan(self, model: str, address: str, requests: Sequence[Planned]) -> tuple[str, set[str]]:
        """Record a new batch of those requests that nobody has asked for or is asking for.

        Returns:
            Its id and the keys that are in it; a batch without any is not recorded.
        """
        id_ = secrets.token_hex(8)

        def work(connection: sqlite3.Connection) -> set[str]:
            _forget(connection)
            found = self._store.look_up(connection, [request.key for request in requests])
            free = {request.key: request for request in requests if request.key not in found}
            if free:
                lease = self._store.lease(LEASE_S)
                connection.execute(
                    "INSERT INTO batches VALUES (?, 'planned', NULL, NULL, ?, ?, ?, NULL, ?, ?, ?, ?)",
                    (id_, model, address, time.time(), lease.owner, lease.machine, lease.pid, lease.deadline),
                )
                connection.executemany(
                    "INSERT INTO batch_requests VALUES (?, ?, 'open', ?, ?, NULL, NULL)",
                    [(request.key, id_, request.protocol, request.messages) for request in free.values()],
                )
            return set(free)

        return id_, self._store.transaction(work)

    def take(self, batch: Batch) -> bool:
        """Become the owner of an uploaded batch, if it is still as it was read; False when another has it."""
        lease = self._store.lease(LEASE_S)
        return self._update(
            "owner = ?, machine = ?, pid = ?, deadline = ? WHERE id = ? AND state = ? AND owner = ?",
            *(lease.owner, lease.machine, lease.pid, lease.deadline),
            *(batch.id, batch.state, batch.owner.owner),
        )

    def uploaded(self, id_: str, file_id: str) -> Batch | None:
        """Record that the file is at the provider; None when the batch is another's by now."""
        lease = self._store.lease(LEASE_S)
        change = "state = 'uploaded', file_id = ?, deadline = ? WHERE id = ? AND state = 'planned' AND owner = ?"
        if not self._update(change, file_id, lease.deadline, id_, lease.owner):
            return None
        return next(batch for batch in self.batches() if batch.id == id_)

    def created(self, batch: Batch, provider_id: str) -> Batch:
        """Record that the provider has the batch, under this id of its own; the batch as it is now."""
        change = "state = 'created', provider_id = ? WHERE id = ? AND state = 'uploaded'"
        self._update(change, provider_id, batch.id)
        return replace(batch, state="created", provider_id=provider_id)

    def end(
        self, batch: Batch, state: State, results: Mapping[str, ChatReply | ChatError], reason: str | None = None
    ) -> int:
        """Store what came of a batch, and close it; what has been closed already stays as it is.

        Args:
            batch: the one that has ended.
            state: "collected"; or "failed" or "cancelled", and then what has no result was not attempted.
            results: replies and errors by key; those of other keys are ignored.
            reason: why it ended early.

        Returns:
            The number of new replies.
        """
        absent = ChatError("transport", "the batch ended without a line for this request")

        def work(connection: sqlite3.Connection) -> int:
            update = "UPDATE batches SET state = ?, reason = ? WHERE id = ? AND state = ?"
            if not connection.execute(update, (state, reason, batch.id, batch.state)).rowcount:
                return 0
            replies: list[StoredReply] = []
            outcomes: list[tuple[str | None, ...]] = []
            for request in _open_requests(connection, batch.id):
                result = results.get(request.key, absent)
                if isinstance(result, ChatReply):
                    replies.append(_stored(result, request, batch))
                    outcomes.append(("stored", None, None, request.key, batch.id))
                else:
                    attempted = state == "collected" or result.kind == "filter"
                    outcome = "failed" if attempted else "unasked"
                    outcomes.append((outcome, result.kind, str(result), request.key, batch.id))
            insert(connection, replies)
            update = "UPDATE batch_requests SET state = ?, kind = ?, reason = ?, messages = NULL"
            connection.executemany(f"{update} WHERE key = ? AND batch = ?", outcomes)
            return len(replies)

        return self._store.transaction(work)

    def failures(self, keys: Sequence[str]) -> dict[str, ChatError]:
        """Those requests that are sent in no batch any more, and why."""

        def work(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
            attempts = []
            for key in keys:
                attempts += connection.execute(_SELECT_ATTEMPTS, (key,)).fetchall()
            return attempts

        attempts: dict[str, list[tuple[str, str]]] = {}
        for key, kind, reason in self._store.transaction(work):
            attempts.setdefault(key, []).append((kind, reason))
        return {key: failure for key, own in attempts.items() if (failure := _final(own)) is not None}

    def let_go(self) -> None:
        """Leave unfinished what this store has begun: others need not wait until the lease is over."""
        self._update("deadline = 0 WHERE owner = ? AND state IN ('planned', 'uploaded')", self._store.lease(0).owner)

    def batches(self) -> list[Batch]:
        """All batches, the oldest first."""

        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(_SELECT).fetchall()

        return [_batch(row) for row in self._store.transaction(work)]

    def _update(self, change: str, *values: object) -> bool:
        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(f"UPDATE batches SET {change}", values).rowcount  # noqa: S608 (no outside text)

        return self._store.transaction(work) > 0


_RECORDED = tuple(f.name for f in fields(Batch) if f.name != "owner")
_COUNTS = ", ".join(f"sum(r.state = '{state}')" for state in ("open", "stored", "failed", "unasked"))
_SELECT = (
    "SELECT owner, machine, pid, deadline, b.id, b.state, provider_id, file_id, model, address, created, b.reason, "  # noqa: S608
    f"{_COUNTS} FROM batches b JOIN batch_requests r ON r.batch = b.id GROUP BY b.id ORDER BY created, b.id"
)
_SELECT_ATTEMPTS = (
    "SELECT r.key, r.kind, r.reason FROM batch_requests r JOIN batches b ON b.id = r.batch "
    "WHERE r.key = ? AND r.state = 'failed' ORDER BY b.created"
)


def _batch(row: Sequence[Any]) -> Batch:
    return Batch(owner=Claim(*row[:4]), **dict(zip(_RECORDED, row[4:], strict=True)))


def _final(attempts: Sequence[tuple[str, str]]) -> ChatError | None:
    """What the attempts (kind and reason, in order) come to, when there shall be no other."""
    kind, reason = attempts[-1]
    if kind == "filter":
        return ChatError("filter", reason)
    return ChatError("transport", f"{reason} (in {len(attempts)} batches)") if len(attempts) >= MOST_ATTEMPTS else None


def _open_requests(connection: sqlite3.Connection, id_: str) -> list[Planned]:
    query = "SELECT key, protocol, messages FROM batch_requests WHERE batch = ? AND state = 'open'"
    return [Planned(*row) for row in connection.execute(query, (id_,))]


def _stored(reply: ChatReply, request: Planned, batch: Batch) -> StoredReply:
    return StoredReply.of(
        reply,
        key=request.key,
        protocol=request.protocol,
        asked_model=batch.model,
        messages=request.messages,
        batch=True,
    )


def _forget(connection: sqlite3.Connection) -> None:
    """Delete what was planned by somebody who has gone; nothing of it was sent."""
    query = "SELECT id, owner, machine, pid, deadline FROM batches WHERE state = 'planned'"
    for id_, *owner in connection.execute(query).fetchall():
        if not Claim(*owner).lives:
            connection.execute("DELETE FROM batches WHERE id = ?", (id_,))
            connection.execute("DELETE FROM batch_requests WHERE batch = ?", (id_,))
