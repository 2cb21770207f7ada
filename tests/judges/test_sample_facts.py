"""What samples say besides their scores."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lmms_eval_ja.judges import MetricItem
from lmms_eval_ja.judges.sample_facts import UNREAD, by_category, missing_pictures, unreadable_answers
from lmms_eval_ja.judges.scores import mean_ja


def item(number: int, value: float | None, *, category: str = "", cluster: str = "", unread: str = "") -> MetricItem:
    made = MetricItem(
        sample_id=str(number),
        answer="",
        category=category,
        cluster=cluster,
        value=value,
        failure="picture" if value is None else None,
    )
    if unread:
        made[UNREAD] = unread
    return made


def items(values: Sequence[float], category: str, cluster: str = "", start: int = 0) -> list[MetricItem]:
    return [item(start + n, value, category=category, cluster=cluster) for n, value in enumerate(values)]


def test_unreadable_answers_are_listed_by_reason_and_once() -> None:
    found = [item(n, 0, unread="two options") for n in (10, 2, 2)] + [item(3, 0, unread="nothing"), item(4, 100)]
    assert unreadable_answers(found) == {
        "nothing": {"count": 1, "samples": ["3"]},
        "two options": {"count": 2, "samples": ["2", "10"]},
    }
    assert unreadable_answers([item(n, 0, unread="x") for n in range(30)])["x"]["count"] == 30
    assert len(unreadable_answers([item(n, 0, unread="x") for n in range(30)])["x"]["samples"]) == 10


def test_missing_pictures_are_named_by_all_their_ids() -> None:
    assert missing_pictures([item(1, 100)]) is None
    some = missing_pictures([item(2, None), item(1, 100), item(11, None), item(2, None)])
    other = missing_pictures([item(2, None), item(12, None)])
    assert some is not None
    assert other is not None
    assert (some["count"], some["samples"]) == (2, ["2", "11"])
    assert some["sha256"] != other["sha256"]


def test_a_category_of_independent_documents_has_wilsons_interval() -> None:
    score = mean_ja(items([100] * 8 + [0] * 2, "food") + items([100], "flower", start=10))
    found = by_category(score)
    assert list(found) == ["flower", "food"]
    # Wilson for 8 of 10 (tests/metrics/test_wilson.py)
    assert found["food"] == pytest.approx(
        {"n": 10, "scored": 10, "clusters": 10, "value": 80, "ci_low": 49.02, "ci_high": 94.33, "interval": "Wilson"},
        abs=0.01,
    )
    assert found["flower"]["value"] == 100
    assert found["flower"]["ci_low"] < 100


def test_a_category_of_documents_that_share_pictures_has_a_clustered_interval() -> None:
    shared = items([100, 100], "food", "a") + items([0, 0], "food", "b", 2) + items([100], "food", "c", 4)
    found = by_category(mean_ja(shared))["food"]
    assert (found["value"], found["clusters"], found["interval"]) == (60, 3, "t")
    assert found["ci_low"] < 60 < found["ci_high"]


def test_a_category_without_any_score_says_so() -> None:
    score = mean_ja([item(0, None, category="food"), item(1, 100, category="flower")])
    assert by_category(score)["food"] == {
        "n": 1,
        "scored": 0,
        "clusters": 0,
        "value": None,
        "ci_low": None,
        "ci_high": None,
        "interval": "none",
    }


def test_documents_without_a_category_are_in_none() -> None:
    assert by_category(mean_ja([item(0, 100)])) == {}
