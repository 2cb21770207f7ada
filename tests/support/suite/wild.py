"""JaWildText's handwriting and receipts: nested annotations as the benchmark's evaluation reads them.

The columns `image_id` and `filename` are there, by whoever has used the data; what else there is was not read.
"""

from __future__ import annotations

import json
from typing import Any

from support.hub import Hub
from support.suite import board
from support.suite.repository import Features, Rows, repository
from support.suite.stand import Stand, percent

ROWS = 12
HANDWRITING: Features = {
    "image": "image",
    "image_id": "string",
    "filename": "string",
    "polygons": [{"text": "string", "polygon": [["float64"]]}],
}
_VALUE = {"value": "string"}
FIELDS = ("store_name", "store_address", "receipt_id", "date", "time", "total_amount", "tax_amount")
RECEIPTS: Features = {
    "image": "image",
    "image_id": "string",
    "filename": "string",
    "fields": {
        **dict.fromkeys(FIELDS, _VALUE),
        "line_items": [dict.fromkeys(("item_name", "item_price", "item_quantity"), _VALUE)],
    },
}
THOUGHTS = "<think>読めない。</think>"


def letter(n: int) -> str:
    """A letter of 6 + 1 + 4 + 1 + 3 characters."""
    return f"{n:02d}番の手紙\n拝啓春の\n候敬具"


def handwriting() -> list[dict[str, Any]]:
    """Lines in no order; the last two side by side, and one that has no text."""
    places = ((20, 10), (10, 50), (90, 50))
    found = []
    for n in range(ROWS):
        lines = [
            {"text": line, "polygon": [[x - 5.0, y - 5.0], [x + 5.0, y - 5.0], [x + 5.0, y + 5.0], [x - 5.0, y + 5.0]]}
            for line, (x, y) in zip(letter(n).split("\n"), places, strict=True)
        ]
        lines = [lines[2], {"text": "", "polygon": [[0.0, 0.0]]}, *lines[:2]]
        found.append({"image": f"letter-{n}.png", "image_id": f"h{n}", "filename": f"{n}.png", "polygons": lines})
    return found


def receipt(n: int) -> dict[str, Any]:
    """A receipt of 3 fields and 2 items, 9 values in all."""
    items = [
        {"item_name": "緑茶", "item_price": f"{100 + n}", "item_quantity": "1"},
        {"item_name": "団子", "item_price": f"{300 + n}", "item_quantity": "1"},
    ]
    values = {"store_name": f"山田商店{n}号店", "date": "2026年1月2日", "total_amount": f"¥{400 + 2 * n}"}
    return dict.fromkeys(FIELDS) | values | {"line_items": items}


def receipts() -> list[dict[str, Any]]:
    """A field that is not on the receipt is null, or an object whose value is."""
    found = []
    for n in range(ROWS):
        fields: dict[str, Any] = {name: {"value": value} for name, value in receipt(n).items() if name in FIELDS}
        fields["time"] = None
        fields["line_items"] = [{name: {"value": value} for name, value in i.items()} for i in receipt(n)["line_items"]]
        found.append({"image": f"receipt-{n}.png", "image_id": f"r{n}", "filename": f"{n}.png", "fields": fields})
    return found


def files(letters: Rows | None = None) -> dict[str, bytes]:
    """The repository, with board_vqa beside them."""
    own = {
        "handwriting_ocr": (HANDWRITING, {"train": handwriting() if letters is None else letters}),
        "receipt_kie": (RECEIPTS, {"train": receipts()}),
    }
    return repository(board.configs() | own, infos_in_card=False)


def add(hub: Hub) -> None:
    """Put the repository on a hub."""
    hub.add_dataset(board.NAME, files())


def answers(task: str) -> dict[str, str]:
    """Four kinds in turn.

    Handwriting: all; without the last line; in a code fence; nothing but thoughts. Receipts: all, in a code fence; a
    sentence; with two prices interchanged; the name of the shop alone.
    """
    found = {}
    for n in range(ROWS):
        text, own = letter(n), receipt(n)
        prices = [item["item_price"] for item in own["line_items"]]
        swapped = [item | {"item_price": p} for item, p in zip(own["line_items"], prices[::-1], strict=True)]
        kinds = {
            "jawildtext_handwriting_ocr": (text, text.rpartition("\n")[0], f"```\n{text}\n```", THOUGHTS),
            "jawildtext_receipt_kie": (
                f"```json\n{json.dumps(own, ensure_ascii=False)}\n```",
                "レシートの文字が読み取れませんでした。",
                json.dumps(own | {"line_items": swapped}, ensure_ascii=False),
                f"次のとおりです。{json.dumps({'store_name': own['store_name']}, ensure_ascii=False)}",
            ),
        }
        found[str(n)] = kinds[task][n % 4]
    return found


def expected(task: str) -> dict[str, float]:
    """Of a letter of 15 characters 4 are missing, or 8 of a fence too many; of a receipt 9, 0, 7 or 1 of 9 agree.

    With prices interchanged, each of two pairs of items agrees in two of its three values.
    """
    if task == "jawildtext_handwriting_ocr":
        return {
            "cer_similarity": 25 * (1 + (1 - 4 / 15) + (1 - 8 / 15) + 0),
            "cer_similarity_unfenced": 25 * (1 + (1 - 4 / 15) + 1 + 0),
            "unparsed": percent(1, 4),
        }
    return {
        "f1": 25 * (1 + 0 + 7 / 9 + 2 / 10),
        "f1_evalmm": 25 * (1 + 0 + 1 + 2 / 10),
        "precision": 25 * (1 + 0 + 7 / 9 + 1),
        "recall": 25 * (1 + 0 + 7 / 9 + 1 / 9),
        "unparsed": percent(1, 4),
        # Three of four are read; the address is on none, and right where it is given on none.
        "field_store_name": percent(3, 4),
        "field_store_address": percent(3, 4),
        "field_date": percent(2, 4),
    }


STAND = Stand(("jawildtext_handwriting_ocr", "jawildtext_receipt_kie"), add, answers, expected)
