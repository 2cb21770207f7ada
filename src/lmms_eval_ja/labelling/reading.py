"""The results of a folder as far as labelling needs them: answers, feedback, what was asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.documents import FOLDER, IMAGES, fitting, read_documents, table_of
from lmms_eval_ja.compare.found import Found, TaskFile, find_models
from lmms_eval_ja.compare.results import Document
from lmms_eval_ja.judges import ANCHOR
from lmms_eval_ja.judges.protocols import PROTOCOLS
from lmms_eval_ja.labelling.items import LabelError, Scale, whole_scale

#: Where nothing says otherwise.
_USUAL: Scale = (1, 5)


@dataclass(frozen=True)
class Answered:
    """A model's answer to a document; `text` is None if it gave none. `feedback` is by protocol."""

    model: str
    task: str
    document: Document
    text: str | None = field(repr=False)
    feedback: Mapping[str, str] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class Read:
    """A folder's results: answers, the files that they are from by task and model, the folder of the pictures."""

    folder: Path
    answers: Sequence[Answered]
    files: Mapping[tuple[str, str], TaskFile]
    images: Path | None

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks, in the order of the results."""
        return list(dict.fromkeys(task for task, _ in self.files))

    def protocols(self, task: str) -> list[str]:
        """The protocols by which a task is judged."""
        files = [file for (name, _), file in self.files.items() if name == task]
        return list(dict.fromkeys(one["protocol"] for file in files for one in _judging(file)))

    def revision(self, task: str) -> str | None:
        """The revision of a task's data, where the results state it."""
        for (name, _), file in self.files.items():
            dataset = (file.facts.get("fingerprint") or {}).get("dataset") or {}
            if name == task and dataset.get("revision"):
                return str(dataset["revision"])
        return None


def find(folder: Path, tasks: Collection[str], models: Collection[str]) -> list[Found]:
    """The models of a folder with their files of the wanted tasks; empty collections are all.

    Raises:
        LabelError: a task or model that is not there.
        ResultsError: no results.
    """
    found = [one for one in find_models(folder) if one.files]
    there = dict.fromkeys(task for one in found for task in one.files)
    ids = [one.model.id for one in found]
    for kind, asked, known in (("task", tasks, list(there)), ("model", models, ids)):
        if unknown := [name for name in asked if name not in known]:
            raise LabelError(f"{folder}: no results of {kind} {unknown[0]!r}; there are {', '.join(known)}")
    kept = [one for one in found if not models or one.model.id in models]
    return [
        Found(one.model, {task: file for task, file in one.files.items() if not tasks or task in tasks}) for one in kept
    ]


def read(folder: Path, tasks: Collection[str] = (), models: Collection[str] = ()) -> Read:
    """The answers of a folder.

    Raises:
        LabelError, ResultsError, SamplesFileError, DocumentsError: what cannot be read.
    """
    found = find(folder, tasks, models)
    documents = read_documents(folder)
    files = {(task, one.model.id): file for one in found for task, file in one.files.items()}
    if not files:
        raise LabelError(f"{folder}: those models have no results of those tasks")
    answers = [
        answer for (task, model), file in files.items() for answer in _answers(model, file, documents.get(task, {}))
    ]
    table = table_of(folder)
    return Read(folder, answers, files, table.parent / IMAGES if table else None)


def without_documents(folder: Path, tasks: Collection[str]) -> list[str]:
    """Those of the tasks whose documents were not collected into the folder."""
    known = read_documents(folder)
    return [task for task in tasks if task not in known]


def documents_folder(folder: Path) -> Path:
    """Where the documents of a folder are kept, or would be."""
    table = table_of(folder)
    return table.parent if table else folder / FOLDER


def scale_of(found: Read, task: str) -> Scale:
    """The scale of the judge by whose scores the task's headline is; 1 to 5 where there is no judge.

    Raises:
        LabelError: it cannot be rated with keys.
    """
    for (name, _), file in found.files.items():
        if name != task:
            continue
        stated = ((file.record.get("configs") or {}).get(task) or {}).get("metadata") or {}
        headline = (file.facts.get("scores") or {}).get(stated.get("headline")) or {}
        names = [headline.get("protocol"), *(one["protocol"] for one in _judging(file))]
        known = next((PROTOCOLS[one] for one in names if one in PROTOCOLS), None)
        if known is not None:
            return whole_scale(known.low, known.high, task)
    return _USUAL


def _judging(file: TaskFile) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = (file.facts.get("fingerprint") or {}).get("judging") or ()
    return found


def _answers(model: str, file: TaskFile, documents: Mapping[int, Document]) -> Iterator[Answered]:
    from lmms_eval_ja.compare.samples_table import Layout, read_table

    metrics = tuple(metric for metric in file.facts.get("scores") or {} if not metric.startswith(ANCHOR))
    protocols = {one["protocol"]: tuple(one.get("members") or ()) for one in _judging(file)}
    rows = read_table(file.samples, Layout(metrics, protocols)).to_pylist()
    known = fitting(((row["doc_id"], row["reference"]) for row in rows), documents)
    for row in rows:
        if row["repeat"] == 0:
            texts = {name: row[f"{name}_feedback"] for name in protocols}
            feedback = {name: text for name, text in texts.items() if text}
            document = known.get(row["doc_id"]) or _document(file.task, row)
            yield Answered(model, file.task, document, row["answer"], feedback)


def _document(task: str, row: Mapping[str, Any]) -> Document:
    """What the samples say, where the document was not collected, or is of other data."""
    return Document(
        task=task,
        doc_id=row["doc_id"],
        question_id=str(row["doc_id"]),
        question=row["question"] or "",
        reference=row["reference"] or "",
        category=row["category"] or "",
        cluster=row["cluster"] or str(row["doc_id"]),
    )
