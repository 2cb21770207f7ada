"""Filling the store through the Batch API: the verdicts are those of asking at once."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from lmms_eval_ja.clients import ChatError, JudgeSettings, Store, batch, chat
from lmms_eval_ja.clients.ledger import Ledger, Planned
from lmms_eval_ja.judges import PROTOCOLS, Judge, Sample, judge_samples
from lmms_eval_ja.judges.batch import Filled, Waiting, fill
from lmms_eval_ja.judges.cancelling import cancel
from support.batch_server import BatchServer
from support.judge_server import JudgeServer, Reply, user_text

LIKERT = PROTOCOLS["vqa_likert"]


def number(body: dict) -> int:
    return int(re.search(r"回答(\d+)", user_text(body))[1])


def grade(body: dict) -> str:
    return f"Score: {number(body) % 5 + 1}"


def samples(n: int) -> list[Sample]:
    return [Sample(str(k), f"質問{k}", f"回答{k}", f"参照{k}") for k in range(n)]


def judge(server: JudgeServer, **more) -> Judge:
    return Judge(JudgeSettings(base_url=server.base_url, model="asked", mode="batch", **({"deadline_s": 30} | more)))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(batch, "SETTLING_S", 0.0)
    monkeypatch.setattr(chat, "FIRST_WAIT_S", 0.001)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "verdicts.sqlite"


AT_ONCE = Waiting(first_s=0.0, longest_s=0.0)


def filled(server, path, n=7, *, waiting=None, budget_usd=None, **more) -> Filled:
    wanted = [(sample, LIKERT) for sample in samples(n)]
    return fill(wanted, judge(server, **more), path, waiting=waiting, budget_usd=budget_usd)


def verdicts(server, path, n=7, **more):
    return judge_samples(samples(n), "vqa_likert", judge(server, **more), store=path)


def live(reply, folder: Path, n=7, **more):
    """The verdicts of asking at once."""
    with JudgeServer(reply) as server:
        settings = JudgeSettings(base_url=server.base_url, model="asked", deadline_s=30, **more)
        return judge_samples(samples(n), "vqa_likert", Judge(settings), store=folder / "live.sqlite")


def batches(path):
    with closing(Store(path)) as store:
        return Ledger(store).batches()


def test_submit_leave_come_back_collect(path, tmp_path):
    with BatchServer(grade) as server:
        first = filled(server, path)
        assert first.submitted == {"batch_0000": 7}
        assert first.is_waiting
        assert (first.open[0].state, first.open[0].total) == ("validating", 7)
        second = filled(server, path)
        assert (second.submitted, second.collected, second.is_waiting) == ({}, 0, True)
        assert filled(server, path).open[0].state == "in_progress"
        done = filled(server, path)
        assert (done.collected, done.submitted, done.is_waiting) == (7, {}, False)
        assert server.requests == []  # nothing was asked over a connection
        given = verdicts(server, path)
        assert server.requests == []
    assert given == live(grade, tmp_path)
    with closing(Store(path)) as store:
        assert all(reply.batch and reply.seconds == 0 and reply.protocol == "vqa_likert/1" for reply in store)
        assert {number({"messages": json.loads(reply.messages)}) for reply in store} == set(range(7))
    (known,) = batches(path)
    assert (known.state, known.stored, known.open, known.failed) == ("collected", 7, 0, 0)


def test_a_line_holds_what_is_sent_over_a_connection(path, tmp_path):
    more = {"reasoning": True, "extra_body": {"service_tier": "flex"}, "seed": 3}
    with BatchServer(grade) as server:
        filled(server, path, 1, **more)
        (line,) = server.batches["batch_0000"].lines
        settings = JudgeSettings(base_url=server.base_url, model="asked", **more)
        judge_samples(samples(1), "vqa_likert", Judge(settings), store=tmp_path / "live.sqlite")
        assert line["body"] == server.requests[0]
    with closing(Store(tmp_path / "live.sqlite")) as store:
        assert [reply.key for reply in store] == [line["custom_id"]]


def test_waiting_goes_on_until_all_is_there_and_reports(path, tmp_path):
    states = []
    report = Waiting(first_s=0.0, longest_s=0.0, report=lambda seen: states.append([b.state for b in seen.open]))
    with BatchServer(grade) as server:
        done = filled(server, path, waiting=report, repeats=2)
        assert (done.collected, done.submitted, done.is_waiting) == (14, {"batch_0000": 14}, False)
        assert verdicts(server, path, repeats=2) == live(grade, tmp_path, repeats=2)
    assert states == [["validating"], ["validating"], ["in_progress"]]


def test_unreadable_replies_are_asked_again_in_the_next_batch(path, tmp_path):
    def reply(body):
        return "わかりません" if number(body) < 3 and not reply.again else grade(body)

    reply.again = False
    with BatchServer(reply, states=()) as server:
        assert filled(server, path).submitted == {"batch_0000": 7}
        second = filled(server, path)
        assert (second.collected, second.submitted) == (7, {"batch_0001": 3})
        reply.again = True
        assert filled(server, path).collected == 3
        given = verdicts(server, path)
        assert server.requests == []
        assert len(set(server.keys)) == len(server.keys) == 10
    assert [verdict["score"] for verdict in given] == [k % 5 + 1 for k in range(7)]
    assert [len(verdict["runs"][0]["replies"]) for verdict in given] == [2, 2, 2, 1, 1, 1, 1]


def test_failed_lines_are_asked_again_and_then_left(path):
    """Sample 0 fails in every batch; sample 1 expires in the first; sample 2 comes in no form at first."""
    looked = []

    def reply(body):
        looked.append(number(body))
        first = looked.count(number(body)) == 1
        if number(body) == 0:
            return Reply("壊れた", status=500)
        if number(body) == 1 and first:
            return Reply(None, close=True)
        if number(body) == 2 and first:
            return Reply(None, body=b"<html>")
        return grade(body)

    with BatchServer(reply, states=(), end=lambda n: "expired" if n == 0 else "completed") as server:
        done = filled(server, path, waiting=AT_ONCE)
        assert list(done.submitted.values()) == [7, 3, 1]
        assert (done.collected, done.left, done.is_waiting) == (6, 1, False)
        assert done.left_because.startswith('HTTP 500: {"error": {"message": "壊れた", ')
        assert done.left_because.endswith(" (in 3 batches)")
        again = filled(server, path)
        assert (again.submitted, again.left) == ({}, 1)
        given = verdicts(server, path)
        assert server.requests == []
    assert [verdict["score"] for verdict in given] == [None, 2, 3, 4, 5, 1, 2]
    assert given[0]["failure"] == "transport"
    assert "壊れた" in given[0]["reason"]


def test_what_a_content_filter_stops_is_asked_once_and_named(path, tmp_path):
    def reply(body):
        if number(body) == 0:
            return Reply("content_filter: no", status=400)
        return Reply("", finish_reason="content_filter") if number(body) == 1 else grade(body)

    with BatchServer(reply) as server:
        done = filled(server, path, waiting=AT_ONCE)
        assert (list(done.submitted.values()), done.left) == ([7], 2)
        given = verdicts(server, path)
        assert server.requests == []
    expected = live(reply, tmp_path)
    assert [(v["score"], v["failure"]) for v in given] == [(v["score"], v["failure"]) for v in expected]
    assert [v["failure"] for v in given][:3] == ["filter", "filter", None]


def test_large_plans_are_split(path, monkeypatch):
    monkeypatch.setattr(batch, "MOST_LINES", 3)
    with BatchServer(grade) as server:
        assert filled(server, path).submitted == {"batch_0000": 3, "batch_0001": 3, "batch_0002": 1}
        one = len(server.files["file-0002"])
    monkeypatch.setattr(batch, "MOST_LINES", 50_000)
    monkeypatch.setattr(batch, "MOST_BYTES", 2 * one)
    with BatchServer(grade) as server:
        assert list(filled(server, path.with_name("other.sqlite")).submitted.values()) == [2, 2, 2, 1]


def test_equal_requests_are_one_line(path):
    with BatchServer(grade) as server:
        wanted = [(sample, LIKERT) for sample in [*samples(2), *samples(2)]]
        assert fill(wanted, judge(server), path).submitted == {"batch_0000": 2}


def test_a_batch_that_is_refused_is_told_and_submitted_by_the_next_call(path):
    with BatchServer(grade, most_lines=3, states=()) as server:
        filled(server, path)
        refused = filled(server, path, waiting=AT_ONCE)
        assert refused.ended == ["batch batch_0000 failed: Enqueued token limit reached."]
        assert (refused.submitted, refused.is_waiting, refused.left) == ({}, False, 0)
        server.most_lines = None
        for _ in range(4):  # a refusal is no attempt
            server.most_lines = 3
            filled(server, path)
        server.most_lines = None
        filled(server, path)
        filled(server, path)
        assert filled(server, path).left == 0
        assert [v["score"] for v in verdicts(server, path)] == [1, 2, 3, 4, 5, 1, 2]


def test_a_batch_that_is_open_is_not_asked_live(path):
    with BatchServer(grade) as server:
        filled(server, path)
        settings = judge(server).settings.model_copy(update={"mode": "live"})
        (verdict,) = judge_samples(samples(1), "vqa_likert", Judge(settings), store=path)
        assert server.requests == []
    assert verdict["failure"] == "transport"
    assert re.search(r"asked for in the batch \w+, which is still open: .*verdicts batches cancel", verdict["reason"])


def test_a_cancelled_batch_gives_what_is_done_and_frees_the_rest(path):
    with BatchServer(grade) as server:
        filled(server, path)
        known, replies = cancel("batch_0000", judge(server), path, pause_s=0.0)
        assert (known.name, known.open, replies) == ("batch_0000", 7, 4)
        with pytest.raises(ValueError, match="batch batch_0000 is over: cancelled"):
            cancel("batch_0000", judge(server), path)
        with pytest.raises(ValueError, match="has no batch nonsense"):
            cancel("nonsense", judge(server), path)
        assert filled(server, path).submitted == {"batch_0001": 3}
        assert [(b.state, b.stored, b.unasked) for b in batches(path)] == [("cancelled", 4, 3), ("created", 0, 0)]


def test_a_batch_that_the_account_does_not_have_is_kept_until_it_is_given_up(path):
    with BatchServer(grade) as server:
        filled(server, path)
        port = server.port
    with BatchServer(grade, port=port) as other:
        with pytest.raises(ChatError, match=r"batch batch_0000: the account .* verdicts batches cancel batch_0000"):
            filled(other, path)
        assert cancel("batch_0000", judge(other), path)[1] == 0
        assert filled(other, path).submitted == {"batch_0000": 7}


def test_a_rejected_key_stops_at_once(path, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "wrong-key-1234567890")
    with BatchServer(grade, require_key="right") as server:
        with pytest.raises(ChatError, match="rejects the key") as caught:
            filled(server, path, api_key_env="JUDGE_KEY")
        assert caught.value.kind == "key"
        assert len(server.calls) == 1
        monkeypatch.setenv("JUDGE_KEY", "right")
        assert filled(server, path, api_key_env="JUDGE_KEY").submitted == {"batch_0000": 7}
    assert b"wrong-key" not in path.read_bytes()


PASSING = [Reply(None, close=True), Reply("busy", status=503), Reply("slow", status=429)]
CALLS = [(step, done) for step in ("files", "batches", "look", "content") for done in (False, True)]


@pytest.mark.parametrize(
    ("step", "done", "fault"),
    # A refusal (429) never has an effect.
    [(step, done, fault) for step, done in CALLS for fault in PASSING if not (done and fault.status == 429)],
)
def test_passing_faults_cost_nothing_twice(path, step, done, fault):
    seen = []

    def on(name, after):
        seen.append((name, after))
        return fault if (name, after) == (step, done) and seen.count((step, done)) == 1 else None

    with BatchServer(grade, on=on) as server:
        assert filled(server, path, waiting=AT_ONCE).collected == 7
        assert len(server.batches) == 1
        assert [v["score"] for v in verdicts(server, path)] == [1, 2, 3, 4, 5, 1, 2]


def test_a_fault_that_stays_ends_the_call_and_the_next_goes_on(path):
    broken = {"batches"}

    def on(name, after):
        return Reply("busy", status=503) if name in broken and after else None

    with BatchServer(grade, on=on, states=()) as server:
        broken.add("list")
        with pytest.raises(ChatError, match="busy"):
            filled(server, path, deadline_s=5)
        assert len(server.batches) == 1  # it came into being, and nobody could know
        assert not batches(path)[0].owner.lives
        assert batches(path)[0].owner.deadline == 0  # so that another machine need not wait either
        broken.clear()
        assert filled(server, path).collected == 7
        assert len(server.batches) == 1


def test_the_budget_limits_what_is_submitted(path):
    prices = {"price_input": 1.0, "price_output": 1.0, "max_tokens": 1000}
    with BatchServer(grade) as server:
        filled(server, path.with_name("free.sqlite"), 1, **prices)
        messages = server.batches["batch_0000"].lines[0]["body"]["messages"]
        most = (len(json.dumps(messages, ensure_ascii=False).encode()) + 1000) / 1e6
        done = filled(server, path, budget_usd=3.5 * most, **prices)
        assert (list(done.submitted.values()), done.over_budget) == ([3], 4)
        with pytest.raises(ChatError, match="no price is known for asked"):
            filled(server, path.with_name("unknown.sqlite"), budget_usd=1.0)


def test_only_the_members_of_a_jury_whose_mode_it_is(path):
    with BatchServer(grade, states=()) as server:
        one = judge(server).settings
        two, three = (
            one.model_copy(update={"model": name, "mode": mode}) for name, mode in [("b", "batch"), ("c", "live")]
        )
        jury = Judge(JudgeSettings(provider="jury", members=("one", "two", "three"), repeats=2))
        jury = Judge(jury.settings, {"one": one, "two": two, "three": three})
        wanted = [(sample, LIKERT) for sample in samples(2)]
        assert fill(wanted, jury, path, waiting=AT_ONCE).collected == 8
        given = judge_samples(samples(2), "vqa_likert", jury, store=path)
        assert [body["model"] for body in server.requests] == ["c"] * 4
    assert [verdict["score"] for verdict in given] == [1, 2]


def test_the_members_of_a_jury_have_one_budget(path):
    prices = {"price_input": 1.0, "price_output": 1.0, "max_tokens": 100_000}  # 0.1 dollars and a little each
    with BatchServer(grade) as server:
        one = judge(server, **prices).settings
        two = one.model_copy(update={"model": "b"})
        jury = Judge(JudgeSettings(provider="jury", members=("one", "two")), {"one": one, "two": two})
        done = fill([(sample, LIKERT) for sample in samples(5)], jury, path, budget_usd=0.75)
        assert (list(done.submitted.values()), done.over_budget) == ([5, 2], 3)


def test_what_another_process_asks_live_is_waited_for(path):
    with BatchServer(grade) as server:
        filled(server, path.with_name("other.sqlite"), 2)
        one, two = server.keys
        with closing(Store(path)) as asking:
            assert asking.claim([one]).result() == {}
            done = filled(server, path, 2)
            assert (list(done.submitted.values()), done.elsewhere) == ([1], 1)
            assert server.batches["batch_0001"].lines[0]["custom_id"] == two


def test_what_another_process_is_submitting_is_waited_for_and_taken_over_once_it_has_gone(path):
    with BatchServer(grade, states=()) as server:
        filled(server, path.with_name("other.sqlite"), 2)  # a file with the same lines
        with closing(Store(path)) as other:
            ledger = Ledger(other)
            id_, _ = ledger.plan("asked", server.base_url, [Planned(key, "vqa_likert/1", "[]") for key in server.keys])
            assert (filled(server, path, 2).submitted, filled(server, path, 2).open[0].name) == ({}, id_)
            ledger.uploaded(id_, "file-0000")
            assert filled(server, path, 2).open[0].state is None
        assert filled(server, path, 2).collected == 2
        assert [one.metadata["lmms_eval_ja"] for one in server.batches.values()][1:] == [id_]
