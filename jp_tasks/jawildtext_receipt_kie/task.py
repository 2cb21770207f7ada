"""JaWildText's receipt_kie (arXiv 2603.27942): eight fields of a receipt, the last a list of items, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.graded import Grade, graded_by
from lmms_eval_ja.jp_tasks.images import picture_ids, with_others
from lmms_eval_ja.metrics import receipt_f1

#: The benchmark's own, as its evaluation in llm-jp-eval-mm (at 9f450a5) asks.
PROMPT = (
    "レシート画像からキー情報を抽出し、JSON形式で返してください。 フィールド: store_name, store_address, receipt_id, "
    "date, time, total_amount, tax_amount, line_items[]. 値は画像の文字をそのまま出力してください"
    "（推測・正規化・整形しない）。無い項目は null にしてください。 "
    'line_items は {"item_name": "", "item_price": "", "item_quantity": ""} の配列で返してください。'
)
FIELDS = ("store_name", "store_address", "receipt_id", "date", "time", "total_amount", "tax_amount")
ITEMS, ITEM_FIELDS = "line_items", ("item_name", "item_price", "item_quantity")
F1, F1_EVALMM, PRECISION, RECALL = "f1", "f1_evalmm", "precision", "recall"
#: Names of the metrics of single fields.
FIELD_METRICS = {name: f"field_{name}" for name in FIELDS}
SPEC = DatasetSpec("llm-jp/jawildtext, receipt_kie", 1151, ("image", "fields"))


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data; the reference is made of the annotated fields."""
    dataset = load_checked(dataset, SPEC)
    columns = {
        "question_id": [str(n) for n in range(len(dataset))],
        "question": [PROMPT] * len(dataset),
        "reference": [reference_of(fields, row) for row, fields in enumerate(dataset["fields"])],
        "image_id": picture_ids(dataset, "image"),
    }
    return with_others(with_columns(dataset, columns))


def reference_of(fields: Mapping[str, Any] | None, row: int = 0) -> str:
    """The receipt as JSON, of the annotation's fields, each with a `value`.

    Args:
        fields: as annotated; a field or an item's field may be null.
        row: named in an error.

    Raises:
        DatasetError: the annotation has another form.
    """
    fields = fields or {}
    try:
        receipt: dict[str, Any] = {name: _value(fields.get(name)) for name in FIELDS}
        receipt[ITEMS] = [{name: _value(item.get(name)) for name in ITEM_FIELDS} for item in fields.get(ITEMS) or ()]
    except (AttributeError, KeyError, TypeError) as error:
        raise DatasetError(f"{SPEC.name}: fields of row {row} are not objects with a value: {error!r}") from error
    return json.dumps(receipt, ensure_ascii=False)


def _value(field: Mapping[str, Any] | None) -> str | None:
    return None if field is None else field["value"]


def grade(doc: Mapping[str, Any], answer: str) -> Grade:
    """F1 over the fields, line items paired; `f1_evalmm` with names, prices and quantities as three bags.

    Besides, whether each field but the items is right; an absent one is where it is absent.
    """
    score = receipt_f1(doc["reference"], answer, variant="paired")
    further = {F1_EVALMM: receipt_f1(doc["reference"], answer).f1, PRECISION: score.precision, RECALL: score.recall}
    further |= {FIELD_METRICS[name]: float(right) for name, right in score.fields.items()}
    return Grade(score.f1, further, score.failure)


process_results = graded_by(F1, grade, (*FIELD_METRICS.values(), F1_EVALMM, PRECISION, RECALL))
