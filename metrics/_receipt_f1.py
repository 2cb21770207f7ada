"""F1 over the fields of a receipt: JaWildText's key information extraction."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lmms_eval_ja.metrics._nfkc import nfkc
from lmms_eval_ja.metrics._reasoning import strip_reasoning

RECEIPT_VARIANTS = ("evalmm", "paired")

RECEIPT_FIELDS = ("store_name", "store_address", "receipt_id", "date", "time", "total_amount", "tax_amount")
_ITEM_FIELDS = ("item_name", "item_price", "item_quantity")

_FENCE = re.compile(r"```(?:json)?\s*\n?(.*?)\n?```", re.DOTALL | re.IGNORECASE)
_MONEY = re.compile(r"[¥￥,]")
_SPACE = re.compile(r"\s+")
#: Only so many openings of an object are tried, and a bracket that opens so deep is none.
_MOST_OBJECTS, _LONGEST = 50, 200_000

Item = tuple[str, str, str]


@dataclass(frozen=True)
class ReceiptScore:
    """How much of a receipt was read.

    Attributes:
        f1: 2PR / (P + R), 0.0 to 1.0.
        precision: Fields given that are right, of all given.
        recall: Fields given that are right, of all there are.
        fields: Whether each of `RECEIPT_FIELDS` is right, an absent one being right where it is absent.
        failure: Why the answer holds no receipt: "no object" or "empty"; None if it does. All figures are then 0.0:
            what such an answer earns, which is to be shown apart.
    """

    f1: float
    precision: float
    recall: float
    fields: Mapping[str, bool]
    failure: str | None = None


def receipt_f1(reference: str | Mapping[str, Any], answer: str, *, variant: str = "evalmm") -> ReceiptScore:
    """Score a receipt that a model wrote as JSON.

    Values are compared in NFKC and small letters, without ¥ and the separators of thousands. Null, absent and empty are
    alike. Of an answer that is more than JSON, the code fence is read, else the first object.

    Args:
        reference: The receipt, an object or its JSON.
        answer: What a model wrote, with its thoughts in tags.
        variant: "evalmm", as llm-jp-eval-mm (593860a) scores JaWildText: names, prices and quantities of line items are
            three bags, so that a price beside the wrong name counts. "paired": each line item given is paired with one
            of the reference so that most fields agree in all (optimal assignment), and only what agrees within a pair
            counts.

    Returns:
        The score. `line_items` that is no list of objects holds no items.

    Raises:
        ValueError: The variant is not known, or the reference is no JSON object.
    """
    if variant not in RECEIPT_VARIANTS:
        raise ValueError(f"unknown variant {variant!r}; expected one of {', '.join(map(repr, RECEIPT_VARIANTS))}")
    wanted = json.loads(reference) if isinstance(reference, str) else reference
    if not isinstance(wanted, Mapping):
        raise ValueError(f"the reference is {wanted!r:.80}; expected a receipt as a JSON object")  # noqa: TRY004
    text = strip_reasoning(answer)
    given = _object(text)
    if given is None:
        nothing = dict.fromkeys(RECEIPT_FIELDS, False)
        return ReceiptScore(0.0, 0.0, 0.0, nothing, "no object" if text else "empty")
    scalars = [
        Counter({(field, _value(receipt.get(field))) for field in RECEIPT_FIELDS}) for receipt in (wanted, given)
    ]
    fields = {field: _value(wanted.get(field)) == _value(given.get(field)) for field in RECEIPT_FIELDS}
    items = _items(wanted), _items(given)
    common = sum(1 for field, value in scalars[0] if value and (field, value) in scalars[1])
    common += _bagged(*items) if variant == "evalmm" else _paired(*items)
    counts = [
        sum(1 for _, value in scalar if value) + sum(bool(value) for item in side for value in item)
        for scalar, side in zip(scalars, items, strict=True)
    ]
    return _score(common, counts[0], counts[1], fields)


def _score(common: int, wanted: int, given: int, fields: Mapping[str, bool]) -> ReceiptScore:
    """Precision, recall and F1 from counts; an empty receipt read as an empty one is right."""
    if not wanted and not given:
        return ReceiptScore(1.0, 1.0, 1.0, fields)
    precision = common / given if given else 0.0
    recall = common / wanted if wanted else 1.0
    f1 = 2 * precision * recall / (precision + recall) if common else 0.0
    return ReceiptScore(f1, precision, recall, fields)


def _object(text: str) -> Mapping[str, Any] | None:
    """The JSON object in an answer."""
    text = text[:_LONGEST]
    fence = _FENCE.search(text)
    if fence:
        value = _loaded(fence[1].strip())
        if value is not None:
            return value if isinstance(value, Mapping) else None
    decoder, at = json.JSONDecoder(strict=False), text.find("{")
    for _ in range(_MOST_OBJECTS):
        if at == -1:
            break
        try:
            value, _ = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        return value if isinstance(value, Mapping) else None
    return None


def _loaded(text: str) -> Any:
    """A JSON value; None if the text is none, or null."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _value(value: object) -> str:
    """A field as it is compared; "" for null."""
    if value is None:
        return ""
    text = _MONEY.sub("", nfkc(str(value)).lower().strip())
    return _SPACE.sub(" ", text)


def _items(receipt: Mapping[str, Any]) -> list[Item]:
    """The line items of a receipt: name, price and quantity as they are compared."""
    items = receipt.get("line_items")
    if not isinstance(items, Sequence) or isinstance(items, str):
        return []
    return [
        (_value(item.get("item_name")), _value(item.get("item_price")), _value(item.get("item_quantity")))
        for item in items
        if isinstance(item, Mapping)
    ]


def _bagged(wanted: list[Item], given: list[Item]) -> int:
    """How many values agree, whatever item they belong to."""
    bags = [Counter((n, value) for item in side for n, value in enumerate(item) if value) for side in (wanted, given)]
    return (bags[0] & bags[1]).total()


def _paired(wanted: list[Item], given: list[Item]) -> int:
    """How many values agree within the best pairs of items."""
    if not wanted or not given:
        return 0
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    agreeing = np.array(
        [[sum(bool(a) and a == b for a, b in zip(one, other, strict=True)) for other in given] for one in wanted]
    )
    rows, columns = linear_sum_assignment(agreeing, maximize=True)
    return int(agreeing[rows, columns].sum())
