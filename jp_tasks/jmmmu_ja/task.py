"""JMMMU (arXiv 2410.17250): 1,320 questions of 28 subjects, of which four are about Japanese culture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec, load_checked, with_columns, with_siblings
from lmms_eval_ja.jp_tasks.images import picture_ids, shown, with_others
from lmms_eval_ja.jp_tasks.jmmmu_ja.texts import named_pictures, options_of, references_of, with_numbered_pictures
from lmms_eval_ja.jp_tasks.prompts import OPTIONS
from lmms_eval_ja.jp_tasks.scoring import Mark, choice_mark, marked_by
from lmms_eval_ja.metrics import open_match, short_answer

NAME, SPLIT = "JMMMU/JMMMU", "test"
#: Subjects that were translated from MMMU, 30 questions each.
CULTURE_AGNOSTIC = (
    "Accounting",
    "Agriculture",
    "Architecture_and_Engineering",
    "Basic_Medical_Science",
    "Biology",
    "Chemistry",
    "Clinical_Medicine",
    "Computer_Science",
    "Design",
    "Diagnostics_and_Laboratory_Medicine",
    "Economics",
    "Electronics",
    "Energy_and_Power",
    "Finance",
    "Manage",
    "Marketing",
    "Materials",
    "Math",
    "Mechanical_Engineering",
    "Music",
    "Pharmacy",
    "Physics",
    "Psychology",
    "Public_Health",
)
#: Subjects that were made for Japanese culture, 150 questions each.
CULTURE_SPECIFIC = ("Japanese_Art", "Japanese_Heritage", "Japanese_History", "World_History")
#: The configurations of the repository; the YAML loads the first.
SUBJECTS = (*CULTURE_AGNOSTIC, *CULTURE_SPECIFIC)
PICTURES = tuple(f"image_{n}" for n in range(1, 8))
MULTIPLE_CHOICE = "multiple-choice"


def culture_of(subject: str) -> str:
    """`culture_specific` or `culture_agnostic`."""
    return "culture_specific" if subject in CULTURE_SPECIFIC else "culture_agnostic"


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data; name question, options, reference and picture by the conventional columns."""
    dataset = load_checked(dataset, SPEC)
    kinds, subjects = list(dataset["question_type"]), list(dataset["subject"])
    is_choice = [kind == MULTIPLE_CHOICE for kind in kinds]
    options = list(dataset["options"])
    dataset = with_columns(
        dataset,
        {
            "question_id": list(dataset["id"]),
            "question": [with_numbered_pictures(text) for text in dataset["question"]],
            OPTIONS: [options_of(text) if choice else [] for text, choice in zip(options, is_choice, strict=True)],
            "reference": [str(answer) for answer in dataset["answer"]],
            "image_id": picture_ids(dataset, PICTURES[0]),
            "category": subjects,
            "parts": [
                [culture_of(subject), "multiple_choice" if choice else "open"]
                for subject, choice in zip(subjects, is_choice, strict=True)
            ],
        },
    )
    return with_others(dataset)


def doc_to_visual(doc: Mapping[str, Any]) -> list[Any]:
    """The pictures that the question or its options name, in the order of their numbers."""
    return shown(doc, pictures)


def pictures(doc: Mapping[str, Any]) -> Sequence[Any]:
    """The pictures that question and options name; all there are where none is named."""
    named = named_pictures(doc["question"], *doc[OPTIONS])
    columns = [f"image_{n}" for n in named] or PICTURES
    return [doc[column] for column in columns if doc.get(column) is not None]


def mark(doc: Mapping[str, Any], answer: str) -> Mark:
    """By the letter; an open question by a match of the answer with the reference."""
    return choice_mark(doc, answer) if doc[OPTIONS] else open_mark(doc, answer)


def open_mark(doc: Mapping[str, Any], answer: str) -> Mark:
    """Right if the answer gives the reference, or one of several that are written as a Python list."""
    read = short_answer(answer)
    if not read:
        return Mark(None, reason="unfinished" if answer else "empty")
    return Mark(read, right=open_match(references_of(doc["reference"]), answer))


def _whole(dataset: Dataset) -> Dataset:
    return with_siblings(dataset, NAME, SPLIT, SUBJECTS, "subject")


SPEC = DatasetSpec(
    name=NAME,
    rows=1320,
    columns=("id", "question", "options", "question_type", "answer", *PICTURES),
    whole=_whole,
)
process_results = marked_by(mark)
