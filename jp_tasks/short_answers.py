"""Benchmarks in one form: a question on a picture or several, a short answer, an id, perhaps a category."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.images import picture_ids, with_others
from lmms_eval_ja.metrics import short_answer

_EMPTY_BOX = re.compile(r"\\boxed\{\s*\}")
ProcessDocs = Callable[[Dataset], Dataset]


def short_answers(spec: DatasetSpec, *, id_column: str | None, category: str | None = None) -> ProcessDocs:
    """A `process_docs` that checks the data and names id, category and picture by the conventional columns.

    Args:
        spec: what the data is known to be; with the columns `question`, `answer`, and `image` or both `images` and
            `image_urls`.
        id_column: names a row; None numbers them.
        category: a column that groups the rows, if there is one.
    """

    def process_docs(dataset: Dataset) -> Dataset:
        dataset = load_checked(dataset, spec)
        ids = [str(n) for n in range(len(dataset))] if id_column is None else distinct_ids(dataset[id_column])
        columns = {"question_id": ids, "image_id": _clusters(dataset)}
        if category is not None:
            columns["category"] = [str(name) for name in dataset[category]]
        return with_others(with_columns(dataset, columns))

    return checking(process_docs, spec)


def checking(process_docs: ProcessDocs, spec: DatasetSpec) -> ProcessDocs:
    """The function itself, which says by its attribute `spec` what it checks (`dataset.spec_of`)."""
    process_docs.spec = spec  # type: ignore[attr-defined]  # read back by `spec_of`
    return process_docs


def read_short(answer: str) -> str:
    r"""`metrics.short_answer`, with an empty box (`\boxed{}`) as nothing; "" where there is no answer."""
    return short_answer(_EMPTY_BOX.sub("", answer))


def distinct_ids(ids: Iterable[object]) -> list[str]:
    """Ids as texts; the rows of one that comes again are told apart by `_0`, `_1`, …."""
    texts = [str(id_) for id_ in ids]
    total, so_far = Counter(texts), Counter[str]()
    found = []
    for text in texts:
        found.append(f"{text}_{so_far[text]}" if total[text] > 1 else text)
        so_far[text] += 1
    return found


def _clusters(dataset: Dataset) -> list[str]:
    if "image" in dataset.column_names:
        return picture_ids(dataset, "image")
    return [" ".join(addresses) for addresses in dataset["image_urls"]]
