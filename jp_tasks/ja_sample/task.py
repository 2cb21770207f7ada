"""`ja_sample`: a small benchmark drawn for this project, scored by every protocol that needs nothing fetched."""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec, check_dataset
from lmms_eval_ja.jp_tasks.images import with_others
from lmms_eval_ja.jp_tasks.robust import robust_docs
from lmms_eval_ja.judges import score_ja_pairwise, score_rouge_l, score_vqa_likert, together
from lmms_eval_ja.judges.rubrics import with_rubric

#: By what each category is judged in `ja_sample_rubric`, of our library of rubrics.
RUBRICS = {"conv": "text_reading", "detail": "completeness", "complex": "factual_correctness"}

SPEC = DatasetSpec(
    name="ja_sample",
    rows=40,
    columns=("question_id", "image_id", "image", "category", "image_category", "context", "question", "answer"),
    texts=lambda dataset: dataset["question"],
)

process_results = together(score_rouge_l, score_vqa_likert, score_ja_pairwise)


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data."""
    check_dataset(dataset, SPEC)
    return with_others(dataset)


def process_docs_rubric(dataset: Dataset) -> Dataset:
    """The same documents, each with the rubric of its category."""
    return with_rubric(process_docs(dataset), RUBRICS)


#: Each question in several wordings.
process_robust_docs = robust_docs("ja_sample", process_docs, SPEC, shipped=Path(__file__).with_name("variants.jsonl"))
