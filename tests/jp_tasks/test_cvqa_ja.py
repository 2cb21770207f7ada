"""The Japanese part of CVQA."""

from __future__ import annotations

import pytest

from lmms_eval_ja.jp_tasks.cvqa_ja.task import process_docs
from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.prompts import choice_to_text, doc_to_visual
from support.suite import cvqa
from support.suite.reading import of_files


def test_only_japanese_rows_are_documents() -> None:
    docs = process_docs(of_files(cvqa.files(), "data"))
    assert len(docs) == 203
    assert list(docs["question_id"]) == [row["ID"] for row in cvqa.japanese(cvqa.rows())]


def test_texts_lose_their_outer_blanks_and_questions_their_other_languages() -> None:
    docs = process_docs(of_files(cvqa.files(), "data"))
    assert choice_to_text(docs[0]) == (
        "0番の写真に写っているのは何ですか？\nA. 鳥居0\nB. 味噌汁1\nC. 桜2\nD. 風呂敷3\n\n"
        "与えられた選択肢の中から最も適切な回答のアルファベットを直接記入してください。"
    )
    assert [docs[n]["reference"] for n in range(4)] == ["A", "B", "C", "D"]
    assert docs[0]["category"] == "Objects / materials / clothing"


def test_questions_on_one_picture_are_one_cluster() -> None:
    docs = process_docs(of_files(cvqa.files(), "data"))
    assert docs[0]["image_id"] == docs[1]["image_id"] != docs[2]["image_id"]
    assert len(doc_to_visual(docs[0])) == 1


def test_a_revision_without_labels_is_refused() -> None:
    with pytest.raises(DatasetError, match="Label is -1: this revision does not tell which option is right"):
        process_docs(of_files(cvqa.files(labels=False), "data"))


def test_data_of_another_form_is_refused() -> None:
    with pytest.raises(DatasetError, match="afaji/cvqa: column 'Subset' is missing"):
        process_docs(of_files(cvqa.files(), "data").remove_columns("Subset"))
    with pytest.raises(DatasetError, match="200 rows, expected 203"):
        process_docs(of_files(cvqa.files(), "data").select(range(239)))
