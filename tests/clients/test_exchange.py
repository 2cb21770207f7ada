from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tracemalloc
from contextlib import closing
from dataclasses import asdict, fields, replace

import pyarrow as pa
import pytest
from pyarrow import parquet

from lmms_eval_ja.clients import Store, StoredReply, exchange, store_reader
from lmms_eval_ja.clients.exchange import export, merge, prune
from lmms_eval_ja.clients.store_reader import ExchangeError, Group, Selection, StoreReader
from support.replies import REPLY as PLAIN

REPLY = replace(PLAIN, messages='[{"role": "user", "content": "採点\\n"}]', content="8 9\n理由 𠮷\u2028\x00\x1b[31m")
ALL = Selection()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(exchange, "CHUNK", 7)
    monkeypatch.setattr(store_reader, "CHUNK", 7)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "verdicts.sqlite"


def numbered(n: int, **changes) -> StoredReply:
    return replace(REPLY, key=f"{n:05d}", created=float(n), **changes)


def fill(path, *replies: StoredReply):
    with closing(Store(path)) as opened:
        for reply in replies:
            opened.put(reply)
    return path


def content(path) -> list[StoredReply]:
    with StoreReader(path) as reader:
        return [StoredReply(**row) for rows in reader.chunks(ALL) for row in rows]


def merged(path, source):
    with closing(Store(path)) as opened:
        return merge(opened, source)


def write(path, *rows) -> None:
    """JSON lines; a text is written as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


# --- reading a store ---


def test_chunks_are_bounded_and_hold_every_row_once(path):
    expected = [numbered(n) for n in range(30)]
    fill(path, *reversed(expected))
    with StoreReader(path) as reader:
        chunks = list(reader.chunks(ALL))
    assert [len(rows) for rows in chunks] == [7, 7, 7, 7, 2]
    assert [StoredReply(**row) for rows in chunks for row in rows] == expected


def test_others_write_between_two_chunks(path, monkeypatch):
    monkeypatch.setattr("lmms_eval_ja.clients.store.BUSY_TIMEOUT_S", 0.2)
    fill(path, *(numbered(n) for n in range(10)))
    with StoreReader(path) as reader, closing(Store(path)) as opened:
        chunks = reader.chunks(ALL)
        next(chunks)
        opened.put(numbered(99)).result(timeout=30)
        assert [row["key"] for row in next(chunks)] == ["00007", "00008", "00009", "00099"]


@pytest.mark.parametrize(
    ("chosen", "keys"),
    [
        (Selection(protocol="original"), "ab"),
        (Selection(protocol="original/2"), "b"),
        (Selection(protocol="orig"), ""),
        (Selection(model="asked"), "abc"),
        (Selection(model="snapshot"), "d"),
        (Selection(model="other"), "d"),
        (Selection(before=3.0), "ab"),
        (Selection("original", "asked", 2.0), "a"),
        (Selection(model="' OR 1 --"), ""),
        (ALL, "abcd"),
    ],
)
def test_a_selection(path, chosen, keys):
    fill(
        path,
        replace(REPLY, key="a", created=1.0),
        replace(REPLY, key="b", created=2.0, protocol="original/2"),
        replace(REPLY, key="c", created=3.0, protocol="original_like/1"),
        replace(REPLY, key="d", created=4.0, protocol="vqa_likert/1", asked_model="other", model="snapshot"),
    )
    with StoreReader(path) as reader:
        assert "".join(row["key"] for rows in reader.chunks(chosen) for row in rows) == keys
        assert reader.count(chosen) == len(keys)


def test_groups_and_latest(path):
    fill(path, *(numbered(n) for n in range(3)), replace(REPLY, key="x", model="new", completion_tokens=5))
    with StoreReader(path) as reader:
        assert reader.groups(ALL) == [
            Group("original/1", "asked", "new", 1, 12, 5, 0, REPLY.created, REPLY.created),
            Group("original/1", "asked", "served", 3, 36, None, 3, 0.0, 2.0),
        ]
        assert [reply.key for reply in reader.latest(2)] == ["x", "00002"]


def test_what_is_no_store(path):
    for bad in (b"", b"this is no database " * 500):
        path.write_bytes(bad)
        with pytest.raises(
            ExchangeError, match=r"verdicts\.sqlite (is no store of replies|cannot be read: file is not)"
        ):
            StoreReader(path)
        assert path.read_bytes() == bad
    path.unlink()
    with pytest.raises(ExchangeError, match="cannot be opened"):
        StoreReader(path)
    assert not path.exists()


def test_a_store_of_a_newer_version_is_refused(path):
    fill(path, REPLY)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 99")
    with pytest.raises(ExchangeError, match=r"newer lmms-eval-ja \(schema 99\)"):
        StoreReader(path)


_KILLED = """
import os, sqlite3, sys
raw = sqlite3.connect(sys.argv[1], isolation_level=None)
raw.execute("PRAGMA cache_size = 1")
raw.execute("BEGIN")
raw.execute("UPDATE replies SET content = 'half written'")
os._exit(9)
"""


def test_what_a_killed_process_left_half_written_is_rolled_back(path):
    replies = [numbered(n, content="8 9" * 500) for n in range(50)]
    fill(path, *replies)
    assert subprocess.run([sys.executable, "-c", _KILLED, path], check=False).returncode == 9
    assert path.with_name(path.name + "-journal").exists()
    assert content(path) == replies


# --- export ---


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_an_export_holds_every_field_and_comes_back_the_same(path, tmp_path, suffix):
    replies = [numbered(n, batch=n % 2 == 0) for n in range(20)]
    replies += [replace(REPLY, content=None, refusal="嫌だ", completion_tokens=3)]
    out = tmp_path / f"out{suffix}"
    done = export(fill(path, *replies), out, ALL)
    assert (done.rows, done.redacted, done.bad) == (21, 0, 0)
    if suffix == ".jsonl":
        rows = [json.loads(line) for line in out.read_bytes().splitlines()]
    else:
        rows = parquet.read_table(out).to_pylist()
    assert rows == [asdict(reply) for reply in replies]
    back = merged(tmp_path / "other.sqlite", out)
    assert (back.new, back.known, back.conflicting, back.bad) == (21, 0, 0, 0)
    assert content(tmp_path / "other.sqlite") == replies
    assert [entry.name for entry in tmp_path.glob("*partial*")] == []


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "sqlite"])
def test_what_an_older_version_wrote_knows_no_batches(path, tmp_path, kind):
    source, row = tmp_path / f"old.{kind}", asdict(REPLY)
    del row["batch"]
    if kind == "jsonl":
        write(source, row)
    elif kind == "parquet":
        parquet.write_table(pa.Table.from_pylist([row]), source)
    else:
        with closing(sqlite3.connect(source)) as old, old:
            old.execute(f"CREATE TABLE replies ({', '.join(row)}, PRIMARY KEY (key)) WITHOUT ROWID")
            old.execute(f"INSERT INTO replies VALUES ({', '.join('?' * len(row))})", tuple(row.values()))  # noqa: S608
            old.execute("PRAGMA user_version = 2")
    back = merged(path, source)
    assert (back.new, back.bad) == (1, 0)
    assert content(path) == [REPLY]
    assert content(path)[0].batch is False


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_an_empty_selection_is_a_file_without_rows(path, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    assert export(fill(path, REPLY), out, Selection(protocol="none")).rows == 0
    assert merged(tmp_path / "other.sqlite", out).new == 0


def test_an_export_never_goes_over_a_file_unasked(path, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("mine")
    with pytest.raises(ExchangeError, match=r"out\.jsonl exists; see --force"):
        export(fill(path, REPLY), out, ALL)
    assert out.read_text() == "mine"
    export(path, out, ALL, force=True)
    assert json.loads(out.read_text())["key"] == "k"
    odd = fill(tmp_path / "store.jsonl", REPLY)
    with pytest.raises(ExchangeError, match="is the store itself"):
        export(odd, odd, ALL, force=True)


def test_an_export_that_fails_leaves_the_old_file_and_no_part(path, tmp_path, monkeypatch):
    out = tmp_path / "out.jsonl"
    out.write_text("mine")
    fill(path, *(numbered(n) for n in range(20)))
    monkeypatch.setattr(StoreReader, "chunks", lambda *_: iter([[asdict(REPLY)], None]))
    with pytest.raises(TypeError):
        export(path, out, ALL, force=True)
    assert {entry.name for entry in tmp_path.iterdir()} == {"verdicts.sqlite", "out.jsonl"}
    assert out.read_text() == "mine"


def test_where_an_export_cannot_go(path, tmp_path):
    fill(path, REPLY)
    with pytest.raises(ExchangeError, match=r"ends in \.jsonl or \.parquet"):
        export(path, tmp_path / "out.csv", ALL)
    with pytest.raises(ExchangeError, match=r"out\.jsonl cannot be written: .*No such file"):
        export(path, tmp_path / "nowhere" / "out.jsonl", ALL)


def test_a_key_that_a_server_echoed_does_not_leave(path, tmp_path):
    key = "sk-a-key-that-nobody-may-see"
    fill(path, numbered(1), numbered(2, content=f"you sent {key}", model=key), numbered(3, content="EMPTY"))
    done = export(path, tmp_path / "out.jsonl", ALL, secrets=[key, "EMPTY", ""])
    assert (done.rows, done.redacted) == (3, 1)
    text = (tmp_path / "out.jsonl").read_text()
    assert key not in text
    assert "you sent [key removed]" in text
    assert '"EMPTY"' in text  # a stand-in for a key is a word like others


def test_a_damaged_row_of_the_store_is_left_out_and_named(path, tmp_path):
    fill(path, *(numbered(n) for n in range(10)))
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE replies SET content = CAST(x'ff41' AS TEXT) WHERE key = '00008'")
    done = export(path, tmp_path / "out.jsonl", ALL)
    assert (done.rows, done.bad) == (9, 1)
    assert str(done.bad_rows[0]).startswith(f"{path}, row 9: content: no valid Unicode")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_memory_does_not_grow_with_the_store(path, tmp_path, suffix):
    fill(path, *(numbered(n, content=f"{n}" * 5000) for n in range(400)))  # 10 MB
    export(path, tmp_path / f"warm{suffix}", Selection(before=0.0))  # imports
    tracemalloc.start()
    try:
        export(path, tmp_path / f"out{suffix}", ALL)
        export_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert export_peak < 3e6


# --- merge ---


def test_a_merge_keeps_what_is_there_and_names_what_differs(path, tmp_path):
    fill(path, numbered(1), numbered(2))
    other = fill(
        tmp_path / "other.db",
        numbered(1, seconds=9.0, prompt_tokens=None),  # the same reply, asked for at another time
        numbered(2, content="1 1"),
        *(numbered(n) for n in range(3, 20)),
    )
    done = merged(path, other)
    assert (done.new, done.known, done.conflicting, done.bad) == (17, 1, 1, 0)
    assert done.conflicts == ["00002"]
    assert content(path) == [numbered(n) for n in range(1, 20)]
    again = merged(path, other)
    assert (again.new, again.known, again.conflicting) == (0, 18, 1)
    assert len(content(other)) == 19


def test_rows_of_one_file_under_one_key(path, tmp_path):
    source = tmp_path / "twice.jsonl"
    write(source, asdict(REPLY), asdict(REPLY), asdict(REPLY) | {"content": "0 0"})
    done = merged(path, source)
    assert (done.new, done.known, done.conflicting) == (1, 1, 1)
    assert content(path) == [REPLY]


_BAD = {
    "[1, 2]": "Input should be",
    "{": "no JSON: ",
    "[" * 200_000: "no JSON: ",
    json.dumps(asdict(REPLY) | {"prompt_tokens": "12"}): "prompt_tokens: Input should be a valid integer",
    json.dumps(asdict(REPLY) | {"prompt_tokens": 2**63}): "prompt_tokens: out of range",
    json.dumps(asdict(REPLY) | {"prompt_tokens": -1}): "prompt_tokens: out of range",
    json.dumps(asdict(REPLY) | {"seconds": float("nan")}): "seconds: Input should be a finite number",
    json.dumps(asdict(REPLY) | {"created": 1e300}): "created: out of range",
    json.dumps(asdict(REPLY) | {"content": "\ud800"}): "content: no valid Unicode",
    json.dumps(asdict(REPLY) | {"key": ""}): "key: empty",
    json.dumps(asdict(REPLY) | {"key": None}): "key: Input should be a valid string",
    json.dumps(asdict(REPLY) | {"batch": 2}): "batch: Input should be a valid boolean",
    json.dumps(asdict(REPLY) | {"score": 10}): "score: Extra inputs are not permitted",
    json.dumps({"key": "k"}): "protocol: Field required",
}


@pytest.mark.parametrize(("line", "reason"), _BAD.items(), ids=range(len(_BAD)))
def test_a_bad_row_is_named_and_the_others_are_taken(path, tmp_path, line, reason):
    source = tmp_path / "some.jsonl"
    write(source, asdict(numbered(1)), "", line, asdict(numbered(2)))
    done = merged(path, source)
    assert (done.new, done.bad) == (2, 1)
    assert str(done.bad_rows[0]).startswith(f"{source}, row 3: {reason}")
    assert content(path) == [numbered(1), numbered(2)]


def test_of_many_bad_rows_the_first_are_named(path, tmp_path):
    source = tmp_path / "bad.jsonl"
    write(source, *["{"] * 50)
    done = merged(path, source)
    assert (done.bad, len(done.bad_rows), done.bad_rows[-1].number) == (50, 20, 20)


def test_a_parquet_file_of_something_else(path, tmp_path):
    source = tmp_path / "other.parquet"
    parquet.write_table(pa.table({"a": [1, 2]}), source)
    done = merged(path, source)
    assert (done.new, done.bad) == (0, 2)
    assert str(done.bad_rows[1]) == f"{source}, row 2: key: Field required"


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("a.txt", b"hello", r"a\.txt is neither a store \(SQLite\) nor an export \(\.jsonl, \.parquet\)"),
        ("a.parquet", b"PAR1 and nothing", r"a\.parquet cannot be read: "),
        ("a.sqlite", b"SQLite format 3\x00 and nothing", r"a\.sqlite cannot be read: "),
        ("a.sqlite", b"", r"a\.sqlite is neither"),
        ("a.jsonl", None, r"a\.jsonl cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_merged(path, tmp_path, name, raw, message):
    if raw is not None:
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(ExchangeError, match=message):
        merged(path, tmp_path / name)


def test_what_stands_before_a_damaged_place_is_kept(path, tmp_path):
    source = fill(tmp_path / "other.sqlite", *(numbered(n, content="8 9" * 300) for n in range(200)))
    raw = bytearray(source.read_bytes())
    raw[-4096 * 10 :] = b"\xff" * (4096 * 10)
    source.write_bytes(raw)
    with pytest.raises(
        ExchangeError, match=r"cannot be read: .*malformed.* \((\d+) new replies before that were kept\)"
    ) as e:
        merged(path, source)
    kept = content(path)
    assert f"({len(kept)} new" in str(e.value)
    assert len(kept) > 20


def test_a_store_is_not_merged_into_itself(path):
    fill(path, REPLY)
    with pytest.raises(ExchangeError, match="is the store itself"):
        merged(path, path.parent / "." / path.name)


# --- prune ---


def test_prune_deletes_what_is_chosen_and_nothing_else(path):
    fill(path, *(numbered(n, model="old" if n % 2 else "new") for n in range(40)))
    with closing(Store(path)) as opened:
        assert prune(opened, Selection(model="old", before=31.0)) == 15
        assert prune(opened, Selection(model="old", before=31.0)) == 0
        assert opened.get("00001") is None
    assert [reply.key for reply in content(path)] == [f"{n:05d}" for n in range(40) if n % 2 == 0 or n >= 31]


def test_delete_sees_what_was_put_before_it(path):
    with closing(Store(path)) as opened:
        opened.put(numbered(1))
        opened.put(numbered(2))
        assert opened.delete(["00001", "nothing"]) == 1
        assert opened.delete([]) == 0
        assert opened.get("00001") is None
        assert opened.get("00002") == numbered(2)


def test_every_field_is_a_column_of_both_kinds_of_file():
    assert set(exchange._ROW.model_fields) == {f.name for f in fields(StoredReply)}
