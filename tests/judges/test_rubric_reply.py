from __future__ import annotations

import json

import pytest

from lmms_eval_ja.judges import ReplyError
from lmms_eval_ja.judges.protocols import Score
from lmms_eval_ja.judges.protocols.rubric_reply import HIGH, LOW, read_rubric
from support.any_reply import LONG_REPLIES, check_any_reply, outcome, seconds
from support.benchmarks import SHARED, needs_shared


def kind(reply: str) -> str:
    return outcome(read_rubric, reply, LOW, HIGH)


@needs_shared
def test_the_golden_replies():
    lines = (SHARED / "golden" / "golden_prometheus_parse.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    assert len(rows) == 24
    off_the_scale = {"zero", "ten"}
    for row in rows:
        reply = row["text"] or ""
        if row["expected"] is None:
            assert kind(reply) == ("range" if row["name"] in off_the_scale else "parse"), row
        else:
            assert read_rubric(reply) == Score(row["expected"]), row


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("The colour is right, the shape is not. So the overall score is 3. [RESULT] 3", 3),
        ("[RESULT] 1", 1),
        ("[RESULT]5", 5),
        ("良い回答です。\n\n[RESULT]\n\n4\n", 4),
        ("[Result]: 4", 4),
        ("[ RESULT ] 4", 4),
        ("**[RESULT]** 4", 4),
        ("[RESULT] **4**", 4),
        ("**[RESULT]**\n**4**", 4),
        ("[RESULT] (4)", 4),
        ("[RESULT] 4/5", 4),
        ("[RESULT] 4 / 5.", 4),
        ("[RESULT] Score: 4", 4),
        ("[RESULT] score is 4", 4),
        ("［ＲＥＳＵＬＴ］　４点。", 4),
        ("[RESULT] 「4」", 4),
        ("[RESULT] 4\n\nThe answer names the colour and 2 more facts.", 4),
        ("[RESULT] 4<|im_end|>", 4),
        ("[RESULT] 4 </s></s>\n", 4),
        ("[RESULT] 4<｜end▁of▁sentence｜>", 4),
        ("[RESULT] 4<end_of_turn>\n", 4),
        ("[RESULT] 1\nOn second thought:\n[RESULT] 2", 2),
        ("[RESULT] seven\n[RESULT] 2", 2),
        ("<think>[RESULT] 1</think>Good. [RESULT] 4", 4),
        ("[RESULT] 1 かな</think>[RESULT] 4", 4),
        ("So the overall score is 1. No: so the overall score is 2", 2),
        ("So the overall score is **4/5**.</s>", 4),
        ("So the overall score is 1.\n[RESULT] 4", 4),
    ],
)
def test_the_last_result_counts(reply: str, score: int):
    assert read_rubric(reply) == Score(score)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        ("", "parse"),
        ("4", "parse"),
        ("Score: 4", "parse"),
        ("RESULT: 4", "parse"),
        ("[RESULT] 4.5", "parse"),
        ("[RESULT] .5", "parse"),
        ("[RESULT] 4-5", "parse"),
        ("[RESULT] 4, 5", "parse"),
        ("[RESULT] 4/10", "parse"),
        ("[RESULT] 4 points, because", "parse"),
        ("[RESULT] 5点満点中4", "parse"),
        ("[RESULT] 1. The answer is right", "parse"),
        ("[RESULT] (an integer number between 1 and 5)", "parse"),
        # The last marker says nothing; an earlier result is not taken in its place.
        ("[RESULT] 4\n[RESULT]", "parse"),
        ("So the overall score is 4.\n[RESULT]", "parse"),
        ("So the overall score is 4. Or is it?", "parse"),
        ("So the overall score is 4.5.", "parse"),
        ("<think>[RESULT] 4", "parse"),
        ("[RESULT] -3", "range"),
        ("[RESULT] 6", "range"),
        ("[RESULT] 45", "range"),
        ("So the overall score is 7.", "range"),
        pytest.param(f"[RESULT] {'9' * 5000}", "range", id="5000 digits"),
    ],
)
def test_other_replies_are_failures(reply: str, failure: str):
    assert kind(reply) == failure


def test_the_message_shows_the_end_of_the_reply():
    with pytest.raises(ReplyError, match=r"no \"\[RESULT\] n\": 'It is fine\.'"):
        read_rubric("It is fine.")
    with pytest.raises(ReplyError, match="6 is off the scale of 1 to 5"):
        read_rubric("[RESULT] 6")


def test_10_000_replies_are_scores_on_the_scale_or_failures():
    check_any_reply(read_rubric, LOW, HIGH, lambda one, other: f"It misses {other} things. [RESULT] {one}")


@pytest.mark.parametrize("reply", LONG_REPLIES, ids=lambda reply: f"{reply[:12]!r}")
def test_no_reply_takes_long_to_read(reply: str):
    assert kind(reply) == "parse"
    assert seconds(lambda: kind(reply)) < 0.5
