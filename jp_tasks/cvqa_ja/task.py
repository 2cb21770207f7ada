"""CVQA (arXiv 2406.05967), its Japanese part: 203 questions that Japanese annotators asked about their own culture."""

from __future__ import annotations

from string import ascii_uppercase

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.images import picture_ids, with_others
from lmms_eval_ja.jp_tasks.prompts import OPTIONS

SUBSET = "('Japanese', 'Japan')"


def process_docs(dataset: Dataset) -> Dataset:
    """Take the Japanese rows and check them; name question, options and picture by the conventional columns.

    Raises:
        DatasetError: among others, for a revision that keeps the right options to itself.
    """
    dataset = load_checked(dataset, SPEC)
    labels, options = list(dataset["Label"]), list(dataset["Options"])
    if wrong := [label for label, own in zip(labels, options, strict=True) if not 0 <= label < len(own)]:
        raise DatasetError(
            f"{SPEC.name}: Label is {wrong[0]}: this revision does not tell which option is right; load a newer one"
        )
    dataset = with_columns(
        dataset,
        {
            "question_id": list(dataset["ID"]),
            "question": [text.strip() for text in dataset["Question"]],
            OPTIONS: [[text.strip() for text in own] for own in options],
            "reference": [ascii_uppercase[label] for label in labels],
            "image_id": picture_ids(dataset, "image"),
            "category": list(dataset["Category"]),
        },
    )
    return with_others(dataset)


def _japanese(dataset: Dataset) -> Dataset:
    if "Subset" not in dataset.column_names:
        raise DatasetError(f"{SPEC.name}: column 'Subset' is missing; found {', '.join(dataset.column_names)}")
    return dataset.select([row for row, subset in enumerate(dataset["Subset"]) if subset == SUBSET])


SPEC = DatasetSpec(
    name="afaji/cvqa",
    rows=203,
    columns=("image", "ID", "Subset", "Question", "Options", "Label", "Category"),
    whole=_japanese,
)
