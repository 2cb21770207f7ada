"""Tokens before judging: means of what is stored, else the length of the real prompt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lmms_eval_ja.clients import JudgeSettings, Store, StoredReply
from lmms_eval_ja.judges import Sample, protocol
from lmms_eval_ja.judges.tokens import ASSUMED_REASONING, ASSUMED_REPLY, assumed_tokens, recorded_tokens, tokens_of_text
from support.replies import REPLY

LIKERT, PAIRWISE = protocol("vqa_likert"), protocol("ja_pairwise")
#: A judge that neither reasons nor is known.
LOCAL = JudgeSettings(model="judge", base_url="http://127.0.0.1:8000/v1")
STORED = replace(REPLY, protocol="vqa_likert/1", asked_model="judge", prompt_tokens=100, completion_tokens=10)


def stored(path: Path, *replies: StoredReply) -> Path:
    store = Store(path)
    for number, reply in enumerate(replies):
        store.put(replace(reply, key=str(number)))
    store.close()
    return path


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("abcdefgh", 2), ("白い車", 3), ("色: 白", 2.5), ("😀", 1), ("ｶﾞ", 2)]
)
def test_a_text_counts_by_its_characters(text: str, tokens: float) -> None:
    assert tokens_of_text(text) == tokens


def test_the_real_prompt_is_measured() -> None:
    short = assumed_tokens(LIKERT, LOCAL, [Sample("1", "何色？", "白", "白")])
    longer = assumed_tokens(LIKERT, LOCAL, [Sample("1", "何色？", "白" * 101, "白")])
    assert longer.prompt - short.prompt == 100
    (message,) = LIKERT.messages(Sample("1", "何色？", "白", "白"))
    assert short.prompt == tokens_of_text(message["content"])
    assert (short.replies, short.model) == (0, None)


def test_it_is_the_mean_over_samples_and_orders() -> None:
    samples = [Sample("1", "何色？", "白", "白"), Sample("2", "何色？", "白" * 11, "白")]
    one = assumed_tokens(PAIRWISE, LOCAL, samples[:1]).prompt
    assert assumed_tokens(PAIRWISE, LOCAL, samples).prompt == one + 5  # (0 + 10) / 2
    assert assumed_tokens(PAIRWISE, LOCAL.model_copy(update={"swap": False}), samples).prompt == one + 5


def test_an_over_long_answer_is_counted_as_the_judge_is_shown_it() -> None:
    tokens = assumed_tokens(LIKERT, LOCAL, [Sample("1", "何色？", "白" * 200_000, "白")])
    assert 20_000 < tokens.prompt < 22_000


def test_a_reply_is_assumed_within_its_limit() -> None:
    samples = [Sample("1", "何色？", "白", "白")]
    assert assumed_tokens(LIKERT, LOCAL, samples).completion == ASSUMED_REPLY["vqa_likert"]
    short = LOCAL.model_copy(update={"max_tokens": 50})
    assert assumed_tokens(LIKERT, short, samples).completion == 50
    reasoning = JudgeSettings()
    assert assumed_tokens(LIKERT, reasoning, samples).completion == ASSUMED_REPLY["vqa_likert"] + ASSUMED_REASONING
    assert assumed_tokens(LIKERT, JudgeSettings(max_tokens=500), samples).completion == 500


def test_no_sample_takes_no_prompt() -> None:
    assert assumed_tokens(LIKERT, LOCAL, []).prompt == 0


def test_stored_replies_go_before_assumptions(tmp_path: Path) -> None:
    other_snapshot = replace(STORED, model="judge-2026-02-02", prompt_tokens=400, completion_tokens=40, created=2e9)
    path = stored(tmp_path / "s.sqlite", STORED, STORED, other_snapshot)
    tokens = recorded_tokens(path, LIKERT, LOCAL)
    assert tokens is not None
    # (100 + 100 + 400) / 3 and (10 + 10 + 40) / 3
    assert (tokens.prompt, tokens.completion, tokens.replies) == (200, 20, 3)
    assert tokens.model == "judge-2026-02-02"


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": "vqa_likert/0"},
        {"protocol": "ja_pairwise/1"},
        {"asked_model": "other", "model": "other"},
        {"prompt_tokens": None, "completion_tokens": None},
    ],
)
def test_replies_that_say_nothing_are_left_out(tmp_path: Path, change: dict[str, object]) -> None:
    path = stored(tmp_path / "s.sqlite", replace(STORED, **change))  # type: ignore[arg-type]
    assert recorded_tokens(path, LIKERT, LOCAL) is None
    assert recorded_tokens(tmp_path / "none.sqlite", LIKERT, LOCAL) is None
    assert not (tmp_path / "none.sqlite").exists()
