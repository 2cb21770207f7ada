"""JA-VG-VQA-500 (Sakana AI, after Shimizu et al. 2018): 500 pictures of Visual Genome with short questions."""

from __future__ import annotations

from typing import Any

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec, check_dataset, with_columns
from lmms_eval_ja.jp_tasks.images import with_others

SPEC = DatasetSpec(name="SakanaAI/JA-VG-VQA-500", rows=500, columns=("image_id", "image", "qas"))


def all_questions(dataset: Dataset) -> Dataset:
    """One row for every question (about 4,000), as the published ROUGE-L figures were made."""
    check_dataset(dataset, SPEC)
    flattened = dataset.map(
        _flattened, batched=True, batch_size=50, remove_columns=dataset.column_names, desc="one row a question"
    )
    return with_others(flattened)


def first_questions(dataset: Dataset) -> Dataset:
    """The first question of each picture (500), as Sakana AI scores."""
    check_dataset(dataset, SPEC)
    first = [qas[0] for qas in dataset["qas"]]
    dataset = with_columns(
        dataset.remove_columns("qas"),
        {
            "question_id": [str(qa["qa_id"]) for qa in first],
            "question": [qa["question"] for qa in first],
            "answer": [qa["answer"] for qa in first],
        },
    )
    return with_others(dataset)


def _flattened(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    rows = [
        (qa, image_id, image)
        for qas, image_id, image in zip(batch["qas"], batch["image_id"], batch["image"], strict=True)
        for qa in qas
    ]
    return {
        "question_id": [str(qa["qa_id"]) for qa, _, _ in rows],
        "question": [qa["question"] for qa, _, _ in rows],
        "answer": [qa["answer"] for qa, _, _ in rows],
        "image_id": [image_id for _, image_id, _ in rows],
        "image": [image for _, _, image in rows],
    }
