"""Grades of answers without a judge."""

from __future__ import annotations

from typing import Any

import pytest

from lmms_eval_ja.jp_tasks.graded import Grade, graded_by
from lmms_eval_ja.judges.sample_facts import UNREAD
from lmms_eval_ja.judges.scores import mean_ja
from lmms_eval_ja.metrics import failed_generation

DOC: dict[str, Any] = {"question_id": "7", "question": "何ですか？", "reference": "桜", "image_id": "p3"}


def grade(doc: Any, answer: str) -> Grade:
    return Grade(0.25, {"other": 1.0}) if answer == doc["reference"] else Grade(0.0, reason="no flower")


process_results = graded_by("f1", grade, ("other",))


def values(answer: str, doc: dict[str, Any] = DOC) -> dict[str, float | None]:
    return {name: item.value for name, item in process_results(doc, [answer]).items()}


def test_points_are_in_percent_and_the_headline_comes_last() -> None:
    assert values(" 桜\n") == {"other": 100, "unparsed": 0, "f1": 25}
    assert list(values("桜"))[-1] == "f1"
    items = process_results(DOC, ["桜"])
    assert (items["f1"].sample_id, items["f1"]["cluster"]) == ("7", "p3")
    assert len({id(item) for item in items.values()}) == len(items)


@pytest.mark.parametrize(
    ("answer", "reason"), [("犬", "no flower"), ("", "empty"), (" \n", "empty"), ("<think>桜</think>", "empty")]
)
def test_what_cannot_be_read_earns_nothing_and_is_counted_with_its_reason(answer: str, reason: str) -> None:
    assert values(answer) == {"other": 0, "unparsed": 100, "f1": 0}
    assert {item[UNREAD] for item in process_results(DOC, [answer]).values()} == {reason}


def test_a_failed_generation_is_a_failure_of_every_metric() -> None:
    items = process_results(DOC, [failed_generation("out of memory")])
    assert {name: (item.value, item.failed()) for name, item in items.items()} == dict.fromkeys(
        ("other", "unparsed", "f1"), (None, "generation")
    )
    assert mean_ja([items["f1"]]).report.incomplete


def test_a_document_without_its_picture_is_left_out() -> None:
    items = process_results(DOC | {"picture_failure": "picture"}, ["桜"])
    assert {item.failed() for item in items.values()} == {"picture"}
