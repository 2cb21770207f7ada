"""JA-VLM-Bench-In-the-Wild (Sakana AI): 50 questions on 42 pictures of things Japanese."""

from __future__ import annotations

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec, check_dataset, with_columns
from lmms_eval_ja.jp_tasks.images import with_others
from lmms_eval_ja.judges.rubrics import with_rubric

#: By what answers are judged in `ja_vlm_bench_in_the_wild_rubric`, of our library of rubrics.
RUBRIC = "factual_correctness"

SPEC = DatasetSpec(
    name="SakanaAI/JA-VLM-Bench-In-the-Wild",
    rows=50,
    columns=("image_url", "image", "question", "answer"),
)


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data; number the rows, and name a picture by its address."""
    check_dataset(dataset, SPEC)
    dataset = with_columns(
        dataset,
        {"question_id": [str(n) for n in range(len(dataset))], "image_id": list(dataset["image_url"])},
    )
    return with_others(dataset)


def process_docs_rubric(dataset: Dataset) -> Dataset:
    """The same documents, with the rubric."""
    return with_rubric(process_docs(dataset), RUBRIC)
