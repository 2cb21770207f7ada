"""CC-OCR: tables of tab-separated values by language, pictures in base64; the columns that VLMEvalKit's tables have."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

from support.benchmarks import placeholder_image
from support.hub import Hub
from support.suite.stand import Stand, percent

NAME = "wulipc/CC-OCR"
ROWS = 12
_CARD = b"""---
license: mit
configs:
- config_name: multi_lan_ocr
  data_files:
  - split: test
    path: "multi_lan_ocr/*/*.tsv"
- config_name: kie
  data_files:
  - split: test
    path: "kie/*/*.tsv"
---

A stand-in for tests.
"""
_COLUMNS = ("index", "image", "image_name", "question", "answer", "category", "l2-category", "split")


def text(n: int) -> str:
    """What stands in a picture: ten characters and a line break."""
    return f"{n:02d}東京駅前\n商店街A"


def rows(language: str) -> list[dict[str, Any]]:
    """Made-up rows of a language."""
    return [
        {
            "index": n,
            "image": base64.b64encode(placeholder_image(f"{language}-{n}.png")).decode(),
            "image_name": f"{n}.png",
            "question": "画像内の文字をすべて書き出してください。" if language == "Japanese" else "Read the text.",
            "answer": text(n),
            "category": "multi_lan_ocr",
            "l2-category": language,
            "split": "test",
        }
        for n in range(ROWS)
    ]


def table(of: list[dict[str, Any]]) -> bytes:
    """Rows as tab-separated values."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, delimiter="\t")
    writer.writeheader()
    writer.writerows(of)
    return out.getvalue().encode()


def add(hub: Hub) -> None:
    """Put the repository on a hub."""
    files = {
        f"multi_lan_ocr/{language}/{language}_{ROWS}.tsv": table(rows(language)) for language in ("French", "Japanese")
    }
    hub.add_dataset(NAME, files | {"kie/SROIE/SROIE.tsv": table(rows("SROIE")), "README.md": _CARD})


def answers(task: str) -> dict[str, str]:
    """In turn: everything; the first five characters; nothing but thoughts; A in full width."""
    del task
    return {
        str(n): (text(n), text(n)[:5], "<think>読めない。</think>", text(n).replace("A", "Ａ"))[n % 4]
        for n in range(ROWS)
    }


def expected(task: str) -> dict[str, float]:
    """Of ten characters 10, 5, 0 and 9 are right: 2 · 5 / 15 and 2 · 9 / 20."""
    del task
    return {
        "f1": 25 * (1 + 10 / 15 + 0 + 0.9),
        "f1_nfkc": 25 * (1 + 10 / 15 + 0 + 1),
        "unparsed": percent(1, 4),
    }


STAND = Stand(("cc_ocr_ja",), add, answers, expected)
