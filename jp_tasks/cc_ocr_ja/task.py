"""CC-OCR (arXiv 2412.02210), its Japanese part: 150 pictures whose text is to be read, in whatever order."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from collections.abc import Mapping
from typing import Any

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.graded import Grade, graded_by
from lmms_eval_ja.jp_tasks.images import shown, with_others
from lmms_eval_ja.metrics import character_f1

LANGUAGE, JAPANESE = "l2-category", "Japanese"
F1, F1_NFKC = "f1", "f1_nfkc"


def process_docs(dataset: Dataset) -> Dataset:
    """Take the Japanese rows and check them; number them. No picture is decoded."""
    dataset = load_checked(dataset, SPEC)
    columns = {
        "question_id": [str(n) for n in range(len(dataset))],
        "reference": [str(text or "") for text in dataset["answer"]],
        "image_id": [
            hashlib.sha256(row["image"].encode()).hexdigest()[:16] for row in dataset.select_columns(["image"])
        ],
    }
    return with_others(with_columns(dataset, columns))


def doc_to_visual(doc: Mapping[str, Any]) -> list[Any]:
    """The picture, decoded here and not before, in RGB."""
    return shown(doc, lambda own: [_decoded(own)])


def _decoded(doc: Mapping[str, Any]) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(io.BytesIO(base64.b64decode(doc["image"])))
    except (binascii.Error, UnidentifiedImageError) as error:
        raise DatasetError(
            f"{SPEC.name}: the picture of question {doc['question_id']} is no picture in base64: {error}"
        ) from error


def grade(doc: Mapping[str, Any], answer: str) -> Grade:
    """F1 over the characters, as the benchmark counts them; `f1_nfkc` with full and half width alike."""
    wanted = doc["reference"]
    return Grade(character_f1(wanted, answer), {F1_NFKC: character_f1(wanted, answer, variant="nfkc")})


process_results = graded_by(F1, grade, (F1_NFKC,))


def _japanese(dataset: Dataset) -> Dataset:
    if LANGUAGE not in dataset.column_names:
        raise DatasetError(f"{SPEC.name}: column {LANGUAGE!r} is missing; found {', '.join(dataset.column_names)}")
    return dataset.select([row for row, language in enumerate(dataset[LANGUAGE]) if language == JAPANESE])


SPEC = DatasetSpec("wulipc/CC-OCR, multi_lan_ocr", 150, ("image", "question", "answer", LANGUAGE), whole=_japanese)
