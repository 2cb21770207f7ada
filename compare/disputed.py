"""Scores and ranks without the documents whose reference answer people disputed."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lmms_eval_ja.compare.matrices import Floats, Matrices, matrices_of
from lmms_eval_ja.compare.results import Results, Task
from lmms_eval_ja.metrics import Estimate, mean, mean_of_ratios, ranks, ratio_of_means

#: The model of a row that is about the benchmark's own answer, and the column that says that it is wrong.
REFERENCE, MARK = "reference", "cultural_error"
_NEEDED = ("task", "doc_id")


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
    """A model with all documents, and without the disputed ones."""

    model: str
    task: str
    metric: str
    before: Standing
    after: Standing

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
        DisputedError: the file cannot be read, or has no such row; names file and row.
    """
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in _NEEDED if name not in (reader.fieldnames or ())]:
                raise DisputedError(f"{path}: no column {missing[0]!r}; found {', '.join(reader.fieldnames or ())}")
            for row in reader:
                if row.get("model", REFERENCE) == REFERENCE and row.get(MARK, "1") == "1":
                    if not (row["doc_id"] or "").isdecimal():
                        raise DisputedError(f"{path}, row {reader.line_num}: doc_id {row['doc_id']!r} is no number")
                    found[row["task"], int(row["doc_id"])].add(row.get("rater") or "")
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


def without_disputed(results: Results, disputed: Mapping[str, Collection[int]], metric: str | None = None) -> Disputed:
    """Each model's score with and without the disputed documents, and how the ranks change.

    Args:
        results: of many models.
        disputed: doc_ids by task.
        metric: of all tasks; None is each task's headline.

    Raises:
        DisputedError: a task, document or metric that the results do not have, or no formula for the metric.
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
    sides = []
    for kept in (np.ones(len(is_disputed), dtype=bool), ~is_disputed):
        estimates = {model: _estimate(results, table, metric, place, kept) for place, model in enumerate(table.models)}
        sides.append(_standings(results, task, metric, estimates))
    for model in table.models:
        yield Moved(model, task.name, metric, sides[0][model], sides[1][model])


def _estimate(results: Results, table: Matrices, metric: str, place: int, kept: np.ndarray) -> Estimate | None:
    """A model's score over the kept documents; None where it has none over all of them."""
    score = results.runs[table.models[place], table.task.name].facts["scores"].get(metric) or {}
    if score.get("value") is None:
        return None
    own = table.influence(metric)[place]
    known = kept & ~np.isnan(own)
    clusters = table.clusters[known].tolist()
    aggregation, protocol = str(score.get("aggregation")), score.get("protocol")
    if aggregation == "mean_ja":
        return mean(own[known], clusters)
    if aggregation not in _RATIOS or not protocol:
        raise DisputedError(
            f"{metric} of {table.task.name} is aggregated by {aggregation}, of which the value over a part of the "
            f"documents is not computed; name another of {', '.join(table.task.metrics)} with --metric"
        )
    sides = [_scores(table, f"{protocol}_{name}")[place][known] for name in ("score", "reference_score")]
    by_id = results.documents[table.task.name]
    categories = [by_id[int(id_)].category for id_ in table.doc_ids[known]]
    return _RATIOS[aggregation](sides[0], sides[1], categories, clusters)


#: Scores of the answers and of the references, categories and clusters of the documents: the metric.
_RATIOS: Mapping[str, Callable[[Floats, Floats, list[str], list[int]], Estimate]] = {
    "category_ratios_ja": mean_of_ratios,
    "ratio_of_means_ja": lambda model, reference, _, clusters: ratio_of_means(model, reference, clusters),
}


def _scores(table: Matrices, column: str) -> Floats:
    """Mean over the repeats of a column of verdicts, shape (models, documents)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    model, document, _ = table.place()
    values = np.asarray(pc.cast(table.rows[column], pa.float64()).to_numpy())
    known = ~np.isnan(values)
    sums, counts = (np.zeros((len(table.models), len(table.doc_ids))) for _ in range(2))
    np.add.at(sums, (model[known], document[known]), values[known])
    np.add.at(counts, (model[known], document[known]), 1.0)
    counts[counts == 0] = np.nan
    return np.asarray(sums / counts)


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
