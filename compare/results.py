"""The results of many models, read from lmms-eval's own files: what the statistics and the report stand on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ResultsError(Exception):
    """Results that cannot be compared; the message names file, task or model, and what to do."""


@dataclass(frozen=True)
class Model:
    """A model of the comparison, as run.json and the catalogue tell of it; None is unknown.

    `seconds` holds "generate" and "judge" where they are known; `failed` is why it has no results, in one line.
    """

    id: str
    label: str
    hub: str | None = None
    plugin: str | None = None
    params_b: float | None = None
    licence: str | None = None
    contaminated_tasks: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    series: str | None = None
    step: int | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    gpus: int | None = None
    revision: str | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Task:
    """A task: its metrics in the order of the results file, the headline among them, and who judges."""

    name: str
    headline: str
    metrics: tuple[str, ...]
    protocols: tuple[str, ...]
    rows: int
    higher_is_better: Mapping[str, bool]


@dataclass(frozen=True)
class TaskRun:
    """What a model's results file says of a task.

    Attributes:
        model: id.
        task: name.
        path: the samples file.
        facts: the section `lmms_eval_ja.tasks[task]`.
        fingerprint_id: of the fingerprint in it.
        incomplete: why there is no headline, in a sentence, or None.
        subset: whether it is over a part of the documents.
        mixed: how its fingerprint differs from that of most models, where that was allowed; else None.
    """

    model: str
    task: str
    path: Path
    facts: Mapping[str, Any]
    fingerprint_id: str
    incomplete: str | None = None
    subset: bool = False
    mixed: str | None = None


@dataclass(frozen=True)
class Document:
    """What was asked.

    `images` are file names in `documents/images/`, where the comparison has them; `beside` is the document's rubric and
    earlier turns (`Sample.beside`).
    """

    task: str
    doc_id: int
    question_id: str
    question: str
    reference: str
    context: str = ""
    category: str = ""
    cluster: str = ""
    images: tuple[str, ...] = ()
    beside: str = ""


@dataclass(frozen=True)
class Results:
    """Everything of a comparison. `answers` (a pyarrow.Table) has a row per model, task, document and repeat."""

    folder: Path
    title: str
    baseline: str | None
    models: Mapping[str, Model]
    tasks: Mapping[str, Task]
    runs: Mapping[tuple[str, str], TaskRun]
    answers: Any
    documents: Mapping[str, Mapping[int, Document]]
    notes: tuple[str, ...] = ()


def load_results(folder: Path, *, mix_fingerprints: bool = False, models: Collection[str] | None = None) -> Results:
    """Read the results of many models.

    Args:
        folder: a comparison's OUTPUT, or any folder with results of lmms-eval; `find_models` says what is taken.
        mix_fingerprints: whether models of one task may have been scored differently; they are then marked.
        models: ids of those that are wanted; None is all.

    Returns:
        Models, tasks, runs, documents, and the answers as a table (docs/comparison.md has its schema).

    Raises:
        ResultsError: nothing there, half-written files, a part of the documents, other documents, other fingerprints.
        SamplesFileError: a samples file that cannot be read.
    """
    from lmms_eval_ja.compare.loading import load

    return load(folder, mix_fingerprints=mix_fingerprints, models=models)
