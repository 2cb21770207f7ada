"""JDocQA: pages, types of answers, and the two ways in which they are scored."""

from __future__ import annotations

from typing import Any

import pytest

from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.jdocqa_ja.task import TYPES, doc_to_visual, process_docs, process_results
from lmms_eval_ja.judges.sample_facts import UNREAD
from support.cases import golden
from support.suite import jdocqa
from support.suite.reading import of_files


@pytest.fixture
def _any_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")


def documents() -> Any:
    return process_docs(of_files(jdocqa.files(), "data"))


def values(kind: int, reference: str, answer: str) -> dict[str, float | None]:
    parts = [] if TYPES[kind] == "open_ended" else [TYPES[kind]]
    doc = {"question_id": "1", "question": "", "reference": reference, "answer_type": kind, "parts": parts}
    return {name: item.value for name, item in process_results(doc, [answer]).items()}


@pytest.mark.usefixtures("_any_data")
def test_all_pages_of_a_document_are_shown_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    docs = documents()
    assert [len(doc_to_visual(docs[n])) for n in range(0, 10, 2)] == [1, 2, 3, 4, 1]
    assert len(set(docs["image_id"])) == jdocqa.ROWS // 2
    assert len({page.tobytes() for page in doc_to_visual(docs[6])}) == 4
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    other = documents()
    plain = {page.tobytes() for page in [docs[6][f"image_{n}"].convert("RGB") for n in range(4)]}
    assert len(doc_to_visual(other[6])) == 4
    assert not plain & {page.tobytes() for page in doc_to_visual(other[6])}


@pytest.mark.usefixtures("_any_data")
def test_documents_say_their_type() -> None:
    docs = documents().select(range(4))
    assert list(docs["category"]) == ["yesno", "factoid", "numerical", "open_ended"]
    assert list(docs["parts"]) == [["yesno"], ["factoid"], ["numerical"], []]


def test_an_open_question_has_bleu_and_no_accuracy_the_others_the_reverse() -> None:
    assert values(3, "桜が咲く。", "桜が咲く。") == {"bleu": 100, "unparsed": 0}
    assert values(3, "桜が咲く。", "<think>桜が咲く。</think>") == {"bleu": 0, "unparsed": 100}
    assert values(0, "はい", "はい") == {"yesno": 100, "accuracy_parsed": 100, "unparsed": 0, "accuracy": 100}
    assert set(values(2, "3", "3")) == {"numerical", "accuracy_parsed", "unparsed", "accuracy"}


@pytest.mark.parametrize(
    ("kind", "answer", "reason"),
    [
        (0, "はい、いいえ", "ambiguous"),
        (1, "<think>桜</think>", "empty"),
        (1, r"\boxed{}", "empty"),
        (2, "「」", "empty"),
    ],
)
def test_an_unreadable_answer_is_not_right_and_counted(kind: int, answer: str, reason: str) -> None:
    doc = {"question_id": "1", "question": "", "reference": "はい", "answer_type": kind, "parts": []}
    items = process_results(doc, [answer])
    assert {name: item.value for name, item in items.items()} == {"unparsed": 100, "accuracy": 0}
    assert items["accuracy"][UNREAD] == reason


def test_goldens_agree_where_the_peer_is_right() -> None:
    differing = []
    for case in golden("jdocqa"):
        own = values(case["answer_type"], case["ref"], case["pred"])
        score = own["bleu" if case["answer_type"] == 3 else "accuracy"]
        if score != pytest.approx(100 * case["output"], abs=0.01):
            differing.append((case["ref"], case["pred"], score))
    assert differing == [
        ("いいえ", "はい、いいえ", 0),
        ("", "なんでも", 0),
        ("3", "13", 0),
        ("1,000", "1000", 100),
        ("5", "5人ではなく6人", 0),
        ("東京", "東京", 100),  # BLEU, of fewer than four words
    ]


@pytest.mark.usefixtures("_any_data")
def test_an_unknown_type_is_refused() -> None:
    rows = [jdocqa.rows()[0] | {"answer_type": 4}]
    with pytest.raises(DatasetError, match="answer_type is 4; expected 0 to 3"):
        process_docs(of_files(jdocqa.files(rows), "data"))


@pytest.mark.parametrize("column", ["answer_type", "image_3"])
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(DatasetError, match=f"speed/JDocQA: column '{column}' is missing"):
        process_docs(of_files(jdocqa.without(column), "data"))


def test_the_number_of_rows_is_checked() -> None:
    with pytest.raises(DatasetError, match="32 rows, expected 1176"):
        documents()
