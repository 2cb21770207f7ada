"""JAMMEval (arXiv 2604.00909): seven Japanese benchmarks whose questions and answers were corrected by hand.

The hub's card, as far as it was read, states the rows of four configurations. Of the other three only the size of the
benchmark that was refined is known: theirs is taken to be 0.8 of that at least, and at most that.
"""

from __future__ import annotations

from string import ascii_uppercase

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.images import picture_ids, with_others
from lmms_eval_ja.jp_tasks.prompts import OPTIONS
from lmms_eval_ja.jp_tasks.short_answers import checking, short_answers

NAME = "llm-jp/JAMMEval"
_COLUMNS = ("original_id", "image", "question", "answer")
CVQA = DatasetSpec(f"{NAME}, CVQA-JA-Refined", 200, (*_COLUMNS, "options", "Category"))


def _spec(config: str, rows: int | range, *more: str, columns: tuple[str, ...] = _COLUMNS) -> DatasetSpec:
    return DatasetSpec(f"{NAME}, {config}", rows, (*columns, *more))


cc_ocr = short_answers(_spec("CC-OCR-JA-Refined", 145), id_column="original_id")
heron_bench = short_answers(
    _spec("Heron-Bench-Refined", 88, "image_category"), id_column="original_id", category="image_category"
)
ja_multi_image_vqa = short_answers(
    _spec("JA-Multi-Image-VQA-Refined", 53, columns=("original_id", "images", "image_urls", "question", "answer")),
    id_column="original_id",
)
ja_vlm_bench = short_answers(_spec("JA-VLM-Bench-Refined", range(40, 51)), id_column="original_id")
jdocqa = short_answers(_spec("JDocQA-Refined", range(941, 1177)), id_column="original_id")
jgraphqa = short_answers(_spec("JGraphQA-Refined", range(160, 201)), id_column="original_id")


def _cvqa(dataset: Dataset) -> Dataset:
    dataset = load_checked(dataset, CVQA)
    options, answers = list(dataset["options"]), list(dataset["answer"])
    if wrong := [n for n, own in zip(answers, options, strict=True) if not 0 <= n < len(own)]:
        raise DatasetError(f"{CVQA.name}: answer is {wrong[0]}, which is none of the options")
    dataset = with_columns(
        dataset,
        {
            "question_id": [str(id_) for id_ in dataset["original_id"]],
            OPTIONS: options,
            "reference": [ascii_uppercase[n] for n in answers],
            "image_id": picture_ids(dataset, "image"),
            "category": list(dataset["Category"]),
        },
    )
    return with_others(dataset)


cvqa = checking(_cvqa, CVQA)
