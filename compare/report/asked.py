"""The answers of all models to a task, ordered by document, model and repeat; and what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmms_eval_ja.compare.results import Document, Results, Task

#: How an answer stands: judged, not given by the model, judged without a score, or not there.
GIVEN, NOT_GENERATED, NOT_JUDGED, ABSENT = range(4)


@dataclass(frozen=True)
class Asked:
    """A task's answers.

    Attributes:
        task: the task.
        table: a pyarrow.Table, a row per document, model and repeat, in this order.
        documents: doc_id of each document, in order.
        document: place of each row's document, shape (rows,).
        model: place of each row's model, shape (rows,).
        repeat: number of each row's repeat, shape (rows,).
        models: how many models there are.
    """

    task: Task
    table: Any
    documents: np.ndarray
    document: np.ndarray
    model: np.ndarray
    repeat: np.ndarray
    models: int

    def has(self, column: str) -> bool:
        """Whether the table has a column with anything in it."""
        return column in self.table.column_names and self.table[column].null_count < len(self.table)

    @property
    def protocols(self) -> list[str]:
        """The protocols whose verdicts are there."""
        return [name for name in self.task.protocols if f"{name}_score" in self.table.column_names]

    @property
    def unjudged(self) -> list[str]:
        """The metrics that stand in a column of their own, as ROUGE-L does."""
        return [name for name in self.task.metrics if self.has(name)]

    def measures(self) -> dict[str, str]:
        """What an answer is scored by, and the column of it."""
        judged = {name: f"{name}_score" for name in self.protocols if self.has(f"{name}_score")}
        return judged | {name: name for name in self.unjudged}

    def matrix(self, column: str) -> np.ndarray:
        """A column's mean over repeats, shape (documents, models); NaN where there is none.

        A protocol's score is NaN where the verdict of any repeat failed: the others alone are no score.
        """
        import pyarrow as pa

        values = self.table[column].cast(pa.float64()).to_numpy()
        known = np.isfinite(values)
        place = (self.document * self.models + self.model)[known]
        size = len(self.documents) * self.models
        counts = np.bincount(place, minlength=size)
        sums = np.bincount(place, weights=values[known], minlength=size)
        with np.errstate(invalid="ignore"):
            means = sums / np.where(counts, counts, np.nan)
        failure = next((f"{name}_failure" for name in self.protocols if column == f"{name}_score"), None)
        if failure is not None and self.has(failure):
            failed = self.table[failure].is_valid().to_numpy()
            means[(self.document * self.models + self.model)[failed]] = np.nan
        return np.asarray(means.reshape(len(self.documents), self.models))

    def states(self) -> np.ndarray:
        """How each answer stands, shape (documents, models)."""
        size = len(self.documents) * self.models
        place = self.document * self.models + self.model
        states = np.full(size, ABSENT)
        states[place] = GIVEN
        for name in self.protocols:
            unscored = np.isnan(self.matrix(f"{name}_score")).ravel()
            states[unscored & (states == GIVEN)] = NOT_JUDGED
        if self.has("generation_failure"):
            failed = self.table["generation_failure"].is_valid().to_numpy()
            states[place[failed]] = NOT_GENERATED
        return states.reshape(len(self.documents), self.models)


def asked(results: Results, task: Task, models: Sequence[str]) -> Asked:
    """The answers to a task out of all answers; those of models that are not compared are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    answers = results.answers
    table = answers.filter(pc.equal(_plain(answers["task"]), task.name))
    place = pc.index_in(_plain(table["model"]), value_set=pa.array(models, pa.string()))
    known = place.is_valid()
    table, place = table.filter(known), place.filter(known).to_numpy()
    table = table.drop_columns(["model", "task"])
    # Texts that are the same for all models come as dictionaries, one for each model, which `take` would not merge.
    for at, name in enumerate(table.column_names):
        table = table.set_column(at, name, _plain(table[name]))
    doc_id = table["doc_id"].to_numpy()
    repeat = table["repeat"].to_numpy()
    order = np.lexsort((repeat, place, doc_id))
    documents = np.unique(doc_id)
    return Asked(
        task=task,
        table=table.take(pa.array(order)),
        documents=documents,
        document=np.searchsorted(documents, doc_id[order]),
        model=place[order].astype(np.int64),
        repeat=repeat[order],
        models=len(models),
    )


def _plain(column: Any) -> Any:
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def questions(those: Asked, known: Mapping[int, Document]) -> list[Document]:
    """What was asked, in the order of the documents; what no record of the data tells is taken from the answers."""
    first = np.searchsorted(those.document, np.arange(len(those.documents)))
    rows = those.table.select(["question_id", "question", "reference", "category", "cluster"]).take(first).to_pylist()
    return [
        known.get(int(doc_id)) or _document(those.task.name, int(doc_id), row)
        for doc_id, row in zip(those.documents, rows, strict=True)
    ]


def _document(task: str, doc_id: int, row: Mapping[str, str | None]) -> Document:
    return Document(
        task=task,
        doc_id=doc_id,
        question_id=row["question_id"] or "",
        question=row["question"] or "",
        reference=row["reference"] or "",
        category=row["category"] or "",
        cluster=row["cluster"] or "",
    )
