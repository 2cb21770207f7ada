"""JDocQA (arXiv 2403.19454): questions on pages of Japanese documents, of four types that are scored in two ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.graded import EMPTY, Grade, graded_by
from lmms_eval_ja.jp_tasks.images import picture_ids, shown, with_others
from lmms_eval_ja.jp_tasks.scoring import PARTS, Mark, metrics_of
from lmms_eval_ja.jp_tasks.short_answers import distinct_ids, read_short
from lmms_eval_ja.metrics import jdocqa_score

PAGES = ("image_0", "image_1", "image_2", "image_3")
#: By their numbers in the column `answer_type`; those that are right or wrong are names of metrics, too.
TYPES = ("yesno", "factoid", "numerical", "open_ended")
OPEN = TYPES.index("open_ended")
BLEU = "bleu"
#: The test split as its authors published it has 1,176 questions.
SPEC = DatasetSpec("speed/JDocQA", 1176, ("question_id", "question", "answer", "answer_type", *PAGES))


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data; name type and pages by the conventional columns. Questions on the same pages are a cluster.

    Raises:
        DatasetError: among others, for a type that is not known.
    """
    dataset = load_checked(dataset, SPEC)
    kinds = list(dataset["answer_type"])
    if unknown := [kind for kind in kinds if kind not in range(len(TYPES))]:
        raise DatasetError(f"{SPEC.name}: answer_type is {unknown[0]!r}; expected 0 to {len(TYPES) - 1}")
    pages = zip(*(picture_ids(dataset, page) for page in PAGES), strict=True)
    columns = {
        "question_id": distinct_ids(list(dataset["question_id"])),
        "reference": list(dataset["answer"]),
        "category": [TYPES[kind] for kind in kinds],
        PARTS: [[] if kind == OPEN else [TYPES[kind]] for kind in kinds],
        "image_id": ["-".join(filter(None, own)) for own in pages],
    }
    return with_others(with_columns(dataset, columns))


def doc_to_visual(doc: Mapping[str, Any]) -> list[Any]:
    """The document's pages, in RGB."""
    return shown(doc, lambda own: [own[page] for page in PAGES if own[page] is not None])


def mark(doc: Mapping[str, Any], answer: str) -> Mark:
    """An answer to a question of the first three types."""
    if not (read := read_short(answer)):
        return Mark(None, reason=EMPTY)
    score = jdocqa_score(doc["answer_type"], doc["reference"], answer)
    if score.failure is not None:
        return Mark(None, reason=score.failure)
    return Mark(read, right=score.score == 1)


def _bleu(doc: Mapping[str, Any], answer: str) -> Grade:
    return Grade(jdocqa_score(OPEN, doc["reference"], answer).score)


_open = graded_by(BLEU, _bleu)


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """`bleu` and `unparsed` of an answer to an open question; else the metrics of `scoring` and its type's."""
    if doc["answer_type"] == OPEN:
        return _open(doc, results)
    return metrics_of(doc, results[0], mark)
