"""JaWildText's handwriting and receipts: references made of annotations, and what answers earn."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.jawildtext_handwriting_ocr import task as handwriting
from lmms_eval_ja.jp_tasks.jawildtext_receipt_kie import task as receipts
from lmms_eval_ja.judges.sample_facts import UNREAD
from support.cases import golden
from support.suite import wild
from support.suite.reading import dataset


@pytest.fixture
def _any_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")


@pytest.mark.usefixtures("_any_data")
def test_lines_go_from_top_to_bottom_and_from_left_to_right() -> None:
    docs = handwriting.process_docs(dataset(wild.HANDWRITING, wild.handwriting()))
    assert list(docs["reference"]) == [wild.letter(n) for n in range(wild.ROWS)]
    assert list(docs["question_id"][:2]) == ["0", "1"]
    assert docs[0]["question"] == handwriting.PROMPT


def test_a_line_is_placed_by_the_mean_of_its_corners() -> None:
    # Centres: (0, 10) and, of a tall one that begins above it, (0, 20).
    low = {"text": "下", "polygon": [[0, 0], [0, 40]]}
    high = {"text": "上", "polygon": [[0, 8], [0, 12]]}
    assert handwriting.reference_of([low, high]) == "上\n下"
    assert handwriting.reference_of([low, {"text": "先", "polygon": []}]) == "先\n下"
    assert handwriting.reference_of(None) == ""


@pytest.mark.parametrize("lines", [["下"], [{"text": "下"}], [{"text": "下", "polygon": [1, 2]}], {"text": ["下"]}])
def test_annotations_of_another_form_are_refused(lines: Any) -> None:
    with pytest.raises(DatasetError, match="polygons of row 3 are not objects with a text and a polygon"):
        handwriting.reference_of(lines, 3)


@pytest.mark.usefixtures("_any_data")
def test_receipts_are_made_of_the_values_of_their_fields() -> None:
    docs = receipts.process_docs(dataset(wild.RECEIPTS, wild.receipts()))
    assert [json.loads(text) for text in docs["reference"]] == [wild.receipt(n) for n in range(wild.ROWS)]
    assert docs[0]["question"] == receipts.PROMPT
    assert json.loads(receipts.reference_of(None)) == dict.fromkeys(receipts.FIELDS) | {"line_items": []}


@pytest.mark.parametrize("fields", [{"date": "2026"}, {"date": {"text": "2026"}}, {"line_items": ["緑茶"]}, ["date"]])
def test_fields_of_another_form_are_refused(fields: Any) -> None:
    with pytest.raises(DatasetError, match="fields of row 3 are not objects with a value"):
        receipts.reference_of(fields, 3)


def doc_of(reference: str) -> dict[str, str]:
    return {"question_id": "1", "question": "", "reference": reference}


def test_goldens_of_handwriting_are_met() -> None:
    for case in golden("jawildtext_handwriting"):
        items = handwriting.process_results(doc_of(case["ref"]), [case["pred"]])
        assert items["cer_similarity"].value == pytest.approx(100 * case["output"])
    assert items["cer_similarity_unfenced"].value == 100  # the last one is OCR in a code fence


def test_goldens_of_receipts_are_met() -> None:
    crashes = 0
    for case in golden("jawildtext_receipt"):
        items = receipts.process_results(doc_of(case["ref"]), [case["pred"]])
        if "exception" in case:
            crashes += 1  # the peer's code raises
            continue
        wanted = {name: 100 * case["output"][name] for name in ("f1", "precision", "recall")}
        assert {name: items[name].value for name in wanted} == pytest.approx(wanted)
        assert items["f1_evalmm"].value == pytest.approx(wanted["f1"])
        fields = {name: 100 * right for name, right in case["output"]["field_accuracy"].items()}
        assert {name: items[name].value for name in fields} == fields
        assert items["unparsed"].value == (100 if case["output"]["parse_error"] else 0)
    assert crashes == 2


def test_an_answer_without_json_earns_nothing_and_is_counted() -> None:
    items = receipts.process_results(doc_of(json.dumps(wild.receipt(0))), ["山田商店0号店、402円です。"])
    assert items.pop("unparsed").value == 100
    assert list(items)[-4:] == ["f1_evalmm", "precision", "recall", "f1"]
    assert {item.value for item in items.values()} == {0}
    assert items["f1"][UNREAD] == "no object"


@pytest.mark.parametrize(("task", "column"), [(handwriting, "polygons"), (receipts, "fields")])
def test_a_missing_column_is_named(task: Any, column: str) -> None:
    with pytest.raises(DatasetError, match=f"column '{column}' is missing; found image"):
        task.process_docs(dataset({"image": "image"}, [{"image": "a.png"}]))


def test_the_numbers_of_rows_are_checked() -> None:
    with pytest.raises(DatasetError, match="12 rows, expected 1065"):
        handwriting.process_docs(dataset(wild.HANDWRITING, wild.handwriting()))
    with pytest.raises(DatasetError, match="12 rows, expected 1151"):
        receipts.process_docs(dataset(wild.RECEIPTS, wild.receipts()))
