"""Marks of answers without a judge."""

from __future__ import annotations

from typing import Any

import pytest

from lmms_eval_ja.jp_tasks.scoring import READ, Mark, marked_by, metrics_of, score_choice
from lmms_eval_ja.judges.alignment import alignment_ja, dispersion_ja
from lmms_eval_ja.judges.sample_facts import UNREAD
from lmms_eval_ja.judges.scores import mean_ja
from lmms_eval_ja.metrics import failed_generation

DOC: dict[str, Any] = {
    "question_id": "7",
    "question": "どこですか？",
    "choices": ["東京", "大阪", "京都"],
    "reference": "B",
    "image_id": "p3",
    "category": "都市",
    "parts": ["cities"],
}


def values(answer: str, doc: dict[str, Any] = DOC) -> dict[str, float | None]:
    return {name: item.value for name, item in score_choice(doc, [answer]).items()}


@pytest.mark.parametrize("answer", ["B", "Ｂ", "「B」", "B：大阪", "正解はＢです。", "大阪", " B\n大阪 "])
def test_a_right_answer(answer: str) -> None:
    assert values(answer) == {"cities": 100, "accuracy_parsed": 100, "unparsed": 0, "accuracy": 100}


@pytest.mark.parametrize("answer", ["A", "答えは京都です。"])
def test_a_wrong_answer(answer: str) -> None:
    assert values(answer) == {"cities": 0, "accuracy_parsed": 0, "unparsed": 0, "accuracy": 0}


@pytest.mark.parametrize("answer", ["", "わかりません。", "AかBです。", "Z"])
def test_an_answer_that_cannot_be_read_is_not_right_and_left_out_of_the_parsed(answer: str) -> None:
    assert values(answer) == {"cities": 0, "unparsed": 100, "accuracy": 0}


def test_items_say_what_was_read_or_why_nothing_was() -> None:
    right, unread = (score_choice(DOC, [answer])["accuracy"] for answer in ("B", "AかBです。"))
    assert dict(right) == {"cluster": "p3", "category": "都市", READ: "B"}
    assert dict(unread) == {"cluster": "p3", "category": "都市", UNREAD: "ambiguous"}
    assert (right.sample_id, right.answer) == ("7", "B")


def test_a_failed_generation_is_a_failure_of_every_metric() -> None:
    items = score_choice(DOC, [failed_generation("out of memory")])
    assert set(items) == {"cities", "accuracy_parsed", "unparsed", "accuracy"}
    assert {(item.value, item.failed()) for item in items.values()} == {(None, "generation")}
    assert mean_ja([items["accuracy"]]).report.incomplete


def test_a_document_without_its_picture_is_left_out_whatever_the_answer() -> None:
    for failure in ("transport", "picture"):
        items = score_choice(DOC | {"picture_failure": failure}, ["B"])
        assert {(item.value, item.failed()) for item in items.values()} == {(None, failure)}
    assert not mean_ja([items["accuracy"]]).report.incomplete
    assert score_choice(DOC | {"picture_failure": None}, ["B"])["accuracy"].value == 100


def test_every_metric_has_an_item_of_its_own() -> None:
    items = score_choice(DOC, ["B"])
    assert len({id(item) for item in items.values()}) == len(items)


def test_the_headline_comes_last() -> None:
    assert list(score_choice(DOC, ["B"]))[-1] == "accuracy"
    assert list(score_choice(DOC, ["？"]))[-1] == "accuracy"


def test_a_marking_of_ones_own() -> None:
    process_results = marked_by(lambda doc, answer: Mark(answer, right=answer == doc["reference"]))
    assert process_results(DOC, ["B "])["accuracy"].value == 100
    assert metrics_of({**DOC, "parts": None}, "C", lambda *_: Mark(None, reason="why"))["accuracy"][UNREAD] == "why"


def test_a_question_in_several_wordings() -> None:
    answers = ["B", "B", "A", "C"]  # two of four are right: a standard deviation of 50
    items = [score_choice(DOC | {"prompt_cluster": "7"}, [answer]) for answer in answers]
    assert list(items[0]) == ["cities", "alignment", "dispersion", "accuracy_parsed", "unparsed", "accuracy"]
    assert dispersion_ja([one["dispersion"] for one in items]) == 50
    assert alignment_ja([one["alignment"] for one in items]) == pytest.approx(1 / 50)
    assert items[0]["accuracy"]["prompt_cluster"] == "7"
