"""What was compared, as the report's data files: the small index that is read first, and tables read when asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from lmms_eval_ja.compare.compared import Cell, Compared, Difference, Health
from lmms_eval_ja.compare.report.columns import Names, columns
from lmms_eval_ja.compare.report.script import number
from lmms_eval_ja.compare.results import Results

_DIFFERENCE = ("a", "b", "difference", "ci_low", "ci_high", "p", "p_adjusted", "significant", "n")


def models_of(results: Results, compared: Compared) -> list[dict[str, Any]]:
    """The models in their order, with what they cost: seconds of both steps, dollars of all verdicts."""
    paid: dict[str, float] = defaultdict(float)
    for row in compared.health:
        if row.usd is not None:
            paid[row.model] += row.usd
    marks: dict[str, list[list[str]]] = defaultdict(list)
    for mark in compared.marks:
        marks[mark.model].append([mark.kind, mark.task, mark.text])
    return [
        {
            "id": name,
            "label": results.models[name].label,
            "hub": results.models[name].hub,
            "params": number(results.models[name].params_b),
            "licence": results.models[name].licence,
            "series": results.models[name].series,
            "step": results.models[name].step,
            "gpus": results.models[name].gpus,
            "revision": results.models[name].revision,
            "failed": results.models[name].failed,
            "seconds": {key: number(value) for key, value in results.models[name].seconds.items()},
            "usd": number(paid[name]) if name in paid else None,
            "marks": marks[name],
        }
        for name in compared.models
    ]


class Tables:
    """The tables of a comparison by columns; models, tasks and metrics are places in the index's lists."""

    def __init__(self, results: Results, compared: Compared) -> None:
        self._results = results
        self._compared = compared
        self.models = Names(compared.models)
        self.tasks = Names(compared.tasks)
        self.metrics = Names(metric for task in compared.tasks for metric in results.tasks[task].metrics)
        self.reasons = Names()
        self._places = {
            "model": self.models.place,
            "task": self.tasks.place,
            "metric": self.metrics.place,
            "a": self.models.place,
            "b": self.models.place,
            "why_not_ranked": self.reasons.place,
        }

    def cells(self, *, headlines: bool) -> dict[str, list[Any]]:
        """The cells of the tasks' headlines, or all others."""
        rows = [
            cell
            for cell in self._compared.cells
            if (cell.metric == self._results.tasks[cell.task].headline) is headlines
        ]
        return columns(rows, [one.name for one in fields(Cell)], self._places)

    def differences(self) -> dict[str, dict[str, dict[str, list[Any]]]]:
        """The differences by task and metric."""
        found: dict[tuple[str, str], list[Difference]] = defaultdict(list)
        for row in self._compared.differences:
            found[row.task, row.metric].append(row)
        tables: dict[str, dict[str, dict[str, list[Any]]]] = defaultdict(dict)
        for (task, metric), rows in found.items():
            tables[task][metric] = columns(rows, _DIFFERENCE, self._places)
        return tables

    def health(self) -> dict[str, list[Any]]:
        """How the answers were judged, and by which fingerprint."""
        table = columns(self._compared.health, [one.name for one in fields(Health)], self._places)
        runs = self._results.runs
        pairs = [(row.model, row.task) for row in self._compared.health]
        table["fingerprint"] = [runs[pair].fingerprint_id if pair in runs else None for pair in pairs]
        return table

    def training(self) -> dict[str, Any]:
        """Curves over checkpoints, and differences to the baseline."""
        curves = [
            {
                "series": curve.series,
                "task": self.tasks.place(curve.task),
                "metric": self.metrics.place(curve.metric),
                "points": columns(curve.points, ("step", "model", "value", "low", "high"), self._places),
            }
            for curve in self._compared.curves
        ]
        return {
            "curves": curves,
            "deltas": columns(self._compared.deltas, ("task", "metric", *_DIFFERENCE), self._places),
        }

    def benchmarks(self) -> dict[str, Any]:
        """The tasks' report cards, correlations between tasks, and ROUGE-L against the judges by length."""
        cards = ("task", "metric", "separated_share", "pairs", "split_half_reliability")
        return {
            "cards": columns(self._compared.cards, (*cards, "dead_items", "ceiling_items", "items"), self._places),
            "correlations": [
                {
                    "a": self.tasks.place(row.task_a),
                    "b": self.tasks.place(row.task_b),
                    "spearman": number(row.spearman),
                    "low": number(row.ci_low),
                    "high": number(row.ci_high),
                    "models": row.models,
                }
                for row in self._compared.correlations
            ],
            "lengths": columns(
                self._compared.lengths,
                ("task", "protocol", "tercile", "chars_low", "chars_high", "n", "spearman", "rouge_l", "score"),
                self._places,
            ),
        }

    def index(self, tasks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What the first page needs, `tasks` being what the pages of samples know of each task; made after `cells`."""
        compared = self._compared
        cells = self.cells(headlines=True)
        return {
            "baseline": self.models.place(compared.baseline),
            "confidence": compared.confidence,
            "resamples": compared.resamples,
            "models": models_of(self._results, compared),
            "tasks": [dict(self._task(name)) | dict(facts) for name, facts in zip(compared.tasks, tasks, strict=True)],
            "metrics": self.metrics.list,
            "reasons": self.reasons.list,
            "cells": cells,
            "overall": columns(compared.overall, ("model", "mean_rank", "ci_low", "ci_high", "tasks"), self._places),
            "notes": [*self._results.notes, *(note for note in compared.notes if note not in self._results.notes)],
            "has": {
                "differences": bool(compared.differences),
                "training": bool(compared.curves or compared.deltas),
            },
        }

    def _task(self, name: str) -> dict[str, Any]:
        task = self._results.tasks[name]
        lower = [metric for metric in task.metrics if not task.higher_is_better.get(metric, True)]
        return {
            "name": name,
            "headline": self.metrics.place(task.headline),
            "metrics": [self.metrics.place(metric) for metric in task.metrics],
            "protocols": list(task.protocols),
            "rows": task.rows,
            "lower": [self.metrics.place(metric) for metric in lower],
        }
