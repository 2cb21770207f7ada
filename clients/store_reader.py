"""Reading a store of replies from outside: by a connection of its own, in chunks, beside a run that writes to it.

A store may hold more than fits into memory: its rows come in the order of the keys, and nothing is locked between two
chunks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lmms_eval_ja.clients.schema import SCHEMA_VERSION
from lmms_eval_ja.clients.store import BUSY_TIMEOUT_S, StoredReply

if TYPE_CHECKING:
    from typing_extensions import Self

#: Rows that are read at a time.
CHUNK = 500
_COLUMNS = tuple(f.name for f in fields(StoredReply))
_FLAGS = ("batch",)


class ExchangeError(Exception):
    """A file that cannot be read or written as asked; the message names it."""


@dataclass(frozen=True)
class Selection:
    """Which replies: all fields that are given must fit.

    Attributes:
        protocol: a name, for all its versions, or `name/version`.
        model: as asked or as the server reported it.
        before: seconds since 1970; replies older than that.
    """

    protocol: str | None = None
    model: str | None = None
    before: float | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self == Selection()

    def _condition(self) -> str:
        """The SQL condition; its named parameters are the fields."""
        parts = {
            "protocol": "(protocol = :protocol OR substr(protocol, 1, length(:protocol) + 1) = :protocol || '/')",
            "model": "(asked_model = :model OR model = :model)",
            "before": "created < :before",
        }
        return " AND ".join(["1", *(sql for name, sql in parts.items() if getattr(self, name) is not None)])


@dataclass(frozen=True)
class Group:
    """The replies of one protocol and one judge model; tokens of those replies whose usage is known."""

    protocol: str
    asked_model: str
    model: str
    replies: int
    prompt_tokens: int | None
    completion_tokens: int | None
    without_tokens: int
    first: float
    last: float


class StoreReader:
    """A store's file, only read. A context manager; use from one thread."""

    def __init__(self, path: Path) -> None:
        """Open a store that exists.

        Raises:
            ExchangeError: no store, a damaged one, or one of a newer version.
        """
        self.path = path
        # Not "mode=ro": a connection that may write rolls back what a killed process left half written.
        uri = f"file:{quote(str(path.absolute()))}?mode=rw"
        try:
            self._connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S)
        except sqlite3.Error as error:
            raise ExchangeError(f"{path} cannot be opened: {error}") from None
        # A text that is no UTF-8 shall be one bad row, not the end of all reading.
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        try:
            self._columns = self._check()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def chunks(self, chosen: Selection) -> Iterator[list[dict[str, Any]]]:
        """The rows as they are in the file, in the order of their keys."""
        sql = (
            f"SELECT {', '.join(self._columns)} FROM replies "  # noqa: S608 (names of fields only)
            f"WHERE key > CAST(:after AS TEXT) AND {chosen._condition()} ORDER BY key LIMIT {CHUNK}"  # noqa: SLF001
        )
        after = b""
        while rows := self._query(sql, asdict(chosen) | {"after": after}):
            yield [self._named(row) for row in rows]
            after = rows[-1][0].encode("utf-8", "surrogateescape")

    def under(self, keys: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        """The rows under these keys as they are in the file, in chunks; a key without a reply has none."""
        for start in range(0, len(keys), CHUNK):
            named = {f"key{n}": key for n, key in enumerate(keys[start : start + CHUNK])}
            places = ", ".join(f":{name}" for name in named)
            rows = self._query(
                f"SELECT {', '.join(self._columns)} FROM replies WHERE key IN ({places}) ORDER BY key",  # noqa: S608
                named,
            )
            yield [self._named(row) for row in rows]

    def count(self, chosen: Selection) -> int:
        """How many replies are chosen."""
        [(count,)] = self._query(f"SELECT count(*) FROM replies WHERE {chosen._condition()}", asdict(chosen))  # noqa: S608, SLF001
        return int(count)

    def groups(self, chosen: Selection) -> list[Group]:
        """Counts, tokens and dates of the chosen replies, by protocol and judge model."""
        sql = (
            "SELECT protocol, asked_model, model, count(*), sum(prompt_tokens), sum(completion_tokens), "  # noqa: S608
            "sum(prompt_tokens IS NULL OR completion_tokens IS NULL), min(created), max(created) FROM replies "
            f"WHERE {chosen._condition()} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"  # noqa: SLF001
        )
        return [Group(*row) for row in self._query(sql, asdict(chosen))]

    def latest(self, number: int) -> list[StoredReply]:
        """The newest replies, the newest first."""
        sql = f"SELECT {', '.join(self._columns)} FROM replies ORDER BY created DESC, key LIMIT :number"  # noqa: S608
        return [StoredReply(**self._named(row)) for row in self._query(sql, {"number": number})]

    def _named(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """A row by the names of its columns; SQLite has no booleans."""
        named = dict(zip(self._columns, row, strict=True))
        return named | {name: bool(named[name]) for name in _FLAGS if named.get(name) in {0, 1}}

    def _check(self) -> list[str]:
        """Our columns that the table has; a store of an older version may lack some."""
        self._query("PRAGMA query_only = ON")
        [(version,)] = self._query("PRAGMA user_version")
        there = {row[1] for row in self._query("PRAGMA table_info(replies)")}
        if not there:
            raise ExchangeError(f"{self.path} is no store of replies")
        if version > SCHEMA_VERSION:
            raise ExchangeError(f"{self.path} was written by a newer lmms-eval-ja (schema {version}): upgrade")
        return [name for name in _COLUMNS if name in there]

    def _query(self, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, values or {}).fetchall()
        except sqlite3.Error as error:
            raise ExchangeError(f"{self.path} cannot be read: {error}") from None
