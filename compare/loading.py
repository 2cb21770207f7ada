"""From the files of many models to one table of answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from lmms_eval_ja.compare.documents import fitting, read_documents
from lmms_eval_ja.compare.found import Found, TaskFile, find_models
from lmms_eval_ja.compare.matching import check_rows, check_same_documents, check_whole, mixed_fingerprints
from lmms_eval_ja.compare.results import Document, Results, ResultsError, Task, TaskRun
from lmms_eval_ja.compare.samples_table import BASIC, VERDICT, Layout, read_table
from lmms_eval_ja.judges import ANCHOR

#: Stand for a task whose own file does not say which metric does.
_HEADLINES = ("overall", "judge_mean", "accuracy", "rouge_l_ja")
_WITHOUT_JUDGE = ("rouge_l_ja",)
#: Columns that are the same for all models, and kept once.
_SHARED = ("question_id", "cluster", "category", "question", "reference")


def load(folder: Path, *, mix_fingerprints: bool = False, models: Collection[str] | None = None) -> Results:
    """See `load_results`."""
    import pyarrow as pa

    found = [one for one in find_models(folder) if models is None or one.model.id in models]
    stated = _comparison(folder / "comparison.yaml")
    asked = read_documents(folder)
    names = dict.fromkeys(task for one in found for task in one.files)
    tasks: dict[str, Task] = {}
    runs: dict[tuple[str, str], TaskRun] = {}
    documents: dict[str, Mapping[int, Document]] = {}
    tables = []
    for name in names:
        files = {one.model.id: one.files[name] for one in found if name in one.files}
        for file in files.values():
            check_whole(file)
        mixed = mixed_fingerprints(name, files, allowed=mix_fingerprints)
        task = _task(name, list(files.values()))
        own, texts = _answers(task, files, asked.get(name, {}))
        documents[name] = _documents(name, texts, asked.get(name, {}))
        tasks[name] = replace(task, rows=len(texts))
        runs |= {(m, name): _run(m, tasks[name], file, mixed.get(m)) for m, file in files.items()}
        tables += own
    return Results(
        folder=folder,
        title=str(stated.get("title") or folder.resolve().name),
        baseline=_baseline(stated, found),
        models={one.model.id: one.model for one in found},
        tasks=tasks,
        runs=runs,
        answers=_ordered(pa.concat_tables(tables, promote_options="default"), tasks.values()),
        documents=documents,
        notes=tuple(_notes(found, tasks)),
    )


def _comparison(path: Path) -> Mapping[str, Any]:
    try:
        stated = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from None
    return stated if isinstance(stated, dict) else {}


def _baseline(stated: Mapping[str, Any], found: Sequence[Found]) -> str | None:
    baseline = stated.get("baseline")
    if baseline is None:
        return None
    if baseline not in (ids := [one.model.id for one in found]):
        raise ResultsError(f"comparison.yaml: baseline {baseline!r} is none of its models: {', '.join(ids)}")
    return str(baseline)


def _task(name: str, files: Sequence[TaskFile]) -> Task:
    metrics = tuple(
        dict.fromkeys(metric for file in files for metric in file.facts["scores"] if not metric.startswith(ANCHOR))
    )
    record = files[0].record
    stated = ((record.get("configs") or {}).get(name) or {}).get("metadata") or {}
    better = (record.get("higher_is_better") or {}).get(name) or {}
    protocols = dict.fromkeys(one["protocol"] for file in files for one in file.facts["fingerprint"]["judging"])
    return Task(
        name=name,
        headline=next((str(m) for m in (stated.get("headline"), *_HEADLINES) if m in metrics), metrics[0]),
        metrics=metrics,
        protocols=tuple(protocols),
        rows=0,
        higher_is_better={metric: better.get(metric) is not False for metric in metrics},
    )


def _layout(task: Task, file: TaskFile) -> Layout:
    scores = {metric: score for metric, score in file.facts["scores"].items() if metric in task.metrics}
    judging = file.facts["fingerprint"]["judging"]
    return Layout(
        metrics=tuple(scores),
        protocols={one["protocol"]: tuple(one.get("members") or ()) for one in judging},
        without_judge=tuple(
            metric
            for metric, score in scores.items()
            if metric in _WITHOUT_JUDGE or ("protocol" in score and score["protocol"] is None)
        ),
    )


def _answers(task: Task, files: Mapping[str, TaskFile], asked: Mapping[int, Document]) -> tuple[list[Any], Any]:
    """A table for each model, and the documents; what is the same for all of them is kept once."""
    import numpy as np
    import pyarrow as pa

    tables: list[Any] = []
    first: tuple[TaskFile, Any] | None = None
    for model, file in files.items():
        table = read_table(file.samples, _layout(task, file))
        heads = np.flatnonzero(table["repeat"].to_numpy() == 0)
        texts = table.select(["doc_id", "cluster", "category", "question", "reference"]).take(pa.array(heads))
        check_rows(file, len(texts))
        if first is None:
            first = file, _with_ids(texts, asked)
        else:
            check_same_documents(first, (file, _with_ids(texts, {})))
        which = np.cumsum(table["repeat"].to_numpy() == 0) - 1
        shared = {name: _repeated(first[1][name], which) for name in _SHARED}
        rest = {name: table[name] for name in table.column_names if name not in shared}
        once = {"model": _constant(model, len(table)), "task": _constant(task.name, len(table))}
        tables.append(pa.table(once | rest | shared))
    assert first is not None  # noqa: S101 (a task has at least one file)
    return tables, first[1]


def _with_ids(texts: Any, asked: Mapping[int, Document]) -> Any:
    """The documents with a cluster and an id each, and with categories where the samples do not say them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    asked = _fitting(texts, asked)
    ids = texts["doc_id"].to_pylist()
    numbers = pa.array([str(id_) for id_ in ids])
    names = pa.array([asked[id_].question_id if id_ in asked else str(id_) for id_ in ids])
    known = pa.array([(asked[id_].category if id_ in asked else None) or None for id_ in ids], pa.string())
    return pa.table(
        {
            "doc_id": texts["doc_id"].combine_chunks(),
            "question_id": names,
            "cluster": pc.coalesce(pc.cast(texts["cluster"], pa.string()), numbers),
            "category": pc.coalesce(pc.cast(texts["category"], pa.string()), known),
            "question": texts["question"],
            "reference": texts["reference"],
        }
    ).combine_chunks()


def _repeated(column: Any, which: Any) -> Any:
    """Row numbers of a column as a dictionary: the texts are held once."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(which, pa.int32()), column.combine_chunks(), safe=False)


def _constant(text: str, n: int) -> Any:
    import numpy as np
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([text]))


def _documents(task: str, texts: Any, asked: Mapping[int, Document]) -> dict[int, Document]:
    known = _fitting(texts, asked)
    return {row["doc_id"]: _document(task, row, known.get(row["doc_id"])) for row in texts.to_pylist()}


def _fitting(texts: Any, asked: Mapping[int, Document]) -> dict[int, Document]:
    return fitting(zip(texts["doc_id"].to_pylist(), texts["reference"].to_pylist(), strict=True), asked)


def _document(task: str, row: Mapping[str, Any], known: Document | None) -> Document:
    if known is not None:
        return replace(known, cluster=row["cluster"])
    return Document(
        task=task,
        doc_id=row["doc_id"],
        question_id=row["question_id"],
        question=row["question"] or "",
        reference=row["reference"] or "",
        category=row["category"] or "",
        cluster=row["cluster"],
    )


def _run(model: str, task: Task, file: TaskFile, mixed: str | None) -> TaskRun:
    score = file.facts["scores"].get(task.headline)
    lacks = f"{task.headline} was not computed" if score is None else score.get("why_none")
    return TaskRun(
        model=model,
        task=task.name,
        path=file.samples,
        facts=file.facts,
        fingerprint_id=file.facts["fingerprint"]["id"],
        incomplete=lacks,
        mixed=mixed,
    )


def _ordered(table: Any, tasks: Iterable[Task]) -> Any:
    """The columns in their order: basic ones, metrics without a judge, verdicts by protocol, influences."""
    known = list(tasks)
    metrics = dict.fromkeys(metric for task in known for metric in task.metrics)
    protocols = dict.fromkeys(name for task in known for name in task.protocols)
    wanted = [
        *BASIC,
        *metrics,
        *(f"{name}_{part}" for name in protocols for part in VERDICT),
        *(f"{name}_influence" for name in metrics),
    ]
    return table.select([name for name in wanted if name in table.column_names])


def _notes(found: Sequence[Found], tasks: Mapping[str, Task]) -> Iterable[str]:
    for one in found:
        if one.model.failed:
            yield f"{one.model.id} has no results: {one.model.failed}"
        elif lacks := [name for name in tasks if name not in one.files]:
            yield f"{one.model.id} has no results of {', '.join(lacks)}"
    doubts: dict[str, dict[str, None]] = {}
    for one in found:
        for name, file in one.files.items():
            for judging in (file.facts.get("judging") or {}).values():
                for warning in judging.get("warnings") or ():
                    doubts.setdefault(warning, {})[name] = None
    for warning, names in doubts.items():
        yield f"{', '.join(name for name in names if name in tasks)}: {warning}"
