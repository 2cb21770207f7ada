from __future__ import annotations

import subprocess
import sys
from contextlib import closing

import pytest

from lmms_eval_ja.clients import ChatError, ChatReply, Store
from lmms_eval_ja.clients.ledger import Ledger, Planned
from lmms_eval_ja.clients.store import InBatch
from support.replies import REPLY

GOT = ChatReply("8 9", "stop", None, "served", 12, 3, 0.0)
BUSY, FILTERED = ChatError("transport", "busy"), ChatError("filter", "no")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "verdicts.sqlite"


@pytest.fixture
def store(path):
    with closing(Store(path)) as opened:
        yield opened


def requests(*keys):
    return [Planned(key, "p/1", f"[{key}]") for key in keys]


def planned(store, *keys):
    return Ledger(store).plan("asked", "http://here", requests(*keys))


def created(store, *keys):
    """A batch of these keys that the provider works on."""
    ledger = Ledger(store)
    id_, granted = planned(store, *keys)
    assert granted == set(keys)
    return ledger.created(ledger.uploaded(id_, "file"), "batch_1")


def ended(store, results, *keys, state="collected"):
    return Ledger(store).end(created(store, *keys), state, results)


def counts(batch):
    return batch.open, batch.stored, batch.failed, batch.unasked


def test_a_plan_takes_what_nobody_has(store, path):
    store.put(REPLY).result()
    with closing(Store(path)) as other:
        assert other.claim(["claimed"]).result() == {}
        id_, granted = planned(store, "k", "claimed", "a", "b", "a")
        assert granted == {"a", "b"}
        assert planned(other, "a", "b", "c")[1] == {"c"}
        assert planned(other, "a", "b", "c")[1] == set()
        assert store.find(["a", "k"]).result() == {"a": InBatch(id_), "k": REPLY}
        assert other.claim(["a", "d"]).result() == {"a": InBatch(id_)}
        assert len(Ledger(other).batches()) == 2  # an empty one is not recorded


def test_what_came_is_stored_and_the_batch_closed(store):
    assert ended(store, {"a": GOT, "b": BUSY, "stranger": GOT}, "a", "b", "c") == 1
    reply = store.get("a")
    assert (reply.content, reply.messages, reply.protocol, reply.asked_model) == ("8 9", "[a]", "p/1", "asked")
    assert (reply.batch, reply.model, reply.prompt_tokens) == (True, "served", 12)
    assert store.get("stranger") is None
    (batch,) = Ledger(store).batches()
    assert (batch.state, batch.name, counts(batch)) == ("collected", "batch_1", (0, 1, 2, 0))
    assert planned(store, "a", "b", "c")[1] == {"b", "c"}


def test_a_batch_is_closed_once(store):
    batch = created(store, "a")
    ledger = Ledger(store)
    assert ledger.end(batch, "collected", {"a": GOT}) == 1
    assert ledger.end(batch, "cancelled", {}) == 0
    assert ledger.batches()[0].state == "collected"


def test_requests_fail_for_good_after_three_attempts_or_a_filter(store):
    ledger = Ledger(store)
    for attempt in range(3):
        assert ledger.failures(["a", "b"]) == {}
        ended(store, {"a": BUSY}, "a", *(["b"] if attempt < 2 else []), state="collected")
    failure = ledger.failures(["a", "b", "nobody"])
    assert list(failure) == ["a"]
    assert str(failure["a"]) == "busy (in 3 batches)"
    ended(store, {"f": FILTERED}, "f", state="cancelled")
    assert ledger.failures(["f"])["f"].kind == "filter"


def test_what_a_batch_that_ended_early_leaves_is_no_attempt(store):
    for state in ("failed", "cancelled", "failed", "cancelled"):
        assert ended(store, {"a": BUSY}, "a", "b", state=state) == 0
    assert Ledger(store).failures(["a", "b"]) == {}
    assert counts(Ledger(store).batches()[0]) == (0, 0, 0, 2)


def test_what_was_only_planned_ends_with_its_owner(store, path):
    """The owner has closed its store: in this process that is as good as dead."""
    with closing(Store(path)) as gone:
        id_, _ = planned(gone, "a")
        assert store.find(["a"]).result() == {"a": InBatch(id_)}
    assert store.find(["a"]).result() == {}
    assert [batch.is_open for batch in Ledger(store).batches()] == [False]
    assert planned(store, "a")[1] == {"a"}
    assert [batch.id == id_ for batch in Ledger(store).batches()] == [False]


_PLANNER = """
import sys, time
from pathlib import Path
from lmms_eval_ja.clients import Store
from lmms_eval_ja.clients.ledger import Ledger, Planned
ledger = Ledger(Store(Path(sys.argv[1])))
id_, _ = ledger.plan("asked", "http://here", [Planned("a", "p/1", "[]")])
ledger.uploaded(id_, "file")
print("ready", flush=True)
time.sleep(600)
"""


def test_an_uploaded_batch_stays_and_is_taken_over_once_its_owner_is_dead(store, path):
    child = subprocess.Popen([sys.executable, "-c", _PLANNER, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    ledger = Ledger(store)
    (batch,) = ledger.batches()
    assert (batch.state, batch.file_id, batch.owner.lives) == ("uploaded", "file", True)
    child.kill()
    child.communicate(timeout=60)
    assert not batch.owner.lives
    assert store.find(["a"]).result() == {"a": InBatch(batch.id)}
    with closing(Store(path)) as other:
        assert ledger.take(batch)
        assert not Ledger(other).take(batch)
    assert ledger.uploaded(batch.id, "again") is None
