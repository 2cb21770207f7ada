"""JGraphQA: two questions on a chart, an open match."""

from __future__ import annotations

import pytest

from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.jgraphqa.task import mark, process_docs
from lmms_eval_ja.jp_tasks.prompts import short_to_text
from support.suite import jgraph
from support.suite.reading import of_files


def test_the_questions_on_a_chart_are_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    docs = process_docs(of_files(jgraph.files(), "data"))
    assert len(set(docs["image_id"])) == jgraph.ROWS // 2
    assert docs[0]["image_id"] == docs[1]["image_id"]
    assert short_to_text(docs[0]).endswith("いくらですか？\n上記の質問に対して、正確かつ簡潔に答えてください。")


@pytest.mark.parametrize(
    ("reference", "answer", "right"),
    [
        ("1,200億円", "1200億円です。", True),
        ("1,200億円", "1.2千億円", True),
        ("1,200億円", "11,200億円", False),
        ("12.3%", "答えは１２．３パーセントです。", True),
        ("12.3%", "12.35%", False),
        ("2021年度", "令和3年度です。", True),
        ("アジア", "アジアの売上が最も高い。", True),
        ("アジア", "アジアではなく北米です。", False),
    ],
)
def test_numbers_are_matched_whatever_way_they_are_written(reference: str, answer: str, right: bool) -> None:
    found = mark({"answer": reference}, answer)
    assert (found.right, found.reason) == (right, None)


@pytest.mark.parametrize("answer", ["<think>3</think>", r"\boxed{}", "「」", "。"])
def test_an_answer_of_nothing_cannot_be_read(answer: str) -> None:
    found = mark({"answer": "3"}, answer)
    assert (found.read, found.reason) == (None, "empty")


def test_data_without_pictures_is_refused_with_what_to_do() -> None:
    without = {name: kind for name, kind in jgraph.FEATURES.items() if name != "image"}
    with pytest.raises(DatasetError, match=r"there is no column 'image', only id, question, answer\. Where the repos"):
        process_docs(of_files(jgraph.files(without), "data"))


def test_columns_and_rows_are_checked() -> None:
    without = {name: kind for name, kind in jgraph.FEATURES.items() if name != "answer"}
    with pytest.raises(DatasetError, match="r-g2-2024/JGraphQA: column 'answer' is missing"):
        process_docs(of_files(jgraph.files(without), "data"))
    with pytest.raises(DatasetError, match="20 rows, expected 200"):
        process_docs(of_files(jgraph.files(), "data"))
