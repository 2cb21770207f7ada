"""JGraphQA: 200 questions on 100 charts and tables of Japanese companies' reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.graded import EMPTY
from lmms_eval_ja.jp_tasks.images import picture_ids, with_others
from lmms_eval_ja.jp_tasks.scoring import Mark, marked_by
from lmms_eval_ja.jp_tasks.short_answers import distinct_ids, read_short
from lmms_eval_ja.metrics import open_match

NAME = "r-g2-2024/JGraphQA"


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data; the two questions on a chart are a cluster.

    Raises:
        DatasetError: among others, where the pictures are not in the data.
    """
    dataset = load_checked(dataset, SPEC)
    columns = {"question_id": distinct_ids(list(dataset["id"])), "image_id": picture_ids(dataset, "image")}
    return with_others(with_columns(dataset, columns))


def _with_pictures(dataset: Dataset) -> Dataset:
    if "image" not in dataset.column_names:
        raise DatasetError(
            f"{NAME}: there is no column 'image', only {', '.join(dataset.column_names)}. Where the repository has "
            "only the sources of its charts, make the data by its notebook, and load your copy as the task's README "
            "shows"
        )
    return dataset


SPEC = DatasetSpec(NAME, 200, ("id", "image", "question", "answer"), whole=_with_pictures)


def mark(doc: Mapping[str, Any], answer: str) -> Mark:
    """Whether an answer gives the reference, whatever way numbers and units are written."""
    if not (read := read_short(answer)):
        return Mark(None, reason=EMPTY)
    return Mark(read, right=open_match(doc["answer"], answer))


process_results = marked_by(mark)
