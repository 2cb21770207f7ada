"""Heron-Bench (arXiv 2404.07824): 103 questions on 21 pictures, compared with GPT-4's answers."""

from __future__ import annotations

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec, check_dataset, with_columns
from lmms_eval_ja.jp_tasks.images import with_others
from lmms_eval_ja.jp_tasks.robust import robust_docs
from lmms_eval_ja.judges.rubrics import with_rubric

#: Whose answers are the reference, a key of the column `answer`.
REFERENCE = "gpt-4-0125-preview"

#: Models whose recorded answers come with the benchmark, keys of the column `answer`, by the label of their metric.
ANCHORS = {
    "claude_3": "claude-3-opus-20240229",
    "gemini": "gemini-1.0-pro-vision-latest",
    "gpt_4v": "gpt-4-vision-preview",
}

#: By what each category is judged in `heron_bench_ja_rubric`, of our library of rubrics.
RUBRICS = {"conv": "factual_correctness", "detail": "completeness", "complex": "groundedness"}

SPEC = DatasetSpec(
    name="Silviase/Japanese-Heron-Bench",
    rows=103,
    columns=("question_id", "image", "category", "image_category", "context", "text", "answer"),
    texts=lambda dataset: dataset["text"],
    texts_sha256="f58d960edd62d17e454d052a896076615c709403b5cf8fc89380847fddde1839",
)


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data; name question, reference, recorded answers and picture by the conventional columns.

    The flattened dataset has no picture names: the description of a picture, unique to it, names its cluster.
    """
    check_dataset(dataset, SPEC)
    contexts = list(dict.fromkeys(dataset["context"]))
    dataset = with_columns(
        dataset,
        {
            "question": list(dataset["text"]),
            "reference": [answer[REFERENCE] for answer in dataset["answer"]],
            "anchors": [{label: answer.get(model) for label, model in ANCHORS.items()} for answer in dataset["answer"]],
            "image_id": [f"{contexts.index(context) + 1:03d}" for context in dataset["context"]],
        },
    )
    return with_others(dataset)


def process_docs_rubric(dataset: Dataset) -> Dataset:
    """The same documents, each with the rubric of its category."""
    return with_rubric(process_docs(dataset), RUBRICS)


#: Each question in several wordings, made by rules, since none of the benchmark's texts is shipped.
process_robust_docs = robust_docs("heron_bench_ja", process_docs, SPEC)
