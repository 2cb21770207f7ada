"""JMMMU-Pro: JMMMU's 1,320 questions checked anew, all multiple choice; or with the question inside the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec, check_dataset, with_columns
from lmms_eval_ja.jp_tasks.images import picture_ids, with_others
from lmms_eval_ja.jp_tasks.jmmmu_ja.task import PICTURES, culture_of
from lmms_eval_ja.jp_tasks.jmmmu_ja.texts import options_of, subject_of, with_numbered_pictures
from lmms_eval_ja.jp_tasks.prompts import CHOICE_LINE, OPTIONS
from lmms_eval_ja.jp_tasks.short_answers import checking

#: In our own words: what the question asks stands in the picture.
VISION_LINE = f"画像に書かれている問題に答えてください。{CHOICE_LINE}"
_COLUMNS = ("id", "options", "answer")
STANDARD = DatasetSpec("JMMMU/JMMMU-Pro, standard", 1320, (*_COLUMNS, "question", *PICTURES))
VISION = DatasetSpec("JMMMU/JMMMU-Pro, vision", 1320, (*_COLUMNS, "image"))


def _standard(dataset: Dataset) -> Dataset:
    """Check the data; the question is a text, as in JMMMU."""
    check_dataset(dataset, STANDARD)
    questions = [with_numbered_pictures(text) for text in dataset["question"]]
    return _documents(dataset, questions, PICTURES[0])


def _vision(dataset: Dataset) -> Dataset:
    """Check the data; question and options stand in the picture, and the options beside it for reading answers."""
    check_dataset(dataset, VISION)
    return _documents(dataset, [VISION_LINE] * len(dataset), "image")


def vision_to_text(doc: Mapping[str, Any]) -> str:
    """The question, which only asks to look: the options stand in the picture."""
    return str(doc["question"])


def _documents(dataset: Dataset, questions: list[str], picture: str) -> Dataset:
    subjects = [subject_of(str(question_id)) for question_id in dataset["id"]]
    dataset = with_columns(
        dataset,
        {
            "question_id": list(dataset["id"]),
            "question": questions,
            OPTIONS: [options_of(text) for text in dataset["options"]],
            "reference": [str(answer) for answer in dataset["answer"]],
            "image_id": picture_ids(dataset, picture),
            "category": subjects,
            "parts": [[culture_of(subject)] for subject in subjects],
        },
    )
    return with_others(dataset)


standard_docs = checking(_standard, STANDARD)
vision_docs = checking(_vision, VISION)
