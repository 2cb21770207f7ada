"""Every fault of a judge, once and for ever: a score or one named failure, as many requests as stated, no number."""

from __future__ import annotations

import math
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from lmms_eval_ja.clients import JudgeSettings, chat
from lmms_eval_ja.judges import AGGREGATIONS, PASSING_FAILURES, PROTOCOLS, Engine, Judge, MetricItem, Sample, Verdict
from support.judge_server import JudgeServer, Reply, user_text
from support.verdicts import WatchedVerdict

LIKERT = PROTOCOLS["vqa_likert"]
PATIENCE_S = 60
# Longer than a busy machine holds a good reply up; what stays, or does not answer, gets less.
DEADLINE_S, TIMEOUT_S, REASKS = 30, 10, 2
GOOD = "Score: 4"


@dataclass(frozen=True)
class Fault:
    """A fault, the failure that it is when it stays, and how it is met.

    `again` says what a second try is: "retried" (the same request, until the deadline), "reasked" (a request of its
    own, `REASKS` times), or "never", because it would bring the same.
    """

    reply: Reply
    failure: str
    again: str


FAULTS = {
    "429": Fault(Reply("多すぎます", status=429), "transport", "retried"),
    "429 with Retry-After": Fault(
        Reply("多すぎます", status=429, headers={"Retry-After": "0.02"}), "transport", "retried"
    ),
    "500": Fault(Reply("壊れました", status=500), "transport", "retried"),
    "502": Fault(Reply(None, status=502, body=b"<html>Bad Gateway</html>"), "transport", "retried"),
    "503": Fault(Reply("起動中", status=503), "transport", "retried"),
    "timeout": Fault(Reply(GOOD, delay_s=30), "transport", "retried"),
    "reset connection": Fault(Reply(None, close=True), "transport", "retried"),
    "truncated body": Fault(
        Reply(None, body=b'{"choices": [{"mess', headers={"Content-Length": "500", "Connection": "close"}),
        "transport",
        "retried",
    ),
    "truncated JSON": Fault(Reply(None, body=b'{"choices": [{"mess'), "transport", "retried"),
    "HTML": Fault(
        Reply(None, body=b"<html>login</html>", headers={"Content-Type": "text/html"}), "transport", "retried"
    ),
    "deep JSON": Fault(Reply(None, body=b"[" * 100_000), "transport", "retried"),
    "empty choices": Fault(Reply(None, body=b'{"choices": []}'), "transport", "retried"),
    "content null": Fault(Reply(None), "parse", "reasked"),
    "finish_reason length": Fault(Reply("まず、", finish_reason="length"), "parse", "reasked"),
    "prose": Fault(Reply("とても良い回答だと思います。"), "parse", "reasked"),
    "finish_reason content_filter": Fault(Reply("", finish_reason="content_filter"), "filter", "never"),
    "refusal": Fault(Reply(None, refusal="お答えできません。"), "refusal", "never"),
    "out of range": Fault(Reply("Score: 7"), "range", "never"),
    "400": Fault(Reply("長すぎます", status=400), "transport", "never"),
    "rejected key": Fault(Reply("違う鍵です", status=401), "key", "never"),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(chat, "FIRST_WAIT_S", 0.01)


def number(body: dict) -> int:
    return int(re.search(r"回答(\d+)", user_text(body))[1])


@pytest.fixture
def judged(tmp_path):
    """Judges samples one after the other; 回答0, the last one, meets these replies in turn, the others get 1 to 5."""

    def run(replies: list[Reply], n: int = 1, **settings) -> tuple[list, list[dict]]:
        rest = list(replies)

        def reply(body):
            if number(body):
                return f"Score: {number(body) % 5 + 1}"
            return rest.pop(0) if len(rest) > 1 else rest[0]

        fields = {"deadline_s": DEADLINE_S, "timeout_s": TIMEOUT_S, "reasks": REASKS, "concurrency": 1} | settings
        with JudgeServer(reply) as server:
            judge = Judge(JudgeSettings(base_url=server.base_url, model="asked", **fields))
            engine = Engine(judge, tmp_path / "verdicts.sqlite")
            try:
                samples = [Sample(str(k), "質問", f"回答{k}", "参照") for k in reversed(range(n))]
                verdicts = [engine.submit(sample, LIKERT) for sample in samples]
                assert all(verdict.wait(PATIENCE_S) for verdict in verdicts)
            finally:
                engine.close()
        assert server.errors == []
        return verdicts, [body for body in server.requests if number(body) == 0]

    return run


def patience(name: str, *, stays: bool = False) -> dict[str, float]:
    """The times of a fault that are not the usual ones."""
    return ({"timeout_s": 1} if name == "timeout" else {}) | ({"deadline_s": 3} if stays else {})


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_once(judged, name):
    fault = FAULTS[name]
    [verdict], requests = judged([fault.reply, Reply(GOOD)], **patience(name))
    if fault.again == "never":
        assert (verdict["score"], verdict["failure"]) == (None, fault.failure)
        assert len(requests) == 1
    else:
        assert (verdict["score"], verdict["failure"]) == (4, None)
        assert len(requests) == 2 or (name == "timeout" and len(requests) > 2)
        assert requests[0] == requests[1]
        assert len(verdict["runs"][0]["replies"]) == (2 if fault.again == "reasked" else 1)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays(judged, name):
    fault = FAULTS[name]
    verdicts, requests = judged([fault.reply], n=21, **patience(name, stays=fault.again == "retried"))
    *good, bad = verdicts
    assert [verdict["score"] for verdict in good] == [1, 5, 4, 3, 2] * 4
    assert (bad["score"], bad["reference_score"], bad["failure"]) == (None, None, fault.failure)
    assert bad["reason"]
    assert [run["score"] for run in bad["runs"]] == [None]
    if fault.again == "retried":  # waits of about 10, 20, 40 … ms until the deadline; a timeout fits in 2 or 3 times
        assert 2 <= len(requests) <= 12
    else:
        assert len(requests) == (REASKS + 1 if fault.again == "reasked" else 1)

    items = [MetricItem(sample_id=str(k), answer="答え", verdict=one) for k, one in enumerate(verdicts)]
    score = AGGREGATIONS["mean_ja"](items)
    assert (score.report.n, score.report.scored, score.report.failures) == (21, 20, {fault.failure: 1})
    if fault.failure in PASSING_FAILURES:
        assert math.isnan(score)
    else:  # 20 of 21 are above the least coverage, and 3 is the mean of 1 to 5
        assert score == 3


@pytest.mark.parametrize("seconds", [-30, 1])
def test_retry_after_as_a_date(judged, seconds):
    started = time.monotonic()
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds + 1), usegmt=True)
    [verdict], requests = judged([Reply("多すぎます", status=429, headers={"Retry-After": date}), Reply(GOOD)])
    assert verdict["score"] == 4
    assert len(requests) == 2
    assert 0.5 * seconds < time.monotonic() - started < 25  # not the 30 s of the deadline


def test_a_date_that_is_too_far_away_gets_no_second_request(judged):
    date = format_datetime(datetime.now(timezone.utc) + timedelta(hours=1), usegmt=True)
    [verdict], requests = judged([Reply("多すぎます", status=429, headers={"Retry-After": date})])
    assert (verdict["failure"], len(requests)) == ("transport", 1)


# --- the progress bar ---


def test_the_progress_bar_counts_failures_and_is_silent_when_all_is_there(capsys):
    good, bad = WatchedVerdict(), Verdict()
    items = [MetricItem(sample_id=str(k), answer="答え", verdict=one) for k, one in enumerate([good, good, bad])]
    run = {"score": 4.0, "reference_score": None, "failure": None}

    def finish() -> None:
        assert good.waited_for.wait(PATIENCE_S)
        bad.finish({"failure": "parse", "runs": [run | {"score": None}]})
        good.finish({"failure": None, "runs": [run]})

    finishing = threading.Thread(target=finish)
    finishing.start()
    AGGREGATIONS["mean_ja"](items)
    finishing.join()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "2/2" in shown.err
    assert "verdict/s" in shown.err
    assert "failures=1" in shown.err
    AGGREGATIONS["mean_ja"](items)
    assert capsys.readouterr().err == ""
