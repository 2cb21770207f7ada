"""Replies that leave a store and come in: export to files, merging, pruning."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from lmms_eval_ja.clients.store import Store, StoredReply
from lmms_eval_ja.clients.store_reader import CHUNK, ExchangeError, Selection, StoreReader
from lmms_eval_ja.clients.whole_file import whole_file

#: So many conflicts and bad rows of a file are named; the others are counted.
LISTED = 20
#: Shorter values of key variables are stand-ins ("EMPTY", "token-abc123"), which may well occur in a text.
SHORTEST_KEY = 16
REMOVED = "[key removed]"
#: What names of variables that hold secrets have in common; `api_key_env` of the settings comes on top.
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)

_HINTS = get_type_hints(StoredReply)
_COLUMNS = tuple(f.name for f in fields(StoredReply))
_ROW: type[BaseModel] = create_model(
    "Row",
    __config__=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False),
    **{name: (hint, getattr(StoredReply, name, ...)) for name, hint in _HINTS.items()},  # type: ignore[call-overload]
)
#: Two replies under one key are the same when these are; time, usage and the protocol's version may differ.
_CONTENT = ("asked_model", "model", "messages", "content", "finish_reason", "refusal")
_LARGEST_INTEGER = 2**63 - 1  # SQLite's and Parquet's
_LAST_TIME = 253_402_300_799  # 9999-12-31, the last day that datetime knows


@dataclass(frozen=True)
class BadRow:
    """A row that is no reply: where it stands and what is wrong with it."""

    path: Path
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, row {self.number}: {self.reason}"


@dataclass
class Exported:
    """What an export did. `redacted` rows held a key of the environment, `bad` rows were left out."""

    rows: int = 0
    redacted: int = 0
    bad: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)


@dataclass
class Merged:
    """What one file brought. `conflicts` (keys) and `bad_rows` name the first `LISTED` of those that were counted."""

    new: int = 0
    known: int = 0
    conflicting: int = 0
    bad: int = 0
    conflicts: list[str] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)


def secrets_of(environ: Mapping[str, str], *more: str | None) -> list[str]:
    """Values of the environment that look like keys by their names, and `more` of them; the longest first."""
    found = {value.strip() for name, value in environ.items() if _SECRET_NAME.search(name)}
    found |= {value for value in more if value}
    return sorted(found, key=lambda value: (-len(value), value))  # a key that begins with another one goes first


def export(store: Path, out: Path, chosen: Selection, *, secrets: Sequence[str] = (), force: bool = False) -> Exported:
    """Write the chosen replies to a `.jsonl` or `.parquet` file, a row each, in the order of their keys.

    The file appears when it is complete. Should a server have echoed one of the `secrets`, `REMOVED` stands for it.

    Raises:
        ExchangeError: `out` exists and `force` is not given, or has another ending; the store cannot be read, or the
            file not be written.
    """
    writers = {".jsonl": _write_jsonl, ".parquet": _write_parquet}
    if out.suffix not in writers:
        raise ExchangeError(f"{out}: expected a name that ends in {' or '.join(writers)}")
    if out.exists() and store.exists() and out.samefile(store):
        raise ExchangeError(f"{out} is the store itself")
    if out.exists() and not force:
        raise ExchangeError(f"{out} exists; see --force")
    done = Exported()
    secrets = [secret for secret in secrets if len(secret) >= SHORTEST_KEY]
    try:
        with StoreReader(store) as reader, whole_file(out) as partial:
            writers[out.suffix](partial, _outgoing(reader, chosen, secrets, done))
    except OSError as error:
        raise ExchangeError(f"{out} cannot be written: {error}") from None
    return done


def pick(store: Path, keys: Sequence[str], *, secrets: Sequence[str] = ()) -> dict[str, StoredReply]:
    """The replies of a store under these keys, as far as they are there and can be read, without `secrets`.

    Raises:
        ExchangeError: the store cannot be read.
    """
    found: dict[str, StoredReply] = {}
    secrets = [secret for secret in secrets if len(secret) >= SHORTEST_KEY]
    with StoreReader(store) as reader:
        for rows in reader.under(keys):
            replies = _checked(store, enumerate(rows, 1))
            found |= {reply.key: _without(reply, secrets) for reply in replies if isinstance(reply, StoredReply)}
    return found


def replies_of(path: Path, lines: Iterable[bytes]) -> Iterator[StoredReply | BadRow]:
    """The replies in the lines of an export (`.jsonl`); `path` names it in what is said of bad rows."""
    return _checked(path, _jsonl_rows(lines))


def merge(store: Store, source: Path) -> Merged:
    """Take the replies of another store or of an export into this one. What is there already stays as it is.

    Raises:
        ExchangeError: the file is neither, is damaged, or is the store itself; or the store cannot be written. The
            replies before a damaged place are kept.
    """
    if source.exists() and source.samefile(store.path):
        raise ExchangeError(f"{source} is the store itself")
    merged = Merged()
    chunk: dict[str, StoredReply] = {}
    try:
        for reply in _checked(source, _rows(source)):
            if isinstance(reply, BadRow):
                merged.bad += 1
                _list(merged.bad_rows, reply)
                continue
            there = chunk.get(reply.key) or store.get(reply.key)
            if there is None:
                merged.new += 1
                chunk[reply.key] = reply
                if len(chunk) == CHUNK:
                    _put(store, chunk)
            elif all(getattr(there, name) == getattr(reply, name) for name in _CONTENT):
                merged.known += 1
            else:
                merged.conflicting += 1
                _list(merged.conflicts, reply.key)
    except ExchangeError as error:
        _put(store, chunk)
        raise ExchangeError(f"{error} ({merged.new} new replies before that were kept)") from None
    _put(store, chunk)
    return merged


def prune(store: Store, chosen: Selection) -> int:
    """Delete the chosen replies; returns how many there were.

    Raises:
        ExchangeError: the store cannot be read or written.
    """
    try:
        with StoreReader(store.path) as reader:
            return sum(store.delete([row["key"] for row in rows]) for rows in reader.chunks(chosen))
    except sqlite3.Error as error:
        raise ExchangeError(f"the store {store.path} cannot be written: {error}") from None


def _put(store: Store, chunk: dict[str, StoredReply]) -> None:
    """Write the replies, wait until they are on disk, and empty the chunk."""
    try:
        for future in [store.put(reply) for reply in chunk.values()]:
            future.result()
    except sqlite3.Error as error:
        raise ExchangeError(f"the store {store.path} cannot be written: {error}") from None
    chunk.clear()


def _list(listed: list[Any], entry: object) -> None:
    if len(listed) < LISTED:
        listed.append(entry)


def _outgoing(
    reader: StoreReader, chosen: Selection, secrets: Sequence[str], done: Exported
) -> Iterator[list[StoredReply]]:
    """Chunks of checked replies without secrets; counts into `done`."""
    number = 0
    for rows in reader.chunks(chosen):
        replies = []
        for reply in _checked(reader.path, enumerate(rows, number + 1)):
            if isinstance(reply, BadRow):
                done.bad += 1
                _list(done.bad_rows, reply)
                continue
            safe = _without(reply, secrets)
            done.redacted += safe != reply
            replies.append(safe)
        number += len(rows)
        done.rows += len(replies)
        yield replies


def _without(reply: StoredReply, secrets: Sequence[str]) -> StoredReply:
    texts: dict[str, Any] = {name: value for name, value in asdict(reply).items() if isinstance(value, str)}
    for secret in secrets:
        texts = {name: text.replace(secret, REMOVED) for name, text in texts.items()}
    return replace(reply, **texts)


def _write_jsonl(path: Path, chunks: Iterator[list[StoredReply]]) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        for chunk in chunks:
            file.writelines(json.dumps(asdict(reply), ensure_ascii=False) + "\n" for reply in chunk)


def _write_parquet(path: Path, chunks: Iterator[list[StoredReply]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, types[(get_args(hint) or (hint,))[0]]) for name, hint in _HINTS.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        for chunk in chunks:
            writer.write_table(pa.Table.from_pylist([asdict(reply) for reply in chunk], schema=schema))


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Row numbers, from 1, and rows of a store or an export; a row that cannot be read is a ValueError in its place."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise ExchangeError(f"{path} cannot be read: {error.strerror}") from None
    if start == b"SQLite format 3\x00":
        with StoreReader(path) as reader:
            yield from enumerate((row for rows in reader.chunks(Selection()) for row in rows), 1)
    elif start.startswith(b"PAR1"):
        yield from enumerate(_parquet_rows(path), 1)
    elif path.suffix == ".jsonl":
        with path.open("rb") as file:
            yield from _jsonl_rows(file)
    else:
        raise ExchangeError(f"{path} is neither a store (SQLite) nor an export (.jsonl, .parquet)")


def _jsonl_rows(lines: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, ValueError(f"no JSON: {error}")


def _parquet_rows(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with closing(parquet.ParquetFile(path)) as file:
            for batch in file.iter_batches(batch_size=CHUNK):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ExchangeError(f"{path} cannot be read: {error}") from None


def _checked(path: Path, rows: Iterator[tuple[int, Any]]) -> Iterator[StoredReply | BadRow]:
    for number, row in rows:
        try:
            yield _reply(row)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            yield BadRow(path, number, ": ".join([*map(str, first["loc"]), first["msg"]]))
        except ValueError as error:
            yield BadRow(path, number, str(error))


def _reply(row: object) -> StoredReply:
    if isinstance(row, ValueError):
        raise row
    reply = StoredReply(**_ROW.model_validate(row).model_dump())
    if not reply.key:
        raise ValueError("key: empty")
    for name, value in vars(reply).items():
        try:
            str(value).encode()
        except UnicodeEncodeError:
            raise ValueError(f"{name}: no valid Unicode") from None
    for name, largest in {
        "prompt_tokens": _LARGEST_INTEGER,
        "completion_tokens": _LARGEST_INTEGER,
        "seconds": float("inf"),
        "created": _LAST_TIME,
    }.items():
        if not 0 <= (getattr(reply, name) or 0) <= largest:
            raise ValueError(f"{name}: out of range")
    return reply
