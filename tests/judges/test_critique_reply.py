from __future__ import annotations

import json

import pytest

from lmms_eval_ja.judges import ReplyError
from lmms_eval_ja.judges.protocols import Score
from lmms_eval_ja.judges.protocols.critique_reply import HIGH, LOW, read_critique
from support.any_reply import LONG_REPLIES, check_any_reply, outcome, seconds
from support.benchmarks import SHARED, needs_shared


def kind(reply: str) -> str:
    return outcome(read_critique, reply, LOW, HIGH)


@needs_shared
def test_the_golden_replies():
    lines = (SHARED / "golden" / "golden_critique_parse.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    assert len(rows) == 7
    for row in rows:
        if row["expected"] is None:
            assert kind(row["text"]) == ("range" if row["name"] == "out_of_range_high" else "parse"), row
        else:
            assert read_critique(row["text"]) == Score(row["expected"]), row


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ('{"Rating": 8, "Reason": "色は正しい。"}', 8),
        ('{"Reason": "10 点ではない {理由}", "Rating": 1}', 1),
        ('{"Rating": 10}', 10),
        ('{"Rating": "8"}', 8),
        ('{"Rating": "８", "Reason": ""}', 8),
        ("｛＂Rating＂：　８｝", 8),
        ('{"Rating": 8.0}', 8),
        ('採点します。\n```json\n{\n  "Rating": 8,\n  "Reason": "一行目\n二行目"\n}\n```\n以上です。', 8),
        ('{"Rating": 2, "Reason": "?"}\n訂正します。\n{"Rating": 8, "Reason": "!"}', 8),
        ('{"Rating": 8, "Reason": "!"}\n{"Note": 1}', 8),
        ('{{"Rating": 8}}', 8),
        ('[{"Rating": 8}]', 8),
        ('<think>{"Rating": 1}</think>{"Rating": 8}', 8),
        ('{"Rating": 1} かな</think>{"Rating": 8}', 8),
        ('{"Rating": 8, "Reason": "回答は {\\"Rating\\": 10} と書いている"}', 8),
    ],
)
def test_the_last_object_with_a_rating(reply: str, score: int):
    assert read_critique(reply) == Score(score)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        ("", "parse"),
        ("8", "parse"),
        ("Rating: 8", "parse"),
        ('{"Reason": "8"}', "parse"),
        ('{"rating": 8}', "parse"),
        ("{'Rating': 8}", "parse"),
        ('{"Rating": 8', "parse"),
        ('{"Rating": null}', "parse"),
        ('{"Rating": true}', "parse"),
        ('{"Rating": NaN}', "parse"),
        ('{"Rating": [8]}', "parse"),
        ('{"Rating": "8/10"}', "parse"),
        ('{"Rating": "8点"}', "parse"),
        ('{"Rating": "7.5"}', "parse"),
        ('{"Result": {"Rating": 8}}', "parse"),
        # The last rating cannot be read; an earlier one is not taken in its place.
        ('{"Rating": 8}\n{"Rating": "?"}', "parse"),
        ('<think>{"Rating": 8}', "parse"),
        ('{"Rating": 0}', "range"),
        ('{"Rating": -8}', "range"),
        ('{"Rating": 11.5}', "range"),
        ('{"Rating": Infinity}', "range"),
        pytest.param(f'{{"Rating": {"9" * 5000}}}', "range", id="5000 digits"),
        pytest.param('{"Rating":' * 5000, "parse", id="deep"),
    ],
)
def test_other_replies_are_failures(reply: str, failure: str):
    assert kind(reply) == failure


def test_the_message_says_what_was_there():
    with pytest.raises(ReplyError, match="no JSON object with \"Rating\": '8点です。'"):
        read_critique("8点です。")
    with pytest.raises(ReplyError, match=r"7\.5 is not one of the scale's whole numbers"):
        read_critique('{"Rating": 7.5}')
    with pytest.raises(ReplyError, match="11 is off the scale of 1 to 10"):
        read_critique('{"Rating": 11}')


def test_10_000_replies_are_scores_on_the_scale_or_failures():
    check_any_reply(read_critique, LOW, HIGH, lambda one, other: f'{{"Rating": {one}, "Reason": [{other}]}}')


@pytest.mark.parametrize("reply", LONG_REPLIES, ids=lambda reply: f"{reply[:12]!r}")
def test_no_reply_takes_long_to_read(reply: str):
    assert kind(reply) == "parse"
    assert seconds(lambda: kind(reply)) < 0.5
