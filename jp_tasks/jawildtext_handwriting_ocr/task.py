"""JaWildText's handwriting_ocr (arXiv 2603.27942): handwritten Japanese is to be read, line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.graded import Grade, graded_by
from lmms_eval_ja.jp_tasks.images import picture_ids, with_others
from lmms_eval_ja.metrics import cer_similarity

#: In our words; like llm-jp-eval-mm's (at 9f450a5) it asks for all text, with its line breaks.
PROMPT = (
    "この画像に書かれている文字を、上から順に漏れなく書き起こしてください。"
    "画像の中で行が変わる所では、答えでも改行してください。"
)
SIMILARITY, UNFENCED = "cer_similarity", "cer_similarity_unfenced"
SPEC = DatasetSpec("llm-jp/jawildtext, handwriting_ocr", 1065, ("image", "polygons"))


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data; the reference is made of the annotated lines."""
    dataset = load_checked(dataset, SPEC)
    columns = {
        "question_id": [str(n) for n in range(len(dataset))],
        "question": [PROMPT] * len(dataset),
        "reference": [reference_of(lines, row) for row, lines in enumerate(dataset["polygons"])],
        "image_id": picture_ids(dataset, "image"),
    }
    return with_others(with_columns(dataset, columns))


def reference_of(lines: Sequence[Mapping[str, Any]] | None, row: int = 0) -> str:
    """The annotated texts from top to bottom by the centres of their polygons' corners, a line each.

    Args:
        lines: each with a `text` and a `polygon`, corners of (x, y) in pixels. Those without a text are left out.
        row: named in an error.

    Raises:
        DatasetError: the annotations have another form.
    """
    try:
        ordered = sorted(lines or (), key=lambda line: _centre(line["polygon"]))
        return "\n".join(line["text"] for line in ordered if line["text"])
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise DatasetError(
            f"{SPEC.name}: polygons of row {row} are not objects with a text and a polygon of (x, y): {error!r}"
        ) from error


def _centre(corners: Sequence[Sequence[float]] | None) -> tuple[float, float]:
    """(y, x); the benchmark's evaluation places a text without a polygon at (0, 0)."""
    if not corners:
        return 0.0, 0.0
    return fmean(corner[1] for corner in corners), fmean(corner[0] for corner in corners)


def grade(doc: Mapping[str, Any], answer: str) -> Grade:
    """1 − CER; besides, with a code fence around the answer taken off."""
    wanted = doc["reference"]
    return Grade(cer_similarity(wanted, answer), {UNFENCED: cer_similarity(wanted, answer, variant="unfenced")})


process_results = graded_by(SIMILARITY, grade, (UNFENCED,))
