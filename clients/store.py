"""The store of judge replies: one SQLite file, content-addressed, shared by processes and ranks.

A rollback journal rather than WAL: WAL needs shared memory and so does not work on network file systems, where a
cluster's home folder usually is. Writes are grouped: what arrives while a commit is under way is committed together.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from pathlib import Path

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 60.0


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


_COLUMNS = tuple(f.name for f in fields(StoredReply))
_CREATE = f"CREATE TABLE replies ({', '.join(_COLUMNS)}, PRIMARY KEY (key)) WITHOUT ROWID"
_INSERT = f"INSERT OR IGNORE INTO replies VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 (no outside text)
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

    def get(self, key: str) -> StoredReply | None:
        """The reply stored under a key, or None."""
        with self._read_lock:
            row = self._reader.execute(f"{_SELECT} WHERE key = ?", (key,)).fetchone()
        return StoredReply(*row) if row else None

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
        self._thread.shutdown(wait=True)
        try:
            self._flush()  # rows whose write failed, or was cancelled by whoever waited for it
        finally:
            self._reader.close()
            self._writer.close()

    def _flush(self) -> None:
        with self._write_lock:
            rows, self._pending = self._pending, []
        try:
            with self._writer:
                self._writer.executemany(_INSERT, [astuple(row) for row in rows])
        except BaseException:
            with self._write_lock:  # for the next flush: nobody's row may be called stored when it is not
                self._pending = rows + self._pending
            raise

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version == 0:
                    connection.execute(_CREATE)
                    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
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
