from __future__ import annotations

import logging
import pickle
import re
import sqlite3
import threading
from contextlib import closing

import pytest

from lmms_eval_ja.clients import JudgeSettings, Store, chat
from lmms_eval_ja.clients import store as store_module
from lmms_eval_ja.judges import (
    OVERLAP_LABEL,
    PROTOCOLS,
    Engine,
    Judge,
    MetricItem,
    Sample,
    current_engine,
    judge_samples,
    position_bias,
    reset_engine,
)
from lmms_eval_ja.metrics import failed_generation
from support.judge_server import DEFAULT_MODEL, JudgeServer, Reply, prompt_length, user_text

LIKERT, PAIRWISE, ORIGINAL = PROTOCOLS["vqa_likert"], PROTOCOLS["ja_pairwise"], PROTOCOLS["original"]
PATIENCE_S = 60  # for what must happen; a test fails when it does not


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(chat, "FIRST_WAIT_S", 0.001)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "verdicts.sqlite"


@pytest.fixture
def engine(path):
    """Makes engines on one store; they are closed at the end."""
    made = []

    def make(server: JudgeServer, **settings) -> Engine:
        settings = {"model": "asked", "deadline_s": 30} | settings
        made.append(Engine(Judge(JudgeSettings(base_url=server.base_url, **settings)), path))
        return made[-1]

    yield make
    for one in made:
        one.close()


def samples(n: int, start: int = 0) -> list[Sample]:
    return [Sample(str(k), f"質問{k}", f"回答{k}", f"参照{k}") for k in range(start, start + n)]


def number(body: dict) -> int:
    """The number of the sample that a request is about."""
    return int(re.search(r"回答(\d+)", user_text(body))[1])


def grade(body: dict) -> str:
    """`Score: n`, which follows from the sample alone."""
    return f"Score: {number(body) % 5 + 1}"


def judged(one: Engine, given: list[Sample], protocol=LIKERT) -> list:
    verdicts = [one.submit(sample, protocol) for sample in given]
    for verdict in verdicts:
        assert verdict.wait(PATIENCE_S)
    return verdicts


def always(*replies: str | Reply) -> JudgeServer:
    """A server that gives these replies in turn, the last one for ever."""
    rest = list(replies)
    return JudgeServer(lambda body: rest.pop(0) if len(rest) > 1 else rest[0])


# --- verdicts ---


def test_what_a_verdict_says(engine):
    with always("理由。Score: 4") as server:
        one = engine(server)
        [verdict] = judged(one, samples(1))
    tokens = {"prompt_tokens": prompt_length(server.requests[0]), "completion_tokens": 11}
    assert verdict == {
        "score": 4.0,
        "reference_score": None,
        "failure": None,
        "reason": None,
        "protocol": "vqa_likert",
        "judge": "asked",
        "models": [DEFAULT_MODEL],
        "usage": {"replies": 1, "usd": None} | tokens,
        "runs": [
            {
                "score": 4.0,
                "reference_score": None,
                "failure": None,
                "reason": None,
                "replies": [{"model": DEFAULT_MODEL, "content": "理由。Score: 4", "pass": 0, "reask": 0} | tokens],
            }
        ],
    }
    assert (one.asked, one.from_store) == (1, 0)
    assert server.requests[0]["messages"] == LIKERT.messages(samples(1)[0])
    assert {name: server.requests[0][name] for name in ("model", "temperature", "seed", "max_tokens")} == {
        "model": "asked",
        "temperature": 0,
        "seed": 0,
        "max_tokens": 1024,
    }


def test_replies_in_another_order_than_the_submissions(engine):
    last_served = threading.Event()

    def reply(body):
        if number(body) == 4:
            last_served.set()
        else:
            assert last_served.wait(PATIENCE_S)
        return grade(body)

    with JudgeServer(reply) as server:
        verdicts = judged(engine(server, concurrency=5), samples(5))
        assert server.errors == []
    assert [verdict["score"] for verdict in verdicts] == [1, 2, 3, 4, 5]


def test_both_orders_are_asked_and_averaged(engine):
    def reply(body):
        text = user_text(body)
        first = text.index("参照回答 ここから") < text.index("評価対象の回答 ここから")
        return '{"score_gpt": 9, "score": 4}' if first else '{"score_gpt": 6, "score": 7}'

    with JudgeServer(reply) as server:
        [verdict] = judged(engine(server), samples(1), PAIRWISE)
    assert (verdict["score"], verdict["reference_score"]) == (5.5, 7.5)
    assert [r["pass"] for r in verdict["runs"][0]["replies"]] == [0, 1]
    assert len(server.requests) == 2


def test_the_same_sample_twice_is_one_request(engine):
    submitted = threading.Event()

    def reply(body):
        assert submitted.wait(PATIENCE_S)
        return grade(body)

    with JudgeServer(reply) as server:
        one = engine(server)
        verdicts = [one.submit(sample, LIKERT) for sample in samples(1) * 3]
        submitted.set()
        assert all(verdict.wait(PATIENCE_S) for verdict in verdicts)
    assert len(server.requests) == 1
    assert verdicts[0] == verdicts[1] == verdicts[2]
    assert verdicts[0] is not verdicts[1]


def test_a_second_engine_on_the_same_store_asks_nobody(engine):
    with JudgeServer(grade) as server:
        first = engine(server)
        before = judged(first, samples(20))
        first.close()
    second = engine(server)  # whose server is gone
    assert judged(second, samples(20)) == before
    assert (second.asked, second.from_store) == (0, 20)


def test_a_run_whose_server_dies_is_resumed_where_it_stood(engine, path):
    given = samples(12)
    with JudgeServer(grade, stop_after=5) as server:
        first = engine(server, concurrency=3, deadline_s=3, max_failures_in_row=1)
        verdicts = judged(first, given)
        first.close()
    with closing(Store(path)) as store:
        assert len(store) == 5
    missing = [k for k, verdict in enumerate(verdicts) if verdict["failure"]]
    assert {verdicts[k]["failure"] for k in missing} == {"transport"}
    assert len(missing) == 7
    with JudgeServer(grade) as server:
        second = engine(server, concurrency=3)
        scores = [verdict["score"] for verdict in judged(second, given)]
    assert sorted(number(body) for body in server.requests) == missing
    assert scores == [k % 5 + 1 for k in range(12)]
    assert (second.asked, second.from_store) == (7, 5)


def test_repeats_are_runs_of_their_own(engine, path):
    with always("Score: 1", "Score: 2", "Score: 5") as server:
        [verdict] = judged(engine(server, repeats=3, concurrency=1), samples(1))
    assert [run["score"] for run in verdict["runs"]] == [1, 2, 5]
    assert verdict["score"] == pytest.approx(8 / 3)
    assert len(server.requests) == 3
    assert server.requests[0] == server.requests[1] == server.requests[2]
    with closing(Store(path)) as store:
        assert len(store) == 3
    again = engine(server, repeats=3)
    assert judged(again, samples(1)) == [verdict]
    assert again.asked == 0


def test_repeats_of_many_samples(engine):
    with JudgeServer(grade) as server:
        verdicts = judged(engine(server, repeats=3), samples(4))
    assert sorted(number(body) for body in server.requests) == sorted([*range(4)] * 3)
    assert [len(verdict["runs"]) for verdict in verdicts] == [3] * 4


def test_settings_that_are_sent_are_part_of_what_is_stored(engine):
    with always("Score: 3") as server:
        judged(engine(server), samples(1))
        judged(engine(server, temperature=0.5), samples(1))
        judged(engine(server, model="another"), samples(1))
        judged(engine(server, concurrency=2, deadline_s=20), samples(1))
    assert [(body["model"], body["temperature"]) for body in server.requests] == [
        ("asked", 0),
        ("asked", 0.5),
        ("another", 0),
    ]


def test_pickling_waits_for_the_verdict(engine):
    with JudgeServer(grade) as server:
        verdict = engine(server).submit(samples(1)[0], LIKERT)
        copy = pickle.loads(pickle.dumps(verdict))  # noqa: S301 (our own bytes)
    assert copy["score"] == 1
    assert copy == verdict
    assert copy.done


# --- replies that give no score ---


def test_an_unreadable_reply_is_asked_for_again(engine, path):
    with always("うーん", Reply(None), "Score: 2") as server:
        one = engine(server, reasks=2)
        [verdict] = judged(one, samples(1))
    assert verdict["score"] == 2
    assert [(r["reask"], r["content"]) for r in verdict["runs"][0]["replies"]] == [
        (0, "うーん"),
        (1, None),
        (2, "Score: 2"),
    ]
    assert len(server.requests) == one.asked == 3
    with closing(Store(path)) as store:  # every reply is kept under a key of its own
        assert sorted(str(reply.content) for reply in store) == ["None", "Score: 2", "うーん"]


@pytest.mark.parametrize("reasks", [0, 2])
def test_asking_again_has_an_end(engine, reasks):
    with always("うーん") as server:
        [verdict] = judged(engine(server, reasks=reasks), samples(1))
    assert (verdict["failure"], verdict["score"]) == ("parse", None)
    assert "うーん" in verdict["reason"]
    assert len(server.requests) == reasks + 1


def test_a_cut_reply_says_so(engine):
    with always(Reply("まず", finish_reason="length")) as server:
        [verdict] = judged(engine(server, reasks=0), samples(1))
    assert verdict["reason"].endswith("(cut at the token limit)")


@pytest.mark.parametrize(
    ("reply", "failure", "reason"),
    [
        (Reply("Score: 7"), "range", "7 is off the scale of 1 to 5"),
        (Reply(None, refusal="お答えできません。"), "refusal", "お答えできません。"),
        (Reply("", finish_reason="content_filter"), "filter", "content filter"),
        (Reply("長すぎます", status=400), "transport", "HTTP 400"),
        (Reply("違う鍵です", status=401), "key", "違う鍵です"),
        (Reply("無題", status=404), "transport", "HTTP 404"),
    ],
)
def test_failures_have_names_and_are_no_numbers(engine, reply, failure, reason):
    with always(reply) as server:
        [verdict] = judged(engine(server), samples(1))
    assert (verdict["failure"], verdict["score"], verdict["reference_score"]) == (failure, None, None)
    assert reason in verdict["reason"]
    assert verdict["runs"][0]["failure"] == failure
    assert verdict["runs"][0]["score"] is None
    assert len(server.requests) == 1


def test_a_refusal_is_stored_and_a_filter_is_not(engine, path):
    with always(Reply(None, refusal="お断りします。")) as server:
        first = judged(engine(server), samples(1))
        assert judged(engine(server), samples(1)) == first
    assert len(server.requests) == 1
    with closing(Store(path)) as store:
        assert [reply.refusal for reply in store] == ["お断りします。"]


def test_a_second_pass_that_fails_leaves_no_score(engine):
    with always('{"score_gpt": 9, "score": 4}', '{"score_gpt": 9, "score": 40}') as server:
        [verdict] = judged(engine(server), samples(1), PAIRWISE)
    assert (verdict["failure"], verdict["score"], verdict["reference_score"]) == ("range", None, None)


def test_of_several_failures_one_that_can_be_mended_is_named(engine):
    with always("うーん", Reply("壊れました", status=400)) as server:
        [verdict] = judged(engine(server, repeats=2, reasks=0, concurrency=1), samples(1))
    assert [run["failure"] for run in verdict["runs"]] == ["parse", "transport"]
    assert verdict["failure"] == "transport"
    assert "HTTP 400" in verdict["reason"]


def test_one_failed_repeat_leaves_no_score(engine):
    with always("Score: 5", "Score: 9", "Score: 5") as server:
        [verdict] = judged(engine(server, repeats=3, concurrency=1), samples(1))
    assert [run["score"] for run in verdict["runs"]] == [5, None, 5]
    assert (verdict["failure"], verdict["score"]) == ("range", None)


def test_a_failed_generation_is_not_judged(engine, path):
    with JudgeServer(grade) as server:
        one = engine(server)
        verdict = one.submit(Sample("1", "質問", failed_generation("メモリ不足")), LIKERT)
        assert verdict.done
    assert (verdict["failure"], verdict["reason"], verdict["score"]) == ("generation", "メモリ不足", None)
    assert server.calls == []
    assert not path.exists()


def test_an_empty_answer_is_judged(engine):
    with always("Score: 1") as server:
        [verdict] = judged(engine(server), [Sample("1", "質問", "", "参照")])
    assert verdict["score"] == 1
    assert len(server.requests) == 1


def test_a_prompt_that_cannot_be_made_is_a_failure(engine, monkeypatch, tmp_path):
    monkeypatch.setenv("LMMS_EVAL_JA_ASSETS", str(tmp_path))
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_FILE", str(tmp_path / "missing.toml"))  # settings that cannot be read
    with JudgeServer(grade) as server:
        verdicts = judged(engine(server, concurrency=1), samples(3), ORIGINAL)
    assert [verdict["failure"] for verdict in verdicts] == ["transport"] * 3
    assert "missing.toml" in verdicts[0]["reason"]
    assert server.calls == []


def test_what_a_broken_server_sends_is_stored(engine, path):
    body = rb'{"choices": [{"message": {"content": "Score: 4 \ud83d"}, "finish_reason": "\ud83d"}], "model": 5}'
    with always(Reply(None, body=body)) as server:
        verdicts = judged(engine(server), samples(2))
    assert [(verdict["score"], verdict["models"]) for verdict in verdicts] == [(4, ["5"])] * 2
    with closing(Store(path)) as store:
        assert {reply.content for reply in store} == {"Score: 4 ?"}


# --- giving up ---


def test_a_rejected_key_stops_the_asking(engine):
    with JudgeServer(grade, require_key="another") as server:
        verdicts = judged(engine(server, concurrency=4), samples(200))
    assert {verdict["failure"] for verdict in verdicts} == {"key"}
    assert 1 <= len(server.requests) <= 4
    assert sum("not asked" in verdict["reason"] for verdict in verdicts) == 200 - len(server.requests)


def test_many_failures_in_a_row_stop_the_asking(engine, caplog):
    with always(Reply("壊れました", status=400)) as server, caplog.at_level(logging.ERROR):
        verdicts = judged(engine(server, concurrency=2, max_failures_in_row=5), samples(100))
    assert {verdict["failure"] for verdict in verdicts} == {"transport"}
    assert 5 <= len(server.requests) <= 6
    assert "given up" in verdicts[-1]["reason"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_failures_between_successes_do_not_stop_it(engine):
    def reply(body):
        return Reply("だめ", status=400) if number(body) % 2 else grade(body)

    with JudgeServer(reply) as server:
        verdicts = judged(engine(server, concurrency=1, max_failures_in_row=2), samples(20))
    assert len(server.requests) == 20
    assert [verdict["failure"] for verdict in verdicts] == [None, "transport"] * 10


def test_filtered_replies_do_not_stop_it(engine):
    with always(Reply("", finish_reason="content_filter")) as server:
        verdicts = judged(engine(server, max_failures_in_row=1), samples(20))
    assert {verdict["failure"] for verdict in verdicts} == {"filter"}
    assert len(server.requests) == 20


def test_an_engine_that_gave_up_still_reads_the_store(engine):
    with JudgeServer(grade) as server:
        judged(engine(server), samples(3))
    with JudgeServer(grade, require_key="another") as server:
        one = engine(server, concurrency=1)
        verdicts = judged(one, [*samples(1, start=100), *samples(3)])
    assert [verdict["failure"] for verdict in verdicts] == ["key", None, None, None]


def test_a_store_that_cannot_be_written_stops_the_asking(engine, path, monkeypatch):
    monkeypatch.setattr(store_module, "BUSY_TIMEOUT_S", 0.05)
    Store(path).close()
    with always("Score: 4") as server:
        one = engine(server, concurrency=2)
        first = judged(one, samples(1))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            verdicts = judged(one, samples(100, start=1))
            other.execute("ROLLBACK")
        one.close()
    assert first[0]["score"] == 4
    assert {verdict["failure"] for verdict in verdicts} == {"transport"}
    assert sum("cannot be written" in verdict["reason"] for verdict in verdicts) == 100
    assert len(server.requests) <= 3
    with closing(Store(path)) as store:  # what was paid for was written when the file was free
        assert len(store) == len(server.requests)


def test_a_damaged_store_is_told_and_replaced(engine, path, caplog):
    path.write_bytes(b"no database " * 500)
    with JudgeServer(grade) as server, caplog.at_level(logging.WARNING):
        [verdict] = judged(engine(server), samples(1))
    assert verdict["score"] == 1
    assert "was damaged" in caplog.text
    assert "verdicts.sqlite.damaged-" in caplog.text


# --- the engine itself ---


def test_a_thousand_samples_at_most_64_at_once(engine):
    with JudgeServer(grade) as server:
        verdicts = judged(engine(server, concurrency=64), samples(1000))
        assert 1 < server.peak <= 64
    assert [verdict["score"] for verdict in verdicts] == [k % 5 + 1 for k in range(1000)]
    assert len(server.requests) == 1000


def test_one_at_a_time(engine):
    with JudgeServer(grade) as server:
        judged(engine(server, concurrency=1), samples(10), LIKERT)
        assert server.peak == 1


def test_submitting_from_many_threads(engine):
    with JudgeServer(grade) as server:
        one = engine(server)
        found: dict[int, float] = {}

        def work(start: int) -> None:
            for k, verdict in enumerate(judged(one, samples(25, start=start)), start):
                found[k] = verdict["score"]

        threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 100, 25)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
    assert found == {k: k % 5 + 1 for k in range(100)}


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("lmms-eval-ja")]


def test_nothing_is_left_running(engine):
    assert ours() == []
    with JudgeServer(grade) as server:
        one = engine(server)
        judged(one, samples(5))
        assert ours() != []
        one.close()
        assert ours() == []
        one.close()


def test_closing_ends_the_verdicts_that_are_out(engine):
    asked, over = threading.Event(), threading.Event()

    def reply(body):
        asked.set()
        over.wait(PATIENCE_S)
        return grade(body)

    with JudgeServer(reply) as server:
        one = engine(server, concurrency=2)
        verdicts = [one.submit(sample, LIKERT) for sample in samples(6)]
        assert asked.wait(PATIENCE_S)
        one.close()
        over.set()
        assert all(verdict.wait(PATIENCE_S) for verdict in verdicts)
    assert [(verdict["failure"], verdict["score"]) for verdict in verdicts] == [("transport", None)] * 6
    assert "closed" in verdicts[0]["reason"]
    assert ours() == []


def test_a_closed_engine_takes_no_more(engine):
    with JudgeServer(grade) as server:
        one = engine(server)
        one.close()
        with pytest.raises(RuntimeError, match="closed"):
            one.submit(samples(1)[0], LIKERT)
    assert server.calls == []


def test_a_store_that_cannot_be_opened_is_told_at_once(engine, path):
    path.mkdir()
    with JudgeServer(grade) as server, pytest.raises(OSError, match="cannot be opened"):
        engine(server).submit(samples(1)[0], LIKERT)


# --- overlap, judge_samples, the engine of the process ---


def test_overlap_needs_neither_network_nor_store(path):
    one = Engine(Judge.overlap(), path)
    verdict = one.submit(Sample("1", "何色？", "車は白色です。", "白色"), LIKERT)
    assert verdict.done
    # ROUGE-L 33.3 (PROTOCOLS.md section 4) over the scale of 1 to 5: 1 + 4/3
    assert verdict["score"] == pytest.approx(1 + 4 / 3)
    assert verdict["reference_score"] is None
    assert verdict["judge"] == OVERLAP_LABEL
    assert verdict["models"] == []
    compared = one.submit(Sample("1", "何色？", "白色", "白色"), PAIRWISE)
    assert (compared["score"], compared["reference_score"]) == (10, 10)
    assert not path.exists()
    assert ours() == []
    one.close()


def test_judge_samples_gives_verdicts_in_the_order_of_the_samples(path):
    with JudgeServer(grade) as server:
        judge = Judge(JudgeSettings(base_url=server.base_url, model="asked"))
        verdicts = judge_samples(samples(10)[::-1], "vqa_likert", judge, store=path)
    assert [verdict["score"] for verdict in verdicts] == [k % 5 + 1 for k in range(10)][::-1]
    assert ours() == []
    with closing(Store(path)) as store:
        assert {reply.protocol for reply in store} == {"vqa_likert/1"}


def test_judge_samples_uses_the_store_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("LMMS_EVAL_JA_STORE", str(tmp_path / "mine.sqlite"))
    with JudgeServer(grade) as server:
        judge_samples(samples(1), "vqa_likert", Judge(JudgeSettings(base_url=server.base_url, model="asked")))
    with closing(Store(tmp_path / "mine.sqlite")) as store:
        assert len(store) == 1


def test_judge_samples_by_overlap_fetches_nothing(path):
    [verdict] = judge_samples([Sample("1", "q", "白", "白", category="conv")], "original", Judge.overlap(), store=path)
    assert (verdict["score"], verdict["reference_score"]) == (10, 10)


def test_judge_samples_with_an_unknown_protocol(path):
    with pytest.raises(ValueError, match="unknown protocol 'heron'"):
        judge_samples(samples(1), "heron", Judge.overlap(), store=path)


def test_the_engine_of_the_process_is_made_once_from_the_settings(monkeypatch, path):
    reset_engine()
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE", "overlap")
    monkeypatch.setenv("LMMS_EVAL_JA_STORE", str(path))
    try:
        first = current_engine()
        assert first.judge.is_overlap
        assert first.store_path == path
        monkeypatch.setenv("LMMS_EVAL_JA_JUDGE", "openai")
        assert current_engine() is first
        reset_engine()
        assert not current_engine().judge.is_overlap
    finally:
        reset_engine()


# --- the order of the two answers ---


def both_orders(body: dict) -> str:
    """Ten for what stands first, five for what stands second."""
    return '{"score_gpt": 10, "score": 5}' if user_text(body).index("参照0") < user_text(body).index("回答0") else (
        '{"score_gpt": 5, "score": 10}'
    )  # fmt: skip


def test_swap_off_asks_in_the_first_order_only(engine):
    with JudgeServer(both_orders) as server:
        one = engine(server, swap=False)
        [verdict] = judged(one, samples(1), PAIRWISE)
    assert (verdict["score"], verdict["reference_score"], len(server.requests)) == (5, 10, 1)
    assert one.judge.fingerprint(PAIRWISE)["orders"] == 1
    assert one.judge.requests(PAIRWISE) == 1


def test_swap_on_asks_a_protocol_of_one_order_in_both(engine, monkeypatch):
    monkeypatch.setattr(ORIGINAL, "_rules", {"conv": "規則"})
    with JudgeServer(lambda body: "10 5") as server:
        one = engine(server, swap=True)
        given = [Sample("0", "質問", "回答", "参照", category="conv")]
        [verdict] = judged(one, given, ORIGINAL)
        [plain] = judged(engine(server), given, ORIGINAL)
    assert (verdict["score"], verdict["reference_score"]) == (7.5, 7.5)
    assert [(p["score"], p["reference_score"]) for p in verdict["runs"][0]["passes"]] == [(5, 10), (10, 5)]
    assert position_bias([MetricItem(sample_id="0", answer="回答", verdict=verdict)])["points"] == 5
    asked = [user_text(body) for body in server.requests]  # both orders at once: either may arrive first
    for one_order in (("参照", "回答"), ("回答", "参照")):
        shown = [f"[Assistant {place}]\n{text}\n" for place, text in enumerate(one_order, 1)]
        assert sum(all(block in text for block in shown) for text in asked) == 1
    assert len(asked) == 2  # the first order alone came from the store
    assert (plain["score"], plain["reference_score"]) == (5, 10)
    assert one.judge.fingerprint(ORIGINAL)["orders"] == 2
    assert "orders" not in engine(server).judge.fingerprint(ORIGINAL)


def test_swap_means_nothing_to_a_protocol_that_compares_nothing(engine):
    with JudgeServer(grade) as server:
        judged(engine(server, swap=True), samples(1))
    assert len(server.requests) == 1


# --- several ranks ---


def test_ranks_share_slots_and_budget(monkeypatch, path):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_CONCURRENCY", "10")
    monkeypatch.setenv("LMMS_EVAL_JA_BUDGET_USD", "2")
    monkeypatch.setenv("LMMS_EVAL_JA_STORE", str(path))
    reset_engine()
    try:
        one = current_engine()
        assert one.judge.settings.concurrency == 2
        assert one.budget_usd == 0.5
    finally:
        reset_engine()
