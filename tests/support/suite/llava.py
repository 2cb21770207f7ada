"""LLaVA-Bench in Japanese: pictures on the hub, Japanese texts in files with the fields of the real ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from support.hub import Hub
from support.suite.judged import ROWS, WRONG, is_right, ratio
from support.suite.repository import Features, repository
from support.suite.stand import Stand

WILD, COCO = "lmms-lab/llava-bench-in-the-wild", "lmms-lab/llava-bench-coco"
TASKS = ("llava_bench_in_the_wild_ja", "llava_bench_coco_ja")
CATEGORIES = ("conv", "detail", "complex")
WILD_FEATURES: Features = {
    "question_id": "int64",
    "question": "string",
    "image": "image",
    "caption": "string",
    "gpt_answer": "string",
    "category": "string",
    "image_id": "string",
}
COCO_FEATURES: Features = {
    "question_id": "string",
    "question": "string",
    "image": "image",
    "category": "string",
    "image_id": "string",
    "answer": "string",
    "caption": "string",
}


def reference(number: int) -> str:
    """GPT-4's answer."""
    return f"写真の手前には桶が{number}個、奥には竹林が見えます。"


def picture(number: int) -> str:
    """The name of the picture of a question; each has three."""
    return f"{number // 3 + 1:03d}.jpg"


def hub_rows() -> list[dict[str, Any]]:
    """The English benchmark, not in the order of its numbers."""
    return [
        {
            "question_id": n,
            "question": f"What is in photo {n}?",
            "image": f"llava-{picture(n)}",
            "caption": "A photo.",
            "gpt_answer": "A tub.",
            "answer": "A tub.",
            "category": CATEGORIES[n % 3],
            "image_id": picture(n),
        }
        for n in reversed(range(ROWS))
    ]


def coco_rows() -> list[dict[str, Any]]:
    """The same as COCO's: its numbers are texts."""
    return [row | {"question_id": str(row["question_id"])} for row in hub_rows()]


def files() -> dict[str, bytes]:
    """The files of Japanese texts, by their names as assets."""
    wild, coco = TASKS
    numbers = range(ROWS)
    pictures = sorted({picture(n) for n in numbers})
    texts: dict[str, Sequence[Mapping[str, Any]]] = {
        f"{wild}/questions_ja.jsonl": [
            {"image": picture(n), "text": "?", "category": CATEGORIES[n % 3], "question_id": n, "jp": _question(n)}
            for n in numbers
        ],
        f"{wild}/answers_gpt4_ja.jsonl": [{"question_id": n, "text": "A tub.", "jp": reference(n)} for n in numbers],
        f"{wild}/context_ja.jsonl": [
            {"id": name[:3], "image": name, "caption": "A photo.", "caption_jp": f"{name}の写真。"} for name in pictures
        ],
        f"{wild}/claude3_0314_ja.jsonl": [{"question_id": n, "text_ja": reference(n)} for n in numbers],
        f"{wild}/gemini_0314_ja.jsonl": [{"question_id": n, "text_ja": WRONG} for n in numbers],
        f"{coco}/qa90_questions_ja.jsonl": [
            {"question_id": n, "image": picture(n), "category": CATEGORIES[n % 3], "text_JA": _question(n)}
            for n in numbers
        ],
        f"{coco}/qa90_gpt4_answers_ja.jsonl": [{"question_id": n, "text_JA": reference(n)} for n in numbers],
        f"{coco}/captions_boxes_coco2014_val_80.jsonl": [
            {
                "image": name,
                "captions": ["A tub.", "Some bamboo."],
                "instances": [{"category": "tub", "bbox": [0.37, 0.5, 0.75, 1.0]}, {"category": "tree", "bbox": [0]}],
            }
            for name in [*pictures, "000.jpg"]
        ],
    }
    return {name: "\n".join(json.dumps(row, ensure_ascii=False) for row in own).encode() for name, own in texts.items()}


def place(folder: Path) -> None:
    """Put the texts where assets are looked for."""
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _question(number: int) -> str:
    return f"{picture(number)}の写真の{number}番目の問いです。何が見えますか？"


def add(hub: Hub) -> None:
    """Put the pictures on a hub."""
    hub.add_dataset(WILD, repository({"default": (WILD_FEATURES, {"train": hub_rows()})}))
    hub.add_dataset(COCO, repository({"default": (COCO_FEATURES, {"train": coco_rows()})}))


def answers(task: str) -> dict[str, str]:
    """Answers by question id."""
    del task
    return {str(n): reference(n) if is_right(n + n // 3) else WRONG for n in range(ROWS)}


def expected(task: str) -> dict[str, float]:
    """The ratio of each category, and their mean; by `n + n // 3`, every category has right and wrong answers."""
    prefix = "llava_bench_" if task == TASKS[0] else ""
    own = {
        f"{prefix}{category}": ratio([n + n // 3 for n in range(ROWS) if n % 3 == k])
        for k, category in enumerate(CATEGORIES)
    }
    return own | {"overall": fmean(own.values()), "reference_mean": 10}


STAND = Stand(TASKS, add, answers, expected)
