"""The store of judge replies: one SQLite file, content-addressed, shared by processes and ranks.

A rollback journal rather than WAL: WAL needs shared memory and so does not work on network file systems, where a
cluster's home folder usually is. Writes are grouped: what arrives while a commit is under way is committed together.

Before a process asks for a reply it claims the key, so that several processes with one store send no request twice. A
claim is believed for `LEASE_S` and renewed while its owner lives: of a killed process at most that long, and not at
all where its death can be seen, on the same machine. Machines that share a store need clocks that agree to seconds.

What is asked through the Batch API has its tables here too (`clients/ledger.py`), so that it survives whoever asked.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lmms_eval_ja.clients.schema import SCHEMA_VERSION, migrate

if TYPE_CHECKING:
    from typing_extensions import Self

    from lmms_eval_ja.clients.chat import ChatReply, ChatRequest

BUSY_TIMEOUT_S = 60.0
#: How long a claim is believed without news of its owner.
LEASE_S = 30.0
#: Fewer than the variables that any SQLite takes in one statement.
_AT_ONCE = 500
_T = TypeVar("_T")


@dataclass(frozen=True)
class StoredReply:
    """A reply as it came, with what it cost. `key` is `ChatRequest.key()`; `messages` is JSON, images as hashes.

    `batch` says that it came through the Batch API, at its price; its `seconds` are then 0.
    """

    key: str
    protocol: str
    asked_model: str
    model: str
    messages: str
    content: str | None
    finish_reason: str | None
    refusal: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float
    created: float
    batch: bool = False

    @classmethod
    def of(
        cls, reply: ChatReply, *, key: str, protocol: str, asked_model: str, messages: str, batch: bool = False
    ) -> Self:
        """A reply that has just come, as it is stored; `messages` is `messages_text` of the request."""
        return cls(
            key=key,
            protocol=protocol,
            asked_model=asked_model,
            model=storable(reply.model) or "",
            messages=messages,
            content=storable(reply.content),
            finish_reason=storable(reply.finish_reason),
            refusal=storable(reply.refusal),
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            seconds=reply.seconds,
            created=time.time(),
            batch=batch,
        )


@dataclass(frozen=True)
class Claim:
    """Who is asking for a reply. `owner` is of one open store; `machine` says where `pid` is a number to look up."""

    owner: str
    machine: str
    pid: int
    deadline: float

    @property
    def lives(self) -> bool:
        """Whether the owner may still be asking."""
        if self.deadline < time.time():
            return False
        if self.machine != _machine():
            return True
        return self.owner in _owners if self.pid == os.getpid() else _is_running(self.pid)


@dataclass(frozen=True)
class InBatch:
    """A reply is awaited from a batch that is still open: its id in this store."""

    batch: str


#: A reply, or who is asking for it.
Found = StoredReply | Claim | InBatch
#: The open stores of this process.
_owners: set[str] = set()

_COLUMNS = tuple(f.name for f in fields(StoredReply))
_INSERT = f"INSERT OR IGNORE INTO replies VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 (no outside text)
#: A plan whose owner has gone was never sent, so it holds nothing back.
_SELECT_BATCHED = (
    "SELECT r.key, b.id, b.state, b.owner, b.machine, b.pid, b.deadline FROM batch_requests r "
    "JOIN batches b ON b.id = r.batch WHERE r.state = 'open'"
)
_SELECT_CLAIMS = "SELECT key, owner, machine, pid, deadline FROM claims"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM replies"  # noqa: S608 (no outside text)


class Store:
    """Replies by key. Thread-safe; any number of processes may use one file at the same time."""

    def __init__(self, path: Path) -> None:
        """Open or create the store.

        A file that SQLite calls damaged is renamed to `<name>.damaged-<time>`; `set_aside` then holds its new path.

        Raises:
            OSError: the folder cannot be made or written.
            ValueError: the file was written by a newer version.
        """
        self.path = path
        self.set_aside: Path | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._reader = self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise OSError(f"the store {path} cannot be opened: {error}") from error
            self.set_aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
            path.rename(self.set_aside)
            self._reader = self._open()
        self._writer = self._open()  # a connection of its own: reading does not wait for a commit
        self._read_lock, self._write_lock = threading.Lock(), threading.Lock()
        self._pending: list[StoredReply] = []
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lmms-eval-ja-store")
        self._read_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lmms-eval-ja-store-reader")
        self._has_claimed = False
        self._owner = secrets.token_hex(8)
        _owners.add(self._owner)

    def get(self, key: str) -> StoredReply | None:
        """The reply stored under a key, or None."""
        with self._read_lock:
            row = self._reader.execute(f"{_SELECT} WHERE key = ?", (key,)).fetchone()
        return _reply(row) if row else None

    def find(self, keys: Sequence[str]) -> Future[dict[str, Found]]:
        """Look keys up on the store's reading thread: replies, else live claims of others, else open batches."""
        return self._read_thread.submit(self._find, keys)

    def claim(self, keys: Sequence[str]) -> Future[dict[str, Found]]:
        """Claim the keys that have neither reply nor live claim nor open batch: those that are not in the result."""
        return self._thread.submit(self._claim, keys)

    def renew(self) -> Future[None]:
        """Say that this store's claims are meant still."""
        update = "UPDATE claims SET deadline = ? WHERE owner = ?"
        return self._thread.submit(self._execute, update, time.time() + LEASE_S, self._owner)

    def release(self, key: str) -> Future[None]:
        """Take a claim back: no reply will come."""
        return self._thread.submit(self._execute, "DELETE FROM claims WHERE key = ? AND owner = ?", key, self._owner)

    def put(self, reply: StoredReply) -> Future[None]:
        """Store a reply; the future is done when it is on disk. A key that is there already stays as it is."""
        with self._write_lock:
            self._pending.append(reply)
        return self._thread.submit(self._flush)

    def transaction(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do several things that take effect together or not at all, after the writes that were asked for before.

        Args:
            work: is given the connection, inside a transaction in which nobody else writes.
        """

        def in_turn() -> _T:
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                return work(self._writer)

        return self._thread.submit(in_turn).result()

    def lease(self, seconds: float) -> Claim:
        """A claim by this store from now on, for what is claimed elsewhere than among the keys."""
        return Claim(self._owner, _machine(), os.getpid(), time.time() + seconds)

    def __len__(self) -> int:
        with self._read_lock:
            return int(self._reader.execute("SELECT count(*) FROM replies").fetchone()[0])

    def __iter__(self) -> Iterator[StoredReply]:
        with self._read_lock:
            rows = self._reader.execute(f"{_SELECT} ORDER BY created, key").fetchall()
        return (_reply(row) for row in rows)

    def close(self) -> None:
        """Write what is pending and close the file."""
        self._read_thread.shutdown(wait=True)
        self._thread.shutdown(wait=True)
        try:
            self._flush()  # rows whose write failed, or was cancelled by whoever waited for it
            if self._has_claimed:
                with suppress(sqlite3.OperationalError):  # then they end by themselves
                    self._execute("DELETE FROM claims WHERE owner = ?", self._owner)
        finally:
            _owners.discard(self._owner)
            self._reader.close()
            self._writer.close()

    def _flush(self) -> None:
        with self._write_lock:
            rows, self._pending = self._pending, []
        if not rows:
            return
        try:
            with self._writer:
                insert(self._writer, rows)
        except BaseException:
            with self._write_lock:  # for the next flush: nobody's row may be called stored when it is not
                self._pending = rows + self._pending
            raise

    def _find(self, keys: Sequence[str]) -> dict[str, Found]:
        with self._read_lock:
            return self.look_up(self._reader, keys)

    def look_up(self, connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, Found]:
        """What is there of these keys: see `find`, for use inside a `transaction`."""
        found: dict[str, Found] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            rows = connection.execute(f"{_SELECT} WHERE key IN ({_places(some)})", some)
            found |= {row[0]: _reply(row) for row in rows}
            if missing := [key for key in some if key not in found]:
                rows = connection.execute(f"{_SELECT_CLAIMS} WHERE key IN ({_places(missing)})", missing)
                claims = {row[0]: Claim(*row[1:]) for row in rows}
                found |= {key: one for key, one in claims.items() if one.owner != self._owner and one.lives}
                rows = connection.execute(f"{_SELECT_BATCHED} AND r.key IN ({_places(missing)})", missing)
                found |= {row[0]: InBatch(row[1]) for row in rows if row[2] != "planned" or Claim(*row[3:]).lives}
        return found

    def _claim(self, keys: Sequence[str]) -> dict[str, Found]:
        self._has_claimed = True
        mine = astuple(self.lease(LEASE_S))
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")  # from the look to the claim nobody else writes
            found = self.look_up(self._writer, keys)
            free = [(key, *mine) for key in dict.fromkeys(keys) if key not in found]
            self._writer.executemany("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)", free)
        return found

    def _execute(self, statement: str, *values: object) -> None:
        with self._writer:
            self._writer.execute(statement, values)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                version = migrate(connection)
                if version <= SCHEMA_VERSION:
                    connection.execute("DELETE FROM claims WHERE deadline < ?", (time.time(),))
        except BaseException:
            connection.close()
            raise
        if version > SCHEMA_VERSION:
            connection.close()
            raise ValueError(
                f"the store {self.path} was written by a newer lmms-eval-ja (schema {version}, this one reads "
                f"{SCHEMA_VERSION}): upgrade, or name another file in LMMS_EVAL_JA_STORE"
            )
        return connection

    def delete(self, keys: Sequence[str]) -> int:
        """Delete the replies under these keys, also those that are not yet written; returns how many there were."""

        def in_turn() -> int:
            with self._writer:
                return self._writer.executemany("DELETE FROM replies WHERE key = ?", [(key,) for key in keys]).rowcount

        return self._thread.submit(in_turn).result()  # after the writes that were asked for before


def insert(connection: sqlite3.Connection, rows: Sequence[StoredReply]) -> None:
    """Write replies, inside a transaction; nobody claims their keys any more."""
    connection.executemany(_INSERT, [astuple(row) for row in rows])
    connection.executemany("DELETE FROM claims WHERE key = ?", [(row.key,) for row in rows])


def messages_text(request: ChatRequest) -> str:
    """The messages of a request as they are stored."""
    return storable(json.dumps(request.messages, ensure_ascii=False)) or ""


def storable(text: str | None) -> str | None:
    """A text that SQLite and JSON files take: lone surrogates, which a broken server may send, become '?'."""
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


def _reply(row: Sequence[Any]) -> StoredReply:
    return StoredReply(*[*row[:-1], bool(row[-1])])


def _places(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _machine() -> str:
    """Where a process's number means the same: the host and, on Linux, the container."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return f"{socket.gethostname()} {space}".strip()


def _is_running(pid: int) -> bool:
    """Whether a process lives; True where that cannot be seen. A killed one that nobody has fetched yet does not."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:1]
    except OSError:
        return True
    return state not in (["Z"], ["X"])
