"""Questions that mean the same: each wording is a document of its own, and `prompt_cluster` names the question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from datasets import Dataset
from datasets.table import concat_tables

from lmms_eval_ja.jp_tasks.dataset import DatasetError, with_columns
from lmms_eval_ja.jp_tasks.rephrasing.variant_file import Variant, VariantsError, question_hash
from lmms_eval_ja.judges import PROMPT_CLUSTER


def check_clusters(clusters: Sequence[str], references: Sequence[str], ids: Sequence[str], where: str) -> None:
    """Check that questions which mean the same have the same reference.

    Args:
        clusters: of each document, shape (n,).
        references: of each document, shape (n,).
        ids: of each document, shape (n,), for the message.
        where: the data set's name or the file's, for the message.

    Raises:
        DatasetError: two members of a cluster have different references; names both rows, counted from 1.
    """
    first: dict[str, int] = {}
    for row, (cluster, reference) in enumerate(zip(clusters, references, strict=True)):
        known = first.setdefault(cluster, row)
        if reference.strip() != references[known].strip():
            raise DatasetError(
                f"{where}, row {row + 1} ({ids[row]}): its reference is not that of row {known + 1} ({ids[known]}), of "
                f"the same cluster {cluster}: questions that mean the same have one reference. Mend it, or give the "
                "question a cluster of its own"
            )


def with_variants(dataset: Dataset, variants: Mapping[str, Sequence[str]]) -> Dataset:
    """The documents, each followed by its other wordings; all columns but the question are the document's.

    `question_id` becomes `<id>-<k>`, with 0 for the benchmark's own wording, and `prompt_cluster` the id. A document
    without another wording is a cluster of one. Pictures are not copied.

    Args:
        dataset: with the columns `question_id` and `question`.
        variants: other wordings by the id of the question.
    """
    whole = dataset.flatten_indices() if dataset._indices is not None else dataset  # noqa: SLF001 (no public way)
    parts, ids, questions, clusters = [], [], [], []
    for row, (id_, question) in enumerate(zip(dataset["question_id"], dataset["question"], strict=True)):
        for k, wording in enumerate([question, *variants.get(str(id_), ())]):
            parts.append(whole.data.slice(row, 1))
            ids.append(f"{id_}-{k}")
            questions.append(wording)
            clusters.append(str(id_))
    columns = {"question_id": ids, "question": questions, PROMPT_CLUSTER: clusters}
    repeated = Dataset(concat_tables(parts), info=whole.info.copy(), split=whole.split)
    return with_columns(repeated, columns)


def accepted_variants(
    path: Path, variants: Sequence[Variant], task: str, documents: Mapping[str, tuple[str, str]]
) -> dict[str, list[str]]:
    """The accepted wordings of a task by the id of their question, in the order of the file.

    Args:
        path: the file's, for messages.
        variants: all that it holds; those of other tasks are left out.
        task: whose questions they are.
        documents: question and reference by id.

    Raises:
        VariantsError: an unknown id, a question that has changed, another reference, a wording that is there already,
            or no question with another wording; names file and row.
    """
    found: dict[str, list[str]] = {}
    for variant in variants:
        if variant.task == task and variant.accepted:
            _check(path, variant, documents, found)
            found.setdefault(variant.question_id, []).append(variant.variant)
    if not found:
        rows = f"rows {variants[0].row} to {variants[-1].row}" if variants else "no row"
        raise VariantsError(
            f"{path}, {rows}: no accepted variant of {task}, so that no cluster has two questions; make some with "
            f"`lmms-eval-ja rephrase {task}`, or accept some"
        )
    return found


def _check(
    path: Path, variant: Variant, documents: Mapping[str, tuple[str, str]], found: Mapping[str, Sequence[str]]
) -> None:
    where = f"{path}, row {variant.row}"
    if variant.question_id not in documents:
        some = ", ".join(list(documents)[:3])
        raise VariantsError(f"{where}: {variant.task} has no question {variant.question_id!r}; its ids are like {some}")
    question, reference = documents[variant.question_id]
    if variant.question_sha256 != question_hash(question):
        raise VariantsError(
            f"{where}: question {variant.question_id} is not the one that the variant was made of: its question_sha256 "
            f"is {question_hash(question)}, not {variant.question_sha256}. Make the variant again"
        )
    if variant.answer is not None and variant.answer.strip() != reference.strip():
        raise VariantsError(
            f"{where}: its answer is not the reference of question {variant.question_id}: questions that mean the same "
            "have one reference. Mend it, or take the line out"
        )
    if variant.variant.strip() in {question.strip(), *(text.strip() for text in found.get(variant.question_id, ()))}:
        raise VariantsError(f"{where}: this wording of question {variant.question_id} is there already; take one out")
