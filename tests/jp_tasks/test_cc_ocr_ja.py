"""CC-OCR's Japanese part: rows of one language, pictures that stay in base64 until they are shown."""

from __future__ import annotations

from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.jp_tasks.cc_ocr_ja.task import doc_to_visual, process_docs, process_results
from lmms_eval_ja.jp_tasks.dataset import DatasetError
from support.cases import golden
from support.suite import cc_ocr


@pytest.fixture
def _any_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")


def rows() -> list[dict[str, Any]]:
    return cc_ocr.rows("French") + cc_ocr.rows("Japanese")


@pytest.mark.usefixtures("_any_data")
def test_only_japanese_rows_are_taken_and_numbered() -> None:
    docs = process_docs(Dataset.from_list(rows()))
    assert list(docs["question_id"]) == [str(n) for n in range(cc_ocr.ROWS)]
    assert set(docs["l2-category"]) == {"Japanese"}
    assert len(set(docs["image_id"])) == cc_ocr.ROWS


@pytest.mark.usefixtures("_any_data")
def test_pictures_are_decoded_when_they_are_shown_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [row | {"image": "AAAA"} if row["index"] == 1 else row for row in rows()]
    docs = process_docs(Dataset.from_list(broken))
    (picture,) = doc_to_visual(docs[0])
    assert (picture.mode, picture.size) == ("RGB", (32, 24))
    with pytest.raises(DatasetError, match="the picture of question 1 is no picture in base64"):
        doc_to_visual(docs[1])
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "none")
    assert doc_to_visual(docs[1]) == []


def test_goldens_are_met() -> None:
    for case in golden("cc_ocr"):
        items = process_results({"question_id": "1", "question": "", "reference": case["ref"]}, [case["pred"]])
        # the peer adds 1e-9 to each denominator
        assert items["f1"].value == pytest.approx(100 * case["output"], abs=1e-6)
        assert (items["unparsed"].value == 100) == (case["pred"] == "")


def test_another_language_or_another_table_is_refused() -> None:
    with pytest.raises(DatasetError, match="0 rows, expected 150"):
        process_docs(Dataset.from_list(cc_ocr.rows("French")))
    with pytest.raises(DatasetError, match="column 'l2-category' is missing"):
        process_docs(Dataset.from_list(rows()).remove_columns(["l2-category"]))
    with pytest.raises(DatasetError, match="column 'answer' is missing"):
        process_docs(Dataset.from_list(rows()).remove_columns(["answer"]))
