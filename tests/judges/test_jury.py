from __future__ import annotations

import re
from contextlib import ExitStack, closing

import pytest

from lmms_eval_ja.clients import JudgeSettings, Store
from lmms_eval_ja.judges import PROTOCOLS, Engine, Judge, Sample, agreement_facts
from support.judge_server import JudgeServer, Reply, user_text

LIKERT = PROTOCOLS["vqa_likert"]
PATIENCE_S = 60
# The table of tests/metrics/test_agreement.py, whose alpha is 1/3: a row for each judge, a column for each answer.
RATINGS = {"strict": [1, 4, 5], "fair": [2, 4, 5], "odd": [3, 4, 2]}


def samples(n: int) -> list[Sample]:
    return [Sample(str(k), f"質問{k}", f"回答{k}", f"参照{k}") for k in range(n)]


def rating(scores: list[int]):
    return lambda body: f"Score: {scores[int(re.search(r'回答([0-9]+)', user_text(body))[1])]}"


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def jury(stack: ExitStack, replies: dict, path, *, repeats: int = 1, **fields) -> tuple[Engine, dict[str, JudgeServer]]:
    servers = {name: stack.enter_context(JudgeServer(reply, model=f"{name}-1")) for name, reply in replies.items()}
    members = {
        name: JudgeSettings(base_url=server.base_url, model=name, deadline_s=30, **fields)
        for name, server in servers.items()
    }
    settings = JudgeSettings(provider="jury", members=tuple(members), repeats=repeats)
    return stack.enter_context(closing(Engine(Judge(settings, members), path))), servers


def judged(engine: Engine, given: list[Sample]) -> list:
    verdicts = [engine.submit(sample, LIKERT) for sample in given]
    assert all(verdict.wait(PATIENCE_S) for verdict in verdicts)
    return verdicts


def test_three_judges_at_once(stack, tmp_path):
    engine, servers = jury(stack, {name: rating(row) for name, row in RATINGS.items()}, tmp_path / "verdicts.sqlite")
    verdicts = judged(engine, samples(3))
    assert [verdict["score"] for verdict in verdicts] == [2, 4, 4]
    assert verdicts[0]["judge"] == "jury (strict, fair, odd)"
    assert verdicts[0]["models"] == ["fair-1", "odd-1", "strict-1"]
    [run] = verdicts[2]["runs"]
    assert {name: member["score"] for name, member in run["members"].items()} == {"strict": 5, "fair": 5, "odd": 2}
    assert [len(server.requests) for server in servers.values()] == [3, 3, 3]
    assert agreement_facts(verdicts)["between_judges"] == pytest.approx(1 / 3)


def test_the_store_is_shared_with_each_judge_alone(stack, tmp_path):
    path = tmp_path / "verdicts.sqlite"
    engine, servers = jury(stack, {name: rating(row) for name, row in RATINGS.items()}, path)
    before = judged(engine, samples(3))
    engine.close()
    alone = JudgeSettings(base_url=servers["odd"].base_url, model="odd")
    with closing(Engine(Judge(alone), path)) as one:
        assert [verdict["score"] for verdict in judged(one, samples(3))] == RATINGS["odd"]
        assert one.asked == 0
    with closing(Store(path)) as store:
        assert len(store) == 9
    again, _ = jury(stack, {name: rating(row) for name, row in RATINGS.items()}, path)
    assert judged(again, samples(3)) == before
    assert again.asked == 0


def test_the_repeats_are_the_jurys(stack, tmp_path):
    replies = {name: rating(row) for name, row in RATINGS.items()}
    engine, servers = jury(stack, replies, tmp_path / "verdicts.sqlite", repeats=2)
    verdicts = judged(engine, samples(1))
    assert [run["score"] for run in verdicts[0]["runs"]] == [2, 2]
    assert [len(server.requests) for server in servers.values()] == [2, 2, 2]


def test_what_one_judge_lacks_the_jury_lacks(stack, tmp_path):
    replies = {"a": rating([5, 5, 5]), "b": lambda body: Reply(None, refusal="お断りします。")}
    engine, _ = jury(stack, replies, tmp_path / "verdicts.sqlite")
    verdicts = judged(engine, samples(2))
    assert [(verdict["score"], verdict["failure"]) for verdict in verdicts] == [(None, "refusal")] * 2
    assert verdicts[0]["runs"][0]["members"]["a"]["score"] == 5
    facts = agreement_facts(verdicts)
    assert facts["between_judges"] is None
    assert (facts["judges"]["a"]["scored"], facts["judges"]["b"]["failed"]) == (2, 2)


def test_the_jury_is_in_the_fingerprint(stack, tmp_path):
    engine, _ = jury(stack, {name: rating(row) for name, row in RATINGS.items()}, tmp_path / "verdicts.sqlite")
    found = engine.judge.fingerprint(LIKERT)
    assert [member["judge"] for member in found["members"].values()] == ["strict", "fair", "odd"]
    assert found["repeats"] == 1
