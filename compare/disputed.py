"""Scores and ranks without the documents whose reference answer people disputed."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lmms_eval_ja.compare.matrices import Matrices, matrices_of
from lmms_eval_ja.compare.results import Results, Task
from lmms_eval_ja.judges import AGGREGATIONS, MetricItem, Score, Verdict
from lmms_eval_ja.metrics import Estimate, ranks

#: The model of a row that is about the benchmark's own answer, and the column that says that it is wrong.
REFERENCE, MARK = "reference", "cultural_error"
_NEEDED = ("task", "doc_id")
#: Columns of files of `label --pairwise` and `label --target feedback`, whose rows mark nothing.
_OF_PREFERENCES = {"first", "preferred"}
_MARKS = ("", "0", "1")
_BY_CATEGORY = "category_ratios_ja"
#: Aggregations of which a part of the documents has a value as all of them do.
_OVER_A_PART = ("mean_ja", "ratio_of_means_ja", _BY_CATEGORY)
_SAME = 1e-6


class DisputedError(Exception):
    """Marks that cannot be used, or scores that cannot be computed without some documents; the message says why."""


@dataclass(frozen=True)
class Standing:
    """A model's score and rank over some documents; None where there is none. Scores as the metric's, 95 % interval."""

    value: float | None
    ci_low: float | None
    ci_high: float | None
    rank: int | None
    documents: int


@dataclass(frozen=True)
class Moved:
    """A model with all documents, and without the disputed ones; `emptied` are categories of which none is left."""

    model: str
    task: str
    metric: str
    before: Standing
    after: Standing
    emptied: tuple[str, ...] = ()

    @property
    def ranks_gained(self) -> int | None:
        """Positive: it stands higher without the disputed documents."""
        if self.before.rank is None or self.after.rank is None:
            return None
        return self.before.rank - self.after.rank


@dataclass(frozen=True)
class Disputed:
    """What became of the ranks; `documents` are the disputed ones by task."""

    documents: Mapping[str, Sequence[int]]
    rows: Sequence[Moved]

    def as_json(self) -> str:
        """All of it."""
        rows = [asdict(row) | {"ranks_gained": row.ranks_gained} for row in self.rows]
        content = {"documents": self.documents, "rows": rows}
        return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def read_disputed(path: Path, at_least: int = 1) -> dict[str, list[int]]:
    """The disputed documents by task.

    Args:
        path: CSV of `lmms-eval-ja label --target references`, of which rows of the reference that bear a mark count; or
            any with the columns task and doc_id, and no others of these, of which every row counts.
        at_least: raters who have to agree.

    Raises:
        DisputedError: the file cannot be read, is one of preferences, has a mark that is none, or no row that counts;
            names file and row.
    """
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for task, doc_id, rater in _marked(path, csv.DictReader(file)):
                found[task, doc_id].add(rater)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DisputedError(f"{path} cannot be read: {error}") from None
    by_task: dict[str, list[int]] = defaultdict(list)
    for (task, doc_id), raters in sorted(found.items()):
        if len(raters) >= at_least:
            by_task[task].append(doc_id)
    if not by_task:
        raise DisputedError(
            f"{path}: no reference answer is marked by {at_least} raters or more; mark them with `lmms-eval-ja label "
            "RESULTS_DIR --target references`, key e"
        )
    return dict(by_task)


def _marked(path: Path, reader: csv.DictReader[str]) -> Iterator[tuple[str, int, str]]:
    """Task, document and rater of each row that disputes a reference answer."""
    columns = reader.fieldnames or ()
    if missing := [name for name in _NEEDED if name not in columns]:
        raise DisputedError(f"{path}: no column {missing[0]!r}; found {', '.join(columns)}")
    if _OF_PREFERENCES & set(columns):
        raise DisputedError(
            f"{path} holds preferences between two texts, which mark no reference answer; expected the file of "
            "`lmms-eval-ja label --target references`"
        )
    for row in reader:
        where, mark = f"{path}, row {reader.line_num}", row.get(MARK, "1") or ""
        if mark not in _MARKS:
            raise DisputedError(f"{where}: {MARK} is {mark!r}; expected 1 (wrong about Japan), 0 or nothing")
        if row.get("model", REFERENCE) == REFERENCE and mark == "1":
            if not (row["doc_id"] or "").isdecimal():
                raise DisputedError(f"{where}: doc_id {row['doc_id']!r} is no number")
            yield row["task"], int(row["doc_id"]), row.get("rater") or ""


def without_disputed(results: Results, disputed: Mapping[str, Collection[int]], metric: str | None = None) -> Disputed:
    """Each model's score with and without the disputed documents, and how the ranks change.

    Args:
        results: of many models.
        disputed: doc_ids by task.
        metric: of all tasks; None is each task's headline.

    Raises:
        DisputedError: a task, document or metric that the results do not have, a metric of which a part of the
            documents has no value, no document that is left, a score that is not the published one.
    """
    tables = matrices_of(results)
    rows: list[Moved] = []
    for name, ids in disputed.items():
        if name not in results.tasks:
            raise DisputedError(f"no results of task {name!r}; there are {', '.join(results.tasks)}")
        task, table = results.tasks[name], tables[name]
        if unknown := sorted(set(ids) - set(table.doc_ids.tolist())):
            raise DisputedError(f"{name} has no doc_id {unknown[0]}; there are {len(table.doc_ids):,} documents")
        rows += _moved(results, table, metric or task.headline, np.isin(table.doc_ids, list(ids)))
    return Disputed({task: sorted(ids) for task, ids in disputed.items()}, rows)


def _moved(results: Results, table: Matrices, metric: str, is_disputed: np.ndarray) -> Iterator[Moved]:
    task = table.task
    if metric not in task.metrics:
        raise DisputedError(f"{task.name} has no metric {metric!r}; there are {', '.join(task.metrics)}")
    left_out = set(table.doc_ids[is_disputed].tolist())
    before: dict[str, Estimate | None] = {}
    after: dict[str, Estimate | None] = {}
    emptied: dict[str, tuple[str, ...]] = {}
    for place, model in enumerate(table.models):
        score = results.runs[model, task.name].facts["scores"].get(metric) or {}
        if score.get("value") is None:
            before[model] = after[model] = None
            continue
        aggregation = _aggregation(score, task, metric)
        items = _items(results, table, metric, place, score.get("protocol"))
        kept = {doc_id: item for doc_id, item in items.items() if doc_id not in left_out}
        before[model] = _published(score["value"], AGGREGATIONS[aggregation](list(items.values())), model, task, metric)
        if not kept:
            raise DisputedError(
                f"{task.name}: every document that {metric} of {model} is over is disputed; nothing is left to score: "
                "name another metric with --metric, or dispute fewer"
            )
        after[model] = AGGREGATIONS[aggregation](list(kept.values())).estimate
        if aggregation == _BY_CATEGORY:
            lost = {item.category for item in items.values()} - {item.category for item in kept.values()}
            emptied[model] = tuple(sorted(lost))
    sides = [_standings(results, task, metric, estimates) for estimates in (before, after)]
    for model in table.models:
        yield Moved(model, task.name, metric, sides[0][model], sides[1][model], emptied.get(model, ()))


def _aggregation(score: Mapping[str, Any], task: Task, metric: str) -> str:
    name = str(score.get("aggregation"))
    if name not in _OVER_A_PART:
        raise DisputedError(
            f"{metric} of {task.name} is aggregated by {name}, of which the value over a part of the documents is not "
            f"computed; name another of {', '.join(task.metrics)} with --metric"
        )
    return name


def _published(value: float, score: Score, model: str, task: Task, metric: str) -> Estimate:
    """The score over all documents, which has to be the one in the results."""
    if not abs(score.estimate.value - value) <= _SAME * max(1.0, abs(value)):
        raise DisputedError(
            f"{metric} of {model} on {task.name} is {value:g} in its results file and {score.estimate.value:g} by its "
            "samples file: the two do not belong together; judge that run again (`lmms-eval-ja judge`)"
        )
    return score.estimate


def _items(results: Results, table: Matrices, metric: str, place: int, protocol: str | None) -> dict[int, MetricItem]:
    """What the metric is computed from, by doc_id of the documents with a score: the verdict's runs, or a value."""
    influence, documents = table.influence(metric)[place], results.documents[table.task.name]
    runs = _runs(table, protocol, place) if protocol else {}
    found = {}
    for at in np.flatnonzero(~np.isnan(influence)).tolist():
        document = documents[int(table.doc_ids[at])]
        verdict = None
        if at in runs:
            verdict = Verdict()
            verdict.finish({"failure": None, "runs": runs[at]})
        found[document.doc_id] = MetricItem(
            sample_id=document.question_id,
            answer="",
            cluster=document.cluster,
            category=document.category,
            verdict=verdict,
            value=float(influence[at]),
        )
    return found


def _runs(table: Matrices, protocol: str, place: int) -> dict[int, list[dict[str, float | None]]]:
    """The scores of the answer and of the reference in each run, by position of the document."""
    model, document, repeat = table.place()
    rows = np.flatnonzero(model == place)
    rows = rows[np.argsort(repeat[rows], kind="stable")]
    scores, references = (
        table.rows[f"{protocol}_{name}"].take(rows).to_pylist() for name in ("score", "reference_score")
    )
    found: dict[int, list[dict[str, float | None]]] = defaultdict(list)
    for at, score, reference in zip(document[rows].tolist(), scores, references, strict=True):
        if score is not None:
            found[at].append({"score": score, "reference_score": reference})
    return found


def _standings(
    results: Results, task: Task, metric: str, estimates: Mapping[str, Estimate | None]
) -> dict[str, Standing]:
    """With ranks; a model without a score, or that was trained on the task, has none."""
    sign = 1 if task.higher_is_better.get(metric, True) else -1
    values = {
        model: sign * one.value
        for model, one in estimates.items()
        if one is not None and not math.isnan(one.value) and task.name not in results.models[model].contaminated_tasks
    }
    own = ranks(np.array(list(values.values()), dtype=float)).tolist() if values else []
    places = dict(zip(values, own, strict=True))
    return {model: _standing(one, places.get(model)) for model, one in estimates.items()}


def _standing(one: Estimate | None, rank: int | None) -> Standing:
    if one is None:
        return Standing(None, None, None, None, 0)
    value, low, high = (None if math.isnan(number) else number for number in (one.value, one.ci_low, one.ci_high))
    return Standing(value, low, high, rank, one.n)
