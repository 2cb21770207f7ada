"""Recorded answers that come with a benchmark: judged beside the answer under test, and no part of its score."""

from __future__ import annotations

import math

import pytest

from lmms_eval_ja.judges import AGGREGATIONS, ANCHOR, anchors_of, comparing, grading, reset_engine
from lmms_eval_ja.metrics import generation_failure

DOC = {"question_id": 7, "question": "何色ですか？", "reference": "白色", "image_id": 3, "category": "conv"}
ANCHORED = DOC | {"anchors": {"good": "白色", "bad": "車は白色です。"}}


@pytest.fixture(autouse=True)
def by_overlap(monkeypatch):
    """The process's engine judges by overlap: no network."""
    reset_engine()
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE", "overlap")
    monkeypatch.delenv("LMMS_EVAL_JA_ANCHORS", raising=False)
    yield
    reset_engine()


def _scores(docs, answer="黒色"):
    """The aggregated scores of all metrics that the documents give."""
    found = [comparing("ja_pairwise")(doc, [answer]) for doc in docs]
    names = [name for name in found[0] if name == "overall" or name.startswith(ANCHOR)]
    return {name: AGGREGATIONS["category_ratios_ja"]([items[name] for items in found]) for name in names}


def test_each_recorded_answer_is_a_metric_with_a_verdict_of_its_own():
    found = comparing("ja_pairwise")(ANCHORED, ["黒色"])
    assert list(found) == [
        "verdict_ja_pairwise",
        "overall",
        "model_mean",
        "reference_mean",
        "conv",
        "anchor_good",
        "anchor_bad",
    ]
    good, bad = found["anchor_good"], found["anchor_bad"]
    # ROUGE-L 1 and 1/3, over 1 to 10
    assert good["verdict"]["score"] == 10
    assert bad["verdict"]["score"] == pytest.approx(1 + 9 / 3)
    assert (good["cluster"], good.category, good.sample_id, good.answer) == ("3", "conv", "7", "白色")
    assert found["verdict_ja_pairwise"]["score"] < bad["verdict"]["score"]


def test_what_the_answer_under_test_gets_stays_as_it_is():
    with_anchors, without = (comparing("ja_pairwise")(doc, ["黒色"]) for doc in (ANCHORED, DOC))
    assert {name: with_anchors[name] for name in without} == without
    assert [with_anchors[name].answer for name in ("overall", "conv")] == ["黒色", "黒色"]


def test_an_anchor_scores_as_its_answer_would_under_test():
    docs = [ANCHORED | {"question_id": n, "category": c} for n, c in enumerate(["conv", "conv", "detail"])]
    scores = _scores(docs)
    assert scores["anchor_good"] == _scores(docs, "白色")["overall"] == 100
    # 4 of 10 in either category
    assert scores["anchor_bad"] == _scores(docs, "車は白色です。")["overall"] == pytest.approx(40)


def test_the_setting_switches_them_off(monkeypatch):
    monkeypatch.setenv("LMMS_EVAL_JA_ANCHORS", "0")
    assert list(comparing("ja_pairwise")(ANCHORED, ["黒色"])) == list(comparing("ja_pairwise")(DOC, ["黒色"]))


def test_a_grading_protocol_compares_with_nothing():
    assert list(grading("vqa_likert")(ANCHORED, ["黒色"])) == ["verdict_vqa_likert", "judge_mean"]


def test_an_answer_that_was_not_recorded_is_a_failure_and_no_number():
    missing = ANCHORED | {"question_id": 8, "anchors": {"good": None, "bad": ""}}
    scores = _scores([ANCHORED, missing])
    assert math.isnan(scores["anchor_good"])
    assert scores["anchor_good"].report.failures == {"generation": 1}
    # An empty answer is one: 4 and 1 of 10.
    assert scores["anchor_bad"] == pytest.approx(25)
    assert not math.isnan(scores["overall"])


def test_reading_anchors():
    assert anchors_of(ANCHORED) == {"good": "白色", "bad": "車は白色です。"}
    assert anchors_of(DOC) == anchors_of(DOC | {"anchors": None}) == {}
    missing = anchors_of(DOC | {"anchors": {"good": None}})
    assert generation_failure(missing["good"]) == "no answer is recorded"


@pytest.mark.parametrize("column", [[[10, 13], [16, 30]], {"boxes": [1, 2]}, "白色", 3])
def test_a_column_of_something_else_is_not_taken_for_answers(column):
    assert anchors_of(DOC | {"anchors": column}) == {}
    assert not any(name.startswith(ANCHOR) for name in comparing("ja_pairwise")(DOC | {"anchors": column}, ["黒色"]))
