from __future__ import annotations

import re
from contextlib import closing

import pytest

from lmms_eval_ja.clients import JudgeSettings, Store
from lmms_eval_ja.judges import PROTOCOLS, Engine, Judge, Sample
from support.judge_server import JudgeServer, Reply, user_text

LIKERT = PROTOCOLS["vqa_likert"]
PATIENCE_S = 60
#: A dollar a million prompt tokens and nothing for replies: the scripted server counts a token a character.
PRICES = {"price_input": 1.0, "price_output": 0.0}


def samples(n: int) -> list[Sample]:
    return [Sample(str(k), f"質問{k}", f"回答{k}", f"参照{k}") for k in range(n)]


def grade(body: dict) -> str:
    return f"Score: {int(re.search(r'回答([0-9]+)', user_text(body))[1]) % 5 + 1}"


def judged(server: JudgeServer, path, n: int, budget: float | None, **fields) -> tuple[list, Engine]:
    settings = JudgeSettings(base_url=server.base_url, model="asked", deadline_s=30, **fields)
    with closing(Engine(Judge(settings), path, budget_usd=budget)) as engine:
        verdicts = [engine.submit(sample, LIKERT) for sample in samples(n)]
        assert all(verdict.wait(PATIENCE_S) for verdict in verdicts)
    return verdicts, engine


def spent(verdicts) -> float:
    return sum(verdict.paid.usd for verdict in verdicts)


def test_it_stops_before_the_limit_and_resumes(tmp_path):
    path = tmp_path / "verdicts.sqlite"
    with JudgeServer(grade) as server:
        whole, _ = judged(server, tmp_path / "other.sqlite", 12, None, **PRICES)
        budget = spent(whole) / 2
        server.requests.clear()
        first, engine = judged(server, path, 12, budget, **PRICES)
        done = [verdict for verdict in first if verdict["failure"] is None]
        assert 0 < len(done) < 12
        assert spent(first) <= budget
        assert engine.asked == len(server.requests) == len(done)
        assert {verdict["failure"] for verdict in first if verdict not in done} == {"budget"}
        stopped = next(verdict for verdict in first if verdict["failure"])
        assert re.search(r"the budget of \$[0-9.e-]+ has \$.* left.*LMMS_EVAL_JA_BUDGET_USD", stopped["reason"])
        second, engine = judged(server, path, 12, None, **PRICES)
    assert engine.asked == 12 - len(done)
    assert second == whole


def test_many_at_once_do_not_pass_the_limit(tmp_path):
    with JudgeServer(lambda body: Reply(grade(body), delay_s=0.05)) as server:
        verdicts, _ = judged(server, tmp_path / "verdicts.sqlite", 40, 0.02, **PRICES)
        assert server.peak > 1
    assert 0 < spent(verdicts) <= 0.02


def test_a_reply_without_usage_counts_as_the_most_that_it_can_cost(tmp_path):
    body = b'{"model": "m", "choices": [{"message": {"content": "Score: 3"}, "finish_reason": "stop"}]}'
    with JudgeServer(lambda _: Reply(None, body=body)) as server:
        verdicts, _ = judged(server, tmp_path / "verdicts.sqlite", 12, 0.03, **PRICES)
        asked = len(server.requests)
    longest = max(len(str(request["messages"]).encode()) for request in server.requests) / 1e6
    assert 0 < asked <= 0.03 / longest + 1
    assert verdicts[0]["usage"]["usd"] is None


def test_without_a_price_nothing_is_sent(tmp_path):
    with JudgeServer(grade) as server:
        verdicts, _ = judged(server, tmp_path / "verdicts.sqlite", 3, 1.0)
        assert server.requests == []
    assert {verdict["failure"] for verdict in verdicts} == {"budget"}
    assert "price_input" in verdicts[0]["reason"]


def test_the_cost_stands_in_the_verdict(tmp_path):
    path = tmp_path / "verdicts.sqlite"
    with JudgeServer(grade) as server:
        [first], _ = judged(server, path, 1, None, price_input=2.0, price_output=10.0)
        [again], _ = judged(server, path, 1, None, price_input=2.0, price_output=10.0)
    usage = first["usage"]
    assert usage["usd"] == pytest.approx((2 * usage["prompt_tokens"] + 10 * usage["completion_tokens"]) / 1e6)
    assert (first.paid.requests, first.paid.usd) == (1, usage["usd"])
    assert again == first
    assert (again.paid.requests, again.paid.usd) == (0, 0.0)


@pytest.mark.parametrize("mode", ["store", "batch"])
def test_nobody_is_asked_in_other_modes(tmp_path, mode):
    path = tmp_path / "verdicts.sqlite"
    with JudgeServer(grade) as server:
        before, _ = judged(server, path, 2, None)
        verdicts, engine = judged(server, path, 3, None, mode=mode)
        assert len(server.requests) == 2
    assert verdicts[:2] == before
    assert verdicts[2]["failure"] == "transport"
    assert f"nobody is asked (mode '{mode}')" in verdicts[2]["reason"]
    assert engine.asked == 0
    with closing(Store(path)) as store:
        assert len(store) == 2


def test_a_reply_that_verdicts_share_is_paid_for_once(tmp_path):
    settings = {"model": "asked", "deadline_s": 30, **PRICES}
    with JudgeServer(grade) as server:
        judge = Judge(JudgeSettings(base_url=server.base_url, **settings))
        with closing(Engine(judge, tmp_path / "verdicts.sqlite")) as engine:
            verdicts = [engine.submit(sample, LIKERT) for sample in samples(1) * 2]
            assert all(verdict.wait(PATIENCE_S) for verdict in verdicts)
    assert sorted(verdict.paid.requests for verdict in verdicts) == [0, 1]
    assert sum(verdict.paid.usd for verdict in verdicts) == verdicts[0]["usage"]["usd"]
