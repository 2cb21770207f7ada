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

#: In our words; the fields, and null for what is not there, are those of llm-jp-eval-mm's (at 9f450a5).
PROMPT = (
    "このレシートに印字されている内容を読み取り、次のキーを持つJSONオブジェクト1つだけで答えてください。\n"
    "store_name（店名）、store_address（住所）、receipt_id（レシート番号）、date（日付）、time（時刻）、"
    "total_amount（合計金額）、tax_amount（税額）、line_items（明細）\n"
    "line_itemsは、item_name（品名）、item_price（価格）、item_quantity（数量）を持つオブジェクトの配列です。"
    "どの値も印字のとおりに写し、書き換えたり補ったりしないでください。印字されていない項目はnullとしてください。"
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
