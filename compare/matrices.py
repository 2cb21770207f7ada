"""The answers of all models to a task side by side: numbers by model and document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lmms_eval_ja.compare.results import Results, Task

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Matrices:
    """A task's answers as tables of shape (models, documents); documents in the order of `doc_ids`.

    Attributes:
        task: of which.
        models: ids of those that have results of it.
        doc_ids: shape (n,).
        clusters: numbers of the documents' clusters, shape (n,).
        rows: of the table of answers that belong to the task.
    """

    task: Task
    models: tuple[str, ...]
    doc_ids: Ints
    clusters: Ints
    rows: Any
    _model: Ints
    _document: Ints
    _repeat: Ints

    @property
    def without_judge(self) -> tuple[str, ...]:
        """The metrics that need no judge."""
        return tuple(metric for metric in self.task.metrics if self._has(metric))

    def influence(self, metric: str) -> Floats:
        """What each document adds to a metric of each model; NaN where there is no score."""
        return self._once(f"{metric}_influence")

    def value(self, column: str) -> Floats:
        """A column that is the same for all repeats, such as `rouge_l_ja` or `chars`; NaN where it is null."""
        return self._once(column)

    def score(self, protocol: str) -> Floats:
        """The judge's score, mean over the repeats; NaN where one of them failed."""
        values = self._column(f"{protocol}_score")
        sums, counts = self._empty(0.0), self._empty(0.0)
        asked = self._repeat < self._repeats(protocol)
        place = (self._model[asked], self._document[asked])
        np.add.at(sums, place, values[asked])
        np.add.at(counts, place, 1.0)
        counts[counts == 0] = np.nan
        return np.asarray(sums / counts)

    def texts(self, column: str) -> Any:
        """A column of texts with a row for each of `rows`, as pyarrow has it; None where there is none."""
        return self.rows[column].combine_chunks() if column in self.rows.column_names else None

    def place(self) -> tuple[Ints, Ints, Ints]:
        """Number of the model and of the document of each of `rows`, and its repeat."""
        return self._model, self._document, self._repeat

    def _repeats(self, protocol: str) -> Ints:
        """How many repeats this protocol has for each row's answer; a task's other protocols may have more."""
        present = ~np.isnan(self._column(f"{protocol}_score")) | self._has_failure(protocol)
        most = np.zeros((len(self.models), len(self.doc_ids)), dtype=np.intp)
        np.maximum.at(most, (self._model, self._document), np.where(present, self._repeat + 1, 0))
        return np.asarray(most[self._model, self._document])

    def _has_failure(self, protocol: str) -> npt.NDArray[np.bool_]:
        import pyarrow.compute as pc

        return np.asarray(pc.is_valid(self.rows[f"{protocol}_failure"]).to_numpy())

    def _has(self, column: str) -> bool:
        return column in self.rows.column_names and self.rows[column].null_count < len(self.rows)

    def _once(self, column: str) -> Floats:
        table = self._empty(np.nan)
        if column in self.rows.column_names:
            first = self._repeat == 0
            table[self._model[first], self._document[first]] = self._column(column)[first]
        return table

    def _column(self, name: str) -> Floats:
        import pyarrow as pa
        import pyarrow.compute as pc

        return np.asarray(pc.cast(self.rows[name], pa.float64()).to_numpy())

    def _empty(self, fill: float) -> Floats:
        return np.full((len(self.models), len(self.doc_ids)), fill)


def matrices_of(results: Results) -> dict[str, Matrices]:
    """The answers of a comparison by task."""
    tasks = results.answers["task"]
    codes, names = _codes(tasks)
    models, model_names = _codes(results.answers["model"])
    found = {}
    for name, task in results.tasks.items():
        rows = np.flatnonzero(codes == names.index(name)) if name in names else np.zeros(0, np.intp)
        own = results.answers.slice(rows[0], len(rows)) if _is_run(rows) else results.answers.take(rows)
        found[name] = _of_task(results, task, own, models[rows], model_names)
    return found


def _of_task(results: Results, task: Task, rows: Any, models: Ints, names: list[str]) -> Matrices:
    ids = np.asarray(rows["doc_id"].to_numpy()).astype(np.intp)
    doc_ids, document = np.unique(ids, return_inverse=True)
    present = [model for model in results.models if (model, task.name) in results.runs]
    number = np.full(len(names), -1, dtype=np.intp)
    number[[names.index(model) for model in present]] = np.arange(len(present))
    clusters: dict[str, int] = {}
    by_id = results.documents[task.name]
    return Matrices(
        task=task,
        models=tuple(present),
        doc_ids=doc_ids,
        clusters=np.array([clusters.setdefault(by_id[int(i)].cluster, len(clusters)) for i in doc_ids], dtype=np.intp),
        rows=rows,
        _model=number[models],
        _document=document.reshape(-1),
        _repeat=np.asarray(rows["repeat"].to_numpy()).astype(np.intp),
    )


def _codes(column: Any) -> tuple[Ints, list[str]]:
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    return np.asarray(whole.indices.to_numpy()).astype(np.intp), whole.dictionary.to_pylist()


def _is_run(rows: Ints) -> bool:
    return bool(len(rows)) and int(rows[-1] - rows[0]) + 1 == len(rows)
