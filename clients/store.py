"""The store of judge replies: one SQLite file, content-addressed, shared by processes and ranks.

A rollback journal rather than WAL: WAL needs shared memory and so does not work on network file systems, where a
cluster's home folder usually is. Writes are grouped: what arrives while a commit is under way is committed together.

Before a process asks for a reply it claims the key, so that several processes with one store send no request twice. A
claim is believed for `LEASE_S` and renewed while its owner lives: of a killed process at most that long, and not at
all where its death can be seen, on the same machine. Machines that share a store need clocks that agree to seconds.
"""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path

SCHEMA_VERSION = 2
BUSY_TIMEOUT_S = 60.0
#: How long a claim is believed without news of its owner.
LEASE_S = 30.0
#: Fewer than the variables that any SQLite takes in one statement.
_AT_ONCE = 500


@dataclass(frozen=True)
class StoredReply:
    """A reply as it came, with what it cost. `key` is `ChatRequest.key()`; `messages` is JSON, images as hashes."""

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


#: A reply, or who is asking for it.
Found = StoredReply | Claim
#: The open stores of this process.
_owners: set[str] = set()

_COLUMNS = tuple(f.name for f in fields(StoredReply))
_CREATE_REPLIES = f"CREATE TABLE replies ({', '.join(_COLUMNS)}, PRIMARY KEY (key)) WITHOUT ROWID"
_CREATE_CLAIMS = "CREATE TABLE claims (key, owner, machine, pid, deadline, PRIMARY KEY (key)) WITHOUT ROWID"
#: What makes each version of the schema out of the one before.
_MIGRATIONS = {1: _CREATE_REPLIES, 2: _CREATE_CLAIMS}
_INSERT = f"INSERT OR IGNORE INTO replies VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 (no outside text)
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
        return StoredReply(*row) if row else None

    def find(self, keys: Sequence[str]) -> Future[dict[str, Found]]:
        """Look keys up on the store's reading thread: replies, and the live claims of others where there is none."""
        return self._read_thread.submit(self._find, keys)

    def claim(self, keys: Sequence[str]) -> Future[dict[str, Found]]:
        """Claim the keys that have neither reply nor live claim of another: those that are not in the result."""
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

    def __len__(self) -> int:
        with self._read_lock:
            return int(self._reader.execute("SELECT count(*) FROM replies").fetchone()[0])

    def __iter__(self) -> Iterator[StoredReply]:
        with self._read_lock:
            rows = self._reader.execute(f"{_SELECT} ORDER BY created, key").fetchall()
        return (StoredReply(*row) for row in rows)

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
                self._writer.executemany(_INSERT, [astuple(row) for row in rows])
                self._writer.executemany("DELETE FROM claims WHERE key = ?", [(row.key,) for row in rows])
        except BaseException:
            with self._write_lock:  # for the next flush: nobody's row may be called stored when it is not
                self._pending = rows + self._pending
            raise

    def _find(self, keys: Sequence[str]) -> dict[str, Found]:
        with self._read_lock:
            return self._look_up(self._reader, keys)

    def _look_up(self, connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, Found]:
        found: dict[str, Found] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            rows = connection.execute(f"{_SELECT} WHERE key IN ({_places(some)})", some)
            found |= {row[0]: StoredReply(*row) for row in rows}
            if missing := [key for key in some if key not in found]:
                rows = connection.execute(f"{_SELECT_CLAIMS} WHERE key IN ({_places(missing)})", missing)
                claims = {row[0]: Claim(*row[1:]) for row in rows}
                found |= {key: one for key, one in claims.items() if one.owner != self._owner and one.lives}
        return found

    def _claim(self, keys: Sequence[str]) -> dict[str, Found]:
        self._has_claimed = True
        mine = (self._owner, _machine(), os.getpid(), time.time() + LEASE_S)
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")  # from the look to the claim nobody else writes
            found = self._look_up(self._writer, keys)
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
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                for step in range(version + 1, SCHEMA_VERSION + 1):
                    connection.execute(_MIGRATIONS[step])
                    connection.execute(f"PRAGMA user_version = {step}")
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
