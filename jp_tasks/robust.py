"""Tasks whose questions come in several wordings: from a file, from the shipped one, or by rules as they load."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets import Dataset

from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.jp_tasks.clusters import accepted_variants, check_clusters, with_variants
from lmms_eval_ja.jp_tasks.dataset import DatasetSpec, check_dataset
from lmms_eval_ja.jp_tasks.prompts import doc_to_target
from lmms_eval_ja.jp_tasks.rephrasing.rules import RULES_VERSION, variants_by_rules
from lmms_eval_ja.jp_tasks.rephrasing.variant_file import VariantsError, read_variants
from lmms_eval_ja.judges import PROMPT_CLUSTER

ProcessDocs = Callable[[Dataset], Dataset]
#: No question has so many wordings; a bound, since a user's file may have any number.
_MOST = 100


def robust_docs(task: str, process_docs: ProcessDocs, spec: DatasetSpec, *, shipped: Path | None = None) -> ProcessDocs:
    """A task's `process_docs` whose questions come in several wordings.

    Those of the file that the setting `variants` names (of a folder, its `<task>.jsonl`); without one those of the
    shipped file; without that, those that rules make of the benchmark's questions, the same each time.

    Args:
        task: the name of the task whose questions they are.
        process_docs: its own; checks the data, and names the columns `question_id`, `question`, and `reference` or
            `answer`. Recorded answers were given to the benchmark's own wording, and are left out.
        spec: what its own data is known to be.
        shipped: the file of the package.
    """

    def process_robust_docs(dataset: Dataset) -> Dataset:
        documents = process_docs(dataset)
        if "anchors" in documents.column_names:
            documents = documents.remove_columns(["anchors"])
        found = with_variants(documents, _wordings(task, documents, shipped))
        check_clusters(list(found[PROMPT_CLUSTER]), _references(found), list(found["question_id"]), spec.name)
        return found

    rows = spec.rows if isinstance(spec.rows, int) else spec.rows[0]
    process_robust_docs.spec = DatasetSpec(  # type: ignore[attr-defined]  # read back by `spec_of`
        name=spec.name,
        rows=range(rows + 1, rows * _MOST),
        columns=("question_id", "question", PROMPT_CLUSTER),
        texts=lambda dataset: dataset["question"],
        whole=process_robust_docs,
        about=lambda dataset: {
            "variants": _about(task, dataset, shipped),
            "changed": check_dataset(_originals(dataset), spec).changed,
        },
    )
    return process_robust_docs


def variants_file(task: str, shipped: Path | None) -> Path | None:
    """The file that a task reads its variants from, or None for rules.

    Raises:
        VariantsError: the setting `variants` names a folder without the task's file, or nothing that is there.
    """
    stated = load_settings().variants
    if stated is None:
        return shipped
    path = stated / f"{task}.jsonl" if stated.is_dir() else stated
    if not path.is_file():
        raise VariantsError(
            f"LMMS_EVAL_JA_VARIANTS (or variants in judge.toml): {path} is no file; make it with "
            f"`lmms-eval-ja rephrase {task} --output {path.name}`"
        )
    return path


def _wordings(task: str, documents: Dataset, shipped: Path | None) -> dict[str, list[str]]:
    """Other wordings by the id of their question."""
    ids, questions = [str(id_) for id_ in documents["question_id"]], list(documents["question"])
    path = variants_file(task, shipped)
    if path is None:
        return {id_: list(variants_by_rules(text).values()) for id_, text in zip(ids, questions, strict=True)}
    by_id = dict(zip(ids, zip(questions, _references(documents), strict=True), strict=True))
    return accepted_variants(path, read_variants(path), task, by_id)


def _references(documents: Dataset) -> list[str]:
    column = "reference" if "reference" in documents.column_names else "answer"
    return [doc_to_target({column: value}) for value in documents[column]]


def _originals(documents: Dataset) -> Dataset:
    """The documents in the benchmark's own wording."""
    return documents.select([row for row, id_ in enumerate(documents["question_id"]) if id_.endswith("-0")])


def _about(task: str, documents: Dataset, shipped: Path | None) -> dict[str, Any]:
    path = variants_file(task, shipped)
    sizes = list(Counter(documents[PROMPT_CLUSTER]).values())
    return {
        "from": f"rules {RULES_VERSION}" if path is None else path.name,
        "sha256": None if path is None else hashlib.sha256(path.read_bytes()).hexdigest(),
        "questions": len(sizes),
        "wordings": sum(sizes),
        "single": sizes.count(1),
    }
