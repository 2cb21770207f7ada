"""JAMMEval, BusinessSlideVQA and HakushoBench: a question on a picture and a short answer.

Columns of JAMMEval are those of its card, as far as it was read (JA-VLM-Bench, JDocQA and JGraphQA: as in the code of
its own toolkit); of the two others, those that this toolkit reads.
"""

from __future__ import annotations

from typing import Any

from support.hub import Hub
from support.suite.judged import ROWS, by_id, percent_right, rows_of
from support.suite.repository import Features, repository
from support.suite.stand import Stand, choice_answer, choice_scores

JAMMEVAL, SLIDES, HAKUSHO = "llm-jp/JAMMEval", "llm-jp/BusinessSlideVQA", "llm-jp/HakushoBench"
REVISION = "41de46f6bbd418eb0c2a1041bcd810448b80e045"
_COMMON: Features = {"original_id": "int64", "image": "image", "question": "string", "answer": "string"}
_CONFIGS: dict[str, Features] = {
    "CC-OCR-JA-Refined": {**_COMMON, "ocr": "string", "image_name": "string"},
    "Heron-Bench-Refined": {**_COMMON, "image_category": "string", "context": "string"},
    "JA-Multi-Image-VQA-Refined": {
        "original_id": "int64",
        "images": "images",
        "question": "string",
        "answer": "string",
        "image_urls": "strings",
        "page_urls": "strings",
    },
    "JA-VLM-Bench-Refined": _COMMON,
    "JDocQA-Refined": _COMMON,
    "JGraphQA-Refined": _COMMON,
}
CVQA: Features = {
    "image": "image",
    "original_id": "string",
    "question": "string",
    "options": "strings",
    "answer": "int64",
    "Category": "string",
    "Image Type": "string",
    "Image Source": "string",
    "License": "string",
}
_THINGS = ("鳥居", "味噌汁", "桜", "風呂敷", "狛犬")
CVQA_ROWS = 14
SLIDE: Features = {"question_id": "string", "image": "image", "question": "string", "answer": "string"}
SHORT: Features = {"original_id": "string", "image": "image", "question": "string", "answer": "string"}
JUDGED = (
    "jammeval_cc_ocr",
    "jammeval_heron_bench",
    "jammeval_ja_multi_image_vqa",
    "jammeval_ja_vlm_bench",
    "jammeval_jdocqa",
    "jammeval_jgraphqa",
)


def rows(config: str) -> list[dict[str, Any]]:
    """Made-up rows of a configuration; ids are those of the benchmark that was refined, with gaps."""
    return [
        row
        | {
            "original_id": 3 * n,
            "image_category": ("food", "art")[n % 2],
            "context": "説明の文章です。",
            "ocr": "文字の列",
            "image_name": row["image"],
            "images": [row["image"], f"{config}-second.png"],
            "image_urls": [f"https://example.invalid/{row['image']}", "https://example.invalid/second.png"],
            "page_urls": ["https://example.invalid/a", "https://example.invalid/b"],
        }
        for n, row in enumerate(rows_of(config))
    ]


def cvqa_rows() -> list[dict[str, Any]]:
    """Made-up rows with four options."""
    return [
        {
            "image": f"cvqa-refined-{n // 2}.jpg",
            "original_id": f"{59_919_911_442 + n}_{n % 3}",
            "question": f"{n}番の写真に写っているのは何ですか？",
            "options": [f"{_THINGS[(n + k) % len(_THINGS)]}{k}" for k in range(4)],
            "answer": n % 4,
            "Category": ("Cooking and food", "Plants and animal")[n % 2],
            "Image Type": "Self",
            "Image Source": "Self-open",
            "License": "CC BY-SA",
        }
        for n in range(CVQA_ROWS)
    ]


def jammeval_files() -> dict[str, bytes]:
    """JAMMEval's repository."""
    configs = {config: (features, {"test": rows(config)}) for config, features in _CONFIGS.items()}
    return repository({**configs, "CVQA-JA-Refined": (CVQA, {"test": cvqa_rows()})})


def slide_rows() -> list[dict[str, Any]]:
    """BusinessSlideVQA's."""
    return [row | {"question_id": f"slide-{n}"} for n, row in enumerate(rows_of("スライド"))]


def hakusho_rows() -> list[dict[str, Any]]:
    """HakushoBench's."""
    return [row | {"original_id": f"hakusho-{n}"} for n, row in enumerate(rows_of("白書"))]


def add(hub: Hub) -> None:
    """Put the three repositories on a hub; HakushoBench's newest revision has no pictures, as the real one's."""
    hub.add_dataset(JAMMEVAL, jammeval_files())
    hub.add_dataset(SLIDES, repository({"default": (SLIDE, {"train": slide_rows()})}))
    hub.add_dataset(HAKUSHO, repository({"default": (SHORT, {"test": hakusho_rows()})}), commit=REVISION)
    newer = [row | {"image_url": "https://example.invalid/chart.png"} for row in hakusho_rows()]
    features: Features = {"original_id": "string", "image_url": "string", "question": "string", "answer": "string"}
    hub.add_dataset(HAKUSHO, repository({"default": (features, {"test": newer})}))


def answers(task: str) -> dict[str, str]:
    """Answers by question id."""
    if task == "jammeval_cvqa":
        every = enumerate(cvqa_rows())
        return {row["original_id"]: choice_answer(n, "ABCD"[row["answer"]], row["options"]) for n, row in every}
    if task in JUDGED:
        own = rows(_config_of(task))
        return by_id([row["original_id"] for row in own], own)
    own = slide_rows() if task == "business_slide_vqa" else hakusho_rows()
    return by_id([row.get("question_id", row.get("original_id")) for row in own], own)


def _config_of(task: str) -> str:
    return list(_CONFIGS)[JUDGED.index(task)]


def expected(task: str) -> dict[str, float]:
    """The shares of right answers."""
    if task == "jammeval_cvqa":
        return choice_scores(list(range(CVQA_ROWS)))
    return {"accuracy_judged": percent_right(ROWS), "coverage": 1}


STAND = Stand((*JUDGED, "jammeval_cvqa", "business_slide_vqa", "hakusho_bench"), add, answers, expected)
