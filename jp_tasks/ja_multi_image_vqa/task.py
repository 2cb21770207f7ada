"""JA-Multi-Image-VQA (Sakana AI): 55 questions, each on several of 39 pictures."""

from __future__ import annotations

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.images import with_others

#: Stands in a question for each of its pictures; the pictures come before the question here.
PLACEHOLDER = "<image> "
SPEC = DatasetSpec(
    name="SakanaAI/JA-Multi-Image-VQA",
    rows=55,
    columns=("images", "image_urls", "question", "answer"),
)


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data; number the rows, leave out the placeholders, name a set of pictures by its addresses."""
    dataset = load_checked(dataset, SPEC)
    dataset = with_columns(
        dataset,
        {
            "question_id": [str(n) for n in range(len(dataset))],
            "question": [text.replace(PLACEHOLDER, "") for text in dataset["question"]],
            "image_id": [" ".join(addresses) for addresses in dataset["image_urls"]],
        },
    )
    return with_others(dataset)
