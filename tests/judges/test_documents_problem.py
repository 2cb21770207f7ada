"""Documents that a protocol cannot judge are named before a run, not when the answers are there."""

from __future__ import annotations

from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.judges import PROTOCOLS, documents_problem

TURNS = [{"user": "これは？", "assistant": "猫です。"}]
PLAIN = {"id": ["a", "b"], "question": ["何色？"] * 2, "answer": ["白"] * 2}


def problem(protocol: str, **columns: list[Any]) -> str | None:
    return documents_problem(Dataset.from_dict(PLAIN | columns), [protocol])


@pytest.mark.parametrize("name", sorted(PROTOCOLS.keys() - {"original", "rubric"}))
def test_plain_documents_can_be_judged(name: str) -> None:
    assert problem(name) is None


@pytest.mark.parametrize("category", ["conv", "detail", "complex", "llava_bench_conv"])
def test_heron_bench_has_a_rule_for_its_categories(category: str) -> None:
    assert problem("original", category=[category] * 2) is None


def test_heron_bench_has_none_for_others() -> None:
    known = "conv, detail, complex, llava_bench_conv, llava_bench_detail, llava_bench_complex, coding, math, default"
    assert problem("original") == (f"no column category, by which original picks the rule, of {known}")
    assert problem("original", category=["conv", "ocr"]) == (
        f"row 1: original has no rule for category 'ocr', only for {known}"
    )
    assert (problem("original", category=[None, "conv"]) or "").startswith("row 0: original has no rule")


def test_the_critic_wants_types_of_task_that_it_knows() -> None:
    assert problem("critic", category=["", None]) is None
    assert problem("critic", category=["conv", "Description"]) is None
    assert (problem("critic", category=[0, 1]) or "").startswith("row 0: the protocol critic knows no type of task '0'")
    found = problem("critic", category=["conv", "sports"]) or ""
    assert found.startswith(
        "row 1: the protocol critic knows no type of task 'sports'; the column category has to name"
    )


def test_the_critic_wants_earlier_turns_that_it_can_read() -> None:
    assert problem("critic", history=[TURNS, []]) is None
    assert problem("critic", history=[TURNS, None]) is None
    assert problem("critic", history=[["前の質問"], ["別の質問"]]) == (
        "row 0: history is no list of turns, each with `user` and `assistant`: ['前の質問']"
    )
    assert problem("ja_graded", history=[["前の質問"], ["別の質問"]]) is None  # which shows the judge no earlier turns


def test_columns_come_first() -> None:
    found = documents_problem(Dataset.from_dict({"id": ["a"], "question": ["何色？"]}), ["critic"]) or ""
    assert found.startswith("no column for the reference")
    assert (problem("rubric") or "").startswith("no column rubric, by which the protocol rubric judges")
