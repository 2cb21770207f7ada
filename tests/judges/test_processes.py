"""Processes and engines that use one store at the same time, or one after the other was killed."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from lmms_eval_ja.clients import JudgeSettings, Store, chat
from lmms_eval_ja.clients import store as store_module
from lmms_eval_ja.judges import PROTOCOLS, Engine, Judge, Sample
from support.forking import Forking
from support.judge_server import JudgeServer, Reply, user_text

LIKERT = PROTOCOLS["vqa_likert"]
WORKER = Path(__file__).with_name("engine_worker.py")
PATIENCE_S = 60


def number(body: dict) -> int:
    return int(re.search(r"回答(\d+)", user_text(body))[1])


def slow_grade(body: dict) -> Reply:
    return Reply(f"Score: {number(body) % 5 + 1}", delay_s=0.02)


def samples(n: int) -> list[Sample]:
    return [Sample(str(k), f"質問{k}", f"回答{k}", f"参照{k}") for k in range(n)]


def test_two_processes_ask_for_each_reply_once_and_both_get_all(tmp_path):
    store, n = tmp_path / "verdicts.sqlite", 150
    outs = [tmp_path / "one.json", tmp_path / "two.json"]
    with JudgeServer(slow_grade) as server:
        worker = Forking(WORKER)
        numbers = [worker.start(store, server.base_url, n, 8, out) for out in outs]
        statuses = [worker.wait(number) for number in numbers]
        errors = worker.end()
    assert statuses == [0, 0]
    assert "locked" not in errors
    assert Counter(number(body) for body in server.requests) == Counter(range(n))
    one, two = (json.loads(out.read_text(encoding="utf-8")) for out in outs)
    assert [verdict["score"] for verdict in one] == [k % 5 + 1 for k in range(n)]
    assert one == two
    with closing(Store(store)) as opened:
        assert len(opened) == n
        assert opened._reader.execute("SELECT count(*) FROM claims").fetchone() == (0,)


@pytest.fixture
def engines(tmp_path, monkeypatch):
    """Makes engines on one store; they are closed at the end."""
    monkeypatch.setattr(chat, "FIRST_WAIT_S", 0.001)
    made = []

    def make(server: JudgeServer, **settings) -> Engine:
        settings = {"model": "asked", "deadline_s": 30} | settings
        made.append(Engine(Judge(JudgeSettings(base_url=server.base_url, **settings)), tmp_path / "verdicts.sqlite"))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_an_engine_waits_for_what_another_is_asking(engines):
    answer = threading.Event()

    def reply(body):
        assert answer.wait(PATIENCE_S)
        return "Score: 4"

    with JudgeServer(reply) as server:
        one, two = engines(server), engines(server)
        first = one.submit(samples(1)[0], LIKERT)
        while not server.requests:
            time.sleep(0.005)
        second = two.submit(samples(1)[0], LIKERT)
        assert not second.wait(0.3)
        answer.set()
        assert first.wait(PATIENCE_S)
        assert second.wait(PATIENCE_S)
    assert first == second
    assert len(server.requests) == 1
    assert (one.asked, one.from_store, two.asked, two.from_store) == (1, 0, 0, 1)


@pytest.mark.parametrize("ending", ["fails", "closes"])
def test_an_engine_asks_itself_when_the_other_has_no_reply(engines, ending):
    over = threading.Event()

    def reply(body):
        if len(server.requests) == 1:
            over.wait(PATIENCE_S)
            return Reply("だめ", status=400)
        return "Score: 4"

    with JudgeServer(reply) as server:
        one, two = engines(server), engines(server)
        first = one.submit(samples(1)[0], LIKERT)
        while not server.requests:
            time.sleep(0.005)
        second = two.submit(samples(1)[0], LIKERT)
        assert not second.wait(0.1)
        if ending == "fails":
            over.set()
        else:
            one.close()
        assert second.wait(PATIENCE_S)
        over.set()
    assert (first["failure"], second["score"]) == ("transport", 4)
    assert len(server.requests) == 2


def test_a_claim_outlives_its_lease_while_its_owner_asks(engines, monkeypatch):
    monkeypatch.setattr(store_module, "LEASE_S", 0.3)
    monkeypatch.setattr("lmms_eval_ja.clients.asking.LEASE_S", 0.3)
    with JudgeServer(lambda body: Reply("Score: 4", delay_s=1.0)) as server:
        verdicts = [engines(server).submit(samples(1)[0], LIKERT) for _ in range(2)]
        assert all(verdict.wait(PATIENCE_S) for verdict in verdicts)
    assert [verdict["score"] for verdict in verdicts] == [4, 4]
    assert len(server.requests) == 1


# --- kills ---

N, CONCURRENCY, KILLS = 60, 3, 20


def slower_grade(body: dict) -> Reply:
    return Reply(f"Score: {number(body) % 5 + 1}", delay_s=0.05)


def stored(path: Path) -> set[int]:
    """The numbers of the samples whose verdicts are stored."""
    with closing(Store(path)) as store:
        return {number({"messages": json.loads(reply.messages)}) for reply in store}


def test_twenty_kills_at_random_moments(tmp_path):
    path, out, moments = tmp_path / "verdicts.sqlite", tmp_path / "verdicts.json", random.Random(3)  # noqa: S311
    undisturbed = tmp_path / "undisturbed.json"
    done: set[int] = set()
    statuses, lost = [], []
    worker = Forking(WORKER)
    with JudgeServer(slower_grade) as server:
        assert worker.run(tmp_path / "undisturbed.sqlite", server.base_url, N, CONCURRENCY, undisturbed) == 0
    with JudgeServer(slower_grade) as server:
        words = (path, server.base_url, N, CONCURRENCY, out)
        for _ in range(KILLS):
            before = len(server.requests)
            pid = worker.start(*words)
            time.sleep(moments.uniform(0.0, 0.14))
            os.kill(pid, signal.SIGKILL)
            statuses.append(worker.wait(pid))
            again = [number(body) for body in server.requests[before:]]
            assert not done & set(again), "a verdict that was stored has been paid again"
            assert len(again) == len(set(again))
            done = stored(path)
            lost.append(len(set(again) - done))
        before = len(server.requests)
        started = time.monotonic()
        assert worker.run(*words) == 0
        took = time.monotonic() - started
        errors = worker.end()
        last = [number(body) for body in server.requests[before:]]
    assert errors == ""
    assert statuses.count(-signal.SIGKILL) >= KILLS // 2  # the others were done before
    assert sorted(last) == sorted(set(range(N)) - done)
    assert took < 20, "the claims of a killed process have blocked another"
    assert out.read_text(encoding="utf-8") == undisturbed.read_text(encoding="utf-8")
    paid = Counter(number(body) for body in server.requests)
    assert set(paid) == set(range(N))
    assert max(lost) <= CONCURRENCY  # no kill costs more than what was in flight
    assert stored(path) == set(range(N))
