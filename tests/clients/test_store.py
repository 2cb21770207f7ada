from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import astuple, replace

import pytest

from lmms_eval_ja.clients import ChatReply, ChatRequest, Store, StoredReply, store
from lmms_eval_ja.clients.store import messages_text
from support.replies import REPLY


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "folder" / "verdicts.sqlite"


def put(opened: Store, *replies: StoredReply) -> None:
    for future in [opened.put(reply) for reply in replies]:
        future.result(timeout=30)


def numbered(n: int) -> StoredReply:
    return replace(REPLY, key=f"{n:05d}", created=float(n))


def test_a_reply_comes_back_as_it_was_also_after_reopening(path):
    with closing(Store(path)) as opened:
        assert opened.get("k") is None
        put(opened, REPLY)
        assert opened.get("k") == REPLY
        assert opened.set_aside is None
    with closing(Store(path)) as opened:
        assert opened.get("k") == REPLY
        assert len(opened) == 1


def test_the_first_reply_of_a_key_stays(path):
    with closing(Store(path)) as opened:
        put(opened, REPLY, replace(REPLY, content="1 1"))
        put(opened, replace(REPLY, content="2 2"))
        assert opened.get("k").content == "8 9\n理由 𠮷"
        assert len(opened) == 1


def test_replies_are_listed_by_time_then_key(path):
    late, early = replace(REPLY, key="a", created=2.0), replace(REPLY, key="z", created=1.0)
    same = replace(REPLY, key="b", created=2.0)
    with closing(Store(path)) as opened:
        put(opened, same, late, early)
        assert list(opened) == [early, late, same]


def test_close_writes_what_was_put(path):
    opened = Store(path)
    futures = [opened.put(numbered(n)) for n in range(300)]
    opened.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with closing(Store(path)) as opened:
        assert [reply.key for reply in opened] == [f"{n:05d}" for n in range(300)]


def test_many_threads(path):
    with closing(Store(path)) as opened, ThreadPoolExecutor(16) as threads:

        def both(n: int) -> StoredReply | None:
            put(opened, numbered(n % 100))
            return opened.get(f"{n % 100:05d}")

        assert list(threads.map(both, range(400))) == [numbered(n % 100) for n in range(400)]
        assert len(opened) == 100


def test_a_relay_of_two_connections_sees_each_others_rows(path):
    with closing(Store(path)) as one, closing(Store(path)) as two:
        put(one, numbered(1))
        assert two.get("00001") == numbered(1)
        put(two, numbered(2))
        assert one.get("00002") == numbered(2)


_WRITER = """
import sys
import time
from dataclasses import astuple, replace
from pathlib import Path
from lmms_eval_ja.clients import Store, StoredReply
who, path = sys.argv[1], Path(sys.argv[2])
base = StoredReply("", "p/1", "m", "m", "[]", who, "stop", None, 1, 1, 0.1, 1.0)
print("ready", flush=True)
sys.stdin.readline()
store = Store(path)
for n in range(150):  # one commit each
    store.put(replace(base, key=f"{who}-{n}")).result(timeout=120)
    store.put(replace(base, key=f"shared-{n}")).result(timeout=120)
    assert store.get(f"{who}-{n}").content == who
store.close()
"""


def test_processes_that_write_at_once_lose_nothing(path):
    command = [sys.executable, "-c", _WRITER]
    writers = [
        subprocess.Popen(
            [*command, who, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for who in ("one", "two")
    ]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n", "ready\n"]
    for writer in writers:  # both open the file that is not there yet
        writer.stdin.write("go\n")
        writer.stdin.flush()
    errors = [writer.communicate(timeout=120)[1] for writer in writers]
    assert errors == ["", ""]
    assert [writer.returncode for writer in writers] == [0, 0]
    with closing(Store(path)) as opened:
        expected = {f"{name}-{n}" for name in ("one", "two", "shared") for n in range(150)}
        assert {reply.key for reply in opened} == expected


# --- what may be wrong with the file ---


def test_a_damaged_file_is_set_aside_and_kept(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no database " * 500)
    with closing(Store(path)) as opened:
        aside = opened.set_aside
        assert aside.name.startswith("verdicts.sqlite.damaged-")
        assert aside.read_bytes() == b"this is no database " * 500
        put(opened, REPLY)
    with closing(Store(path)) as opened:
        assert opened.set_aside is None
        assert opened.get("k") == REPLY


def test_two_damaged_files_are_both_kept(path):
    path.parent.mkdir(parents=True)
    kept = []
    for content in (b"first " * 500, b"second " * 500):
        path.write_bytes(content)
        with closing(Store(path)) as opened:
            kept.append(opened.set_aside)
    assert [aside.read_bytes()[:6] for aside in kept] == [b"first ", b"second"]


def test_an_empty_file_is_a_new_store(path):
    path.parent.mkdir(parents=True)
    path.touch()
    with closing(Store(path)) as opened:
        assert opened.set_aside is None
        put(opened, REPLY)
        assert len(opened) == 1


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path):
    with closing(Store(path)) as opened:
        put(opened, REPLY)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 4")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"newer lmms-eval-ja \(schema 4, this one reads 3\).*LMMS_EVAL_JA_STORE"):
        Store(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["verdicts.sqlite"]


def test_what_cannot_be_opened_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match=r"the store .* cannot be opened"):
        Store(tmp_path)  # a folder
    (tmp_path / "file").touch()
    with pytest.raises(OSError):  # noqa: PT011 (the system's own words)
        Store(tmp_path / "file" / "verdicts.sqlite")


# --- writes that fail ---


@pytest.fixture
def locked(path, monkeypatch):
    """A store and another program's connection that holds its file; waiting for it is short."""
    monkeypatch.setattr(store, "BUSY_TIMEOUT_S", 0.05)
    opened = Store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield opened, other
    with suppress(sqlite3.Error):
        opened.close()


def test_a_write_that_fails_is_told_and_made_up_by_the_next(locked):
    opened, other = locked
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        opened.put(numbered(1)).result(timeout=30)
    other.execute("ROLLBACK")
    put(opened, numbered(2))
    assert [reply.key for reply in opened] == ["00001", "00002"]


def test_a_write_that_failed_is_made_up_by_close(locked, path):
    opened, other = locked
    assert isinstance(opened.put(numbered(1)).exception(timeout=30), sqlite3.OperationalError)
    other.execute("ROLLBACK")
    opened.close()
    with closing(Store(path)) as again:
        assert again.get("00001") == numbered(1)


def test_close_says_that_it_could_not_write(locked):
    opened, _ = locked
    assert opened.put(numbered(1)).exception(timeout=30) is not None
    with pytest.raises(sqlite3.OperationalError):
        opened.close()


# --- claims ---


def claimed(opened: Store, *keys: str) -> dict:
    return opened.claim(keys).result(timeout=30)


def test_a_claim_is_seen_by_others_until_it_is_released(path):
    with closing(Store(path)) as one, closing(Store(path)) as two:
        assert claimed(one, "a", "b") == {}
        assert claimed(one, "a") == {}  # its own
        assert set(claimed(two, "a", "c")) == {"a"}
        assert {key: claim.pid for key, claim in two.find(["a", "b", "c", "d"]).result().items()} == dict.fromkeys(
            ["a", "b"], os.getpid()
        )
        one.release("a").result()
        one.release("c").result()  # not its own
        assert claimed(two, "a", "b").keys() == {"b"}
        assert one.find(["c"]).result().keys() == {"c"}


def test_a_reply_ends_its_claim(path):
    with closing(Store(path)) as one, closing(Store(path)) as two:
        assert claimed(one, "k") == {}
        put(one, REPLY)
        assert claimed(two, "k") == {"k": REPLY}
        assert two.find(["k", "l"]).result() == {"k": REPLY}
        assert two._reader.execute("SELECT * FROM claims").fetchall() == []


def test_a_store_that_closes_takes_its_claims_back(path):
    one = Store(path)
    assert claimed(one, "a") == {}
    one.close()
    with closing(Store(path)) as two:
        assert claimed(two, "a") == {}


def test_a_claim_lapses_and_can_be_renewed(path, monkeypatch):
    with closing(Store(path)) as one, closing(Store(path)) as two:
        monkeypatch.setattr(store, "LEASE_S", 0.05)
        assert claimed(one, "a", "b") == {}
        time.sleep(0.1)
        assert two.find(["a"]).result() == {}
        monkeypatch.setattr(store, "LEASE_S", 30)
        assert claimed(two, "b") == {}
        one.renew().result()
        assert claimed(one, "b").keys() == {"b"}  # what was taken is not renewed
        assert claimed(two, "a").keys() == {"a"}  # nobody had taken it


@pytest.mark.parametrize("machine", ["here", "elsewhere"])
def test_a_dead_owner_is_seen_at_once_on_its_machine(path, machine):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(timeout=60)
    with closing(Store(path)) as opened:
        where = store._machine() if machine == "here" else "another-host"
        row = ("a", "someone", where, gone.pid, time.time() + 30)
        opened._execute("INSERT INTO claims VALUES (?, ?, ?, ?, ?)", *row)
        assert len(claimed(opened, "a")) == (machine == "elsewhere")


def test_a_killed_process_that_nobody_has_fetched_is_dead():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert store._is_running(child.pid)
    child.kill()
    for _ in range(500):
        if not store._is_running(child.pid):
            break
        time.sleep(0.01)
    assert not store._is_running(child.pid)
    child.wait(timeout=60)
    assert not store._is_running(child.pid)


def test_lapsed_claims_are_removed_when_a_store_is_opened(path):
    with closing(Store(path)) as opened:
        opened._execute("INSERT INTO claims VALUES ('a', 'someone', 'another-host', 1, ?)", time.time() - 1)
    with closing(Store(path)) as opened:
        assert opened._reader.execute("SELECT * FROM claims").fetchall() == []


def test_many_keys_are_found_at_once(path):
    with closing(Store(path)) as opened:
        put(opened, *(numbered(n) for n in range(1200)))
        found = opened.find([f"{n:05d}" for n in range(1300)]).result(timeout=30)
        assert found == {f"{n:05d}": numbered(n) for n in range(1200)}


_OLD_COLUMNS = (
    "key, protocol, asked_model, model, messages, content, finish_reason, refusal, prompt_tokens, completion_tokens, "
    "seconds, created"
)


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_of_an_older_version_is_migrated(path, version):
    """The statements are those that versions 1 (commit cdc724f) and 2 (7552cf6) ran."""
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(f"CREATE TABLE replies ({_OLD_COLUMNS}, PRIMARY KEY (key)) WITHOUT ROWID")
        if version == 2:
            old.execute("CREATE TABLE claims (key, owner, machine, pid, deadline, PRIMARY KEY (key)) WITHOUT ROWID")
            old.execute("INSERT INTO claims VALUES ('c', 'x', 'another-host', 1, ?)", (time.time() + 30,))
        old.execute(f"PRAGMA user_version = {version}")
        old.execute(f"INSERT INTO replies VALUES ({', '.join('?' * 12)})", astuple(REPLY)[:12])  # noqa: S608
    with closing(Store(path)) as opened:
        assert opened.set_aside is None
        assert list(opened) == [REPLY]
        assert opened.get("k").batch is False
        assert opened.find(["c"]).result().keys() == ({"c"} if version == 2 else set())
        assert claimed(opened, "k", "new") == {"k": REPLY}
        put(opened, replace(REPLY, key="b", batch=True))
        assert opened.get("b").batch is True
        assert opened._reader.execute("PRAGMA user_version").fetchone() == (3,)
        assert opened.transaction(lambda c: c.execute("SELECT count(*) FROM batches").fetchone()) == (0,)
    with closing(Store(path)) as opened:  # nothing is migrated twice
        assert [reply.key for reply in opened] == ["b", "k"]


# --- transactions ---


def test_a_transaction_takes_effect_whole_or_not_at_all(path):
    with closing(Store(path)) as opened:

        def half(connection):
            store.insert(connection, [REPLY])
            raise RuntimeError("in the middle")

        with pytest.raises(RuntimeError, match="in the middle"):
            opened.transaction(half)
        assert len(opened) == 0
        opened.put(numbered(1))
        opened.transaction(lambda connection: store.insert(connection, [REPLY, numbered(1)]))
        assert [reply.key for reply in opened] == ["00001", "k"]


def test_a_reply_is_made_of_what_came(path):
    came = ChatReply("8 9 \ud800", "stop", None, "served", 12, None, 0.0)
    request = ChatRequest("asked", [{"role": "user", "content": "採点\ud800"}])
    text = messages_text(request)
    assert text == '[{"role": "user", "content": "採点?"}]'
    made = StoredReply.of(came, key="k", protocol="original/1", asked_model="asked", messages=text, batch=True)
    assert replace(made, created=1.0) == StoredReply(
        "k", "original/1", "asked", "served", text, "8 9 ?", "stop", None, 12, None, 0.0, 1.0, batch=True
    )
