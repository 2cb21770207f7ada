"""LLaVA-Bench in Japanese: In-the-Wild (60 questions, 24 pictures) and COCO (90 questions, 30 pictures).

The Japanese texts are those of the authors of Heron-Bench (github.com/turingmotors/heron), fetched at a pinned commit;
the pictures come with the English benchmarks on the hub, joined by the number of the question.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from datasets import Dataset

from lmms_eval_ja.clients import AssetError, asset
from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.images import with_others
from lmms_eval_ja.jp_tasks.short_answers import ProcessDocs, checking

Row = Mapping[str, Any]
_TEXTS = ("question", "reference", "context")


@dataclass(frozen=True)
class _Files:
    """The files of a benchmark's texts, and the field that is Japanese in questions and answers.

    `anchors` are recorded answers of models, file by label. `rule` comes before the category in the name of its judging
    rule: Heron-Bench's rule.json holds LLaVA's rules, too.
    """

    folder: str
    questions: str
    answers: str
    context: str
    japanese: str
    rule: str = ""
    anchors: Mapping[str, str] = field(default_factory=dict)

    def read(self, name: str) -> list[Row]:
        path = asset(f"{self.folder}/{name}", or_changed=True)
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


WILD = _Files(
    "llava_bench_in_the_wild_ja",
    "questions_ja.jsonl",
    "answers_gpt4_ja.jsonl",
    "context_ja.jsonl",
    "jp",
    rule="llava_bench_",
    anchors={"claude_3": "claude3_0314_ja.jsonl", "gemini": "gemini_0314_ja.jsonl"},
)
COCO = _Files(
    "llava_bench_coco_ja",
    "qa90_questions_ja.jsonl",
    "qa90_gpt4_answers_ja.jsonl",
    "captions_boxes_coco2014_val_80.jsonl",
    "text_JA",
)


def _joined(dataset: Dataset, files: _Files) -> Dataset:
    """The pictures in the order of their questions' numbers, with the Japanese texts.

    Raises:
        DatasetError: the texts cannot be had, or are of other questions.
    """
    if "question_id" not in dataset.column_names:
        raise DatasetError(f"{files.folder}: column 'question_id' is missing; found {', '.join(dataset.column_names)}")
    try:
        questions, answers, contexts = (files.read(name) for name in (files.questions, files.answers, files.context))
        recorded = {
            label: {int(row["question_id"]): str(row["text_ja"]) for row in files.read(name)}
            for label, name in files.anchors.items()
        }
    except AssetError as error:
        raise DatasetError(str(error)) from None
    places = {int(id_): place for place, id_ in enumerate(dataset["question_id"])}
    asked = {int(row["question_id"]): row for row in questions}
    answered = {int(row["question_id"]): row for row in answers}
    if not places.keys() == asked.keys() == answered.keys():
        raise DatasetError(
            f"{files.folder}: the numbers of the questions differ: {len(places)} with a picture, {len(asked)} in "
            f"{files.questions}, {len(answered)} in {files.answers}"
        )
    described = {row["image"]: description(row) for row in contexts}
    ids = sorted(places)
    dataset = with_columns(
        dataset.select([places[id_] for id_ in ids]),
        {
            "question_id": [str(id_) for id_ in ids],
            "question": [asked[id_][files.japanese] for id_ in ids],
            "reference": [answered[id_][files.japanese] for id_ in ids],
            "context": [described[asked[id_]["image"]] for id_ in ids],
            "category": [f"{files.rule}{asked[id_]['category']}" for id_ in ids],
            "image_id": [asked[id_]["image"] for id_ in ids],
        },
    )
    if not recorded:
        return dataset
    return with_columns(dataset, {"anchors": [{label: own.get(id_) for label, own in recorded.items()} for id_ in ids]})


def description(row: Row) -> str:
    """What the judge is told of a picture: its Japanese description, or COCO's captions and boxes as LLaVA has them."""
    if "caption_jp" in row:
        return str(row["caption_jp"])
    boxes = "\n".join(f"{one['category']}: {one['bbox']}" for one in row["instances"])
    return "\n".join(row["captions"]) + f"\n\n{boxes}"


def texts(dataset: Dataset) -> Iterable[str]:
    """Questions, references and descriptions, of which the checksum is."""
    return [text for column in _TEXTS for text in dataset[column]]


def _docs(name: str, rows: int, files: _Files, sha256: str) -> ProcessDocs:
    spec = DatasetSpec(
        name=name,
        rows=rows,
        columns=("question_id", "image", "question", "category"),
        texts=texts,
        texts_sha256=sha256,
        whole=partial(_joined, files=files),
    )
    return checking(lambda dataset: with_others(load_checked(dataset, spec)), spec)


in_the_wild = _docs(
    "lmms-lab/llava-bench-in-the-wild", 60, WILD, "28ec9f0ffcdebae275f02f9a3332fc7f794675869eb7d1912cf392f4ea12f989"
)
coco = _docs("lmms-lab/llava-bench-coco", 90, COCO, "f5792d981422fd2a5235281f4775bf899d3220aafc66864cdb5f7af7beb20ac7")
