"""MECHA-ja: questions on Japanese culture and daily life with four options, each asked in four rotations of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from datasets import Dataset, concatenate_datasets

from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.images import picture_ids, with_others
from lmms_eval_ja.jp_tasks.prompts import OPTIONS
from lmms_eval_ja.jp_tasks.scoring import READ, Mark, choice_mark, marked_by
from lmms_eval_ja.judges import MetricItem, Score
from lmms_eval_ja.judges.scores import mean_ja

#: The hub shows 1.82k rows. 56 of 57 figures of llm-jp-eval-mm's leaderboards are multiples of 1/1818, and at most 18
#: are of 1/n for any other n near it.
SPEC = DatasetSpec(
    name="llm-jp/MECHA-ja",
    rows=1818,
    columns=("id", "image", "question", "options", "answer", "answer_type"),
)
ROTATIONS = 4
CONSISTENCY, ALL_ROTATIONS = "consistency", "all_rotations"
_BETWEEN = "_r"


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data; each question becomes four documents, one after the other, whose pictures are not copied."""
    dataset = load_checked(dataset, SPEC)
    dataset = with_others(with_columns(dataset, {"image_id": picture_ids(dataset, "image")}))
    rotated = concatenate_datasets([_rotated(dataset, rotation) for rotation in range(ROTATIONS)])
    return rotated.select(
        [rotation * len(dataset) + row for row in range(len(dataset)) for rotation in range(ROTATIONS)]
    )


def _rotated(dataset: Dataset, rotation: int) -> Dataset:
    """The questions with their options rotated to the left: the option that stood at `rotation` comes first."""
    ids, options, answers = (list(dataset[name]) for name in ("id", "options", "answer"))
    if wrong := [id_ for id_, own in zip(ids, options, strict=True) if len(own) != ROTATIONS]:
        raise DatasetError(f"{SPEC.name}: question {wrong[0]} does not have {ROTATIONS} options")
    return with_columns(
        dataset,
        {
            "question_id": [f"{id_}{_BETWEEN}{rotation}" for id_ in ids],
            "rotation": [rotation] * len(ids),
            OPTIONS: [[*own[rotation:], *own[:rotation]] for own in options],
            "reference": [ascii_uppercase[(int(answer) - rotation) % ROTATIONS] for answer in answers],
            "category": [str(kind) for kind in dataset["answer_type"]],
            "parts": [[CONSISTENCY, ALL_ROTATIONS]] * len(ids),
        },
    )


def mark(doc: Mapping[str, Any], answer: str) -> Mark:
    """By the letter; what was read is given as the letter that the option has before it is rotated."""
    rotated = choice_mark(doc, answer)
    if rotated.read is None:
        return rotated
    original = (ascii_uppercase.index(rotated.read) + doc["rotation"]) % ROTATIONS
    return Mark(ascii_uppercase[original], rotated.right)


process_results = marked_by(mark)


def consistency(items: Sequence[MetricItem]) -> Score:
    """The share of questions, in percent, whose four answers were all read, and as the same option."""
    return mean_ja(_of_questions(items, lambda own: READ in own[0] and len({item.get(READ) for item in own}) == 1))


def all_rotations(items: Sequence[MetricItem]) -> Score:
    """The share of questions, in percent, that were answered rightly in all four rotations."""
    return mean_ja(_of_questions(items, lambda own: all(item.value for item in own)))


def _of_questions(items: Sequence[MetricItem], holds: Callable[[Sequence[MetricItem]], bool]) -> list[MetricItem]:
    """The items of the questions that have all their rotations, each with its question's value.

    A question of which a rotation is missing (a run of a part of the documents) says nothing. One of which a rotation
    failed fails as a whole: whether it holds of the four is not known.
    """
    questions: dict[str, list[MetricItem]] = {}
    for item in items:
        questions.setdefault(item.sample_id.rpartition(_BETWEEN)[0], []).append(item)
    whole = [own for own in questions.values() if len(own) == ROTATIONS]
    for own in whole:
        failure = next((item.failure for item in own if item.failure is not None), None)
        value = None if failure is not None else 100.0 if holds(own) else 0.0
        for item in own:
            item.value, item.failure = value, failure
    return [item for own in whole for item in own]
