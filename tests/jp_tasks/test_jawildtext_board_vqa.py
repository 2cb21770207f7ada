"""JaWildText's board_vqa: the box, and what comes of an answer without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lmms_eval_ja.jp_tasks.jawildtext_board_vqa.task import doc_to_text, in_box, process_docs, process_results
from lmms_eval_ja.judges import protocols_of, reset_engine
from lmms_eval_ja.judges.scores import mean_ja, percent_ja
from lmms_eval_ja.metrics import failed_generation
from support.benchmarks import SHARED, needs_shared
from support.suite import board
from support.suite.reading import dataset

DOC = {"question_id": "0", "question": "何番線ですか？", "answer": "3番線", "image_id": "a"}


@pytest.fixture(autouse=True)
def _overlap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE", "overlap")
    monkeypatch.setenv("LMMS_EVAL_JA_STORE", str(tmp_path / "verdicts.sqlite"))
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    reset_engine()
    yield
    reset_engine()


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        (r"\boxed{3番線}", "3番線"),
        (r"看板には…とあるので \boxed{ 3番線 } です。", "3番線"),
        (r"\boxed{1番線} いや、\boxed{3番線}", "3番線"),
        (r"$\boxed{\text{3番線}}$", r"\text{3番線}"),
        (r"<think>\boxed{1番線}</think>\boxed{3番線}", "3番線"),
        (r"<think>\boxed{1番線}</think>3番線", None),
        ("3番線", None),
        (r"\boxed{}", None),
        (r"\boxed{3番線", None),
        ("boxed{3番線}", None),
        ("", None),
    ],
)
def test_what_stands_in_the_last_box(answer: str, final: str | None) -> None:
    assert in_box(answer) == final


@needs_shared
def test_the_golden_boxes_where_there_is_a_box() -> None:
    lines = (SHARED / "golden" / "jawildtext_boxed.jsonl").read_text(encoding="utf-8").splitlines()
    for case in map(json.loads, filter(None, lines)):
        own = in_box(case["pred"])
        # The peer takes the whole answer where it finds no box, and an empty box for an answer.
        assert own == (case["extracted"] or None) or (own is None and case["extracted"] == case["pred"]), case


def test_the_question_ends_with_what_the_box_is_for() -> None:
    question, line = doc_to_text(DOC).split("\n")
    assert question == "何番線ですか？"
    assert r"\boxed{}" in line


def test_the_judge_is_sent_the_box_and_the_whole_answer_is_kept() -> None:
    answer = r"看板によると\boxed{3番線}です。"
    found = process_results(DOC, [answer])
    assert list(found) == ["unparsed", "verdict_ja_binary", "accuracy_judged"]
    assert percent_ja([found["accuracy_judged"]]) == 100
    assert mean_ja([found["unparsed"]]) == 0
    assert found["accuracy_judged"].answer == answer
    assert protocols_of(process_results) == ("ja_binary",)


def test_an_answer_without_a_box_is_wrong_without_asking_and_counted() -> None:
    found = process_results(DOC, ["3番線"])
    assert "verdict_ja_binary" not in found
    assert (percent_ja([found["accuracy_judged"]]), mean_ja([found["unparsed"]])) == (0, 100)
    assert found["accuracy_judged"]["unread"] == "no box"


def test_a_failed_generation_is_neither_wrong_nor_without_a_box() -> None:
    found = process_results(DOC, [failed_generation("out of memory")])
    assert [found[name].failed() for name in ("accuracy_judged", "unparsed")] == ["generation", "generation"]


def test_rows_are_numbered() -> None:
    docs = process_docs(dataset(board.FEATURES, board.rows()))
    assert list(docs["question_id"]) == [str(n) for n in range(len(docs))]
    assert docs[0]["image_id"] == docs[1]["image_id"] != docs[2]["image_id"]
