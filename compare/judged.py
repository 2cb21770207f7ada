"""Judged answers, as the files of finished runs tell of them, and two folders of them joined by model and document."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.finished import read_samples, samples_files
from lmms_eval_ja.models.answers import Answers

Row = Mapping[str, Any]
#: Model and its arguments, as a results file states them.
Model = tuple[str, str]
_HEADLINES = ("overall", "judge_mean")


class LinkError(Exception):
    """Runs that cannot be linked; the message names folder, file or row."""


@dataclass(frozen=True)
class Judged:
    """A model's judged answers to one task: rows of the samples file by doc_id, and what the results say of them."""

    model: str
    path: Path
    answers: Answers
    rows: Mapping[str, Row]
    facts: Mapping[str, Any]

    @property
    def protocols(self) -> list[str]:
        """The protocols that judged."""
        return [entry["protocol"] for entry in self.facts["fingerprint"]["judging"]]

    @property
    def metrics(self) -> list[str]:
        """The metrics that rest on verdicts; ROUGE-L's items hold their value."""
        return [name for name in self.facts["scores"] if any(item_of(row, name) for row in self.rows.values())]

    @property
    def headline(self) -> str:
        """The metric that stands for the others."""
        return next((name for name in _HEADLINES if name in self.metrics), self.metrics[0])


def read_judged(folder: Path) -> dict[str, dict[Model, Judged]]:
    """The judged answers below a folder, by task and by model with its arguments."""
    found: dict[str, dict[Model, Judged]] = defaultdict(dict)
    for task, paths in samples_files(folder).items():
        for path in paths:
            answers, record = read_samples(path)
            facts = (record.get("lmms_eval_ja") or {}).get("tasks", {}).get(task)
            if not facts or not facts["fingerprint"]["judging"]:
                continue
            key = (str(record["config"].get("model")), str(record["config"].get("model_args")))
            if key in found[task]:
                raise LinkError(
                    f"two samples files of {task} by the same model: name the folder of one run, or move the other "
                    f"away\n  {found[task][key].path}\n  {path}"
                )
            name = record.get("model_name_sanitized") or key[0]
            found[task][key] = Judged(str(name), path, answers, _rows(path), facts)
    if not any(found.values()):
        raise LinkError(
            f"{folder}: no judged samples found; lmms-eval writes samples with --log_samples and --output_path, and "
            "those of a run with --predict_only are judged by `lmms-eval-ja judge`"
        )
    return {task: models for task, models in found.items() if models}


def _rows(path: Path) -> dict[str, Row]:
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    return {str(row["doc_id"]): row for row in map(json.loads, filter(str.strip, lines))}


def by_model(
    task: str, before: Mapping[Model, Judged], after: Mapping[Model, Judged]
) -> dict[str, tuple[Judged, Judged]]:
    """Both sides of each model; where either has a single one, its answers tell whether it is the same."""
    if len(before) == len(after) == 1:
        (old,), (new,) = before.values(), after.values()
        return {old.model: (old, new)}
    common = [key for key in before if key in after]
    if not common:
        raise LinkError(
            f"no model is judged on {task} in both folders: {named(before)} there, {named(after)} here (model and its "
            "arguments must be equal)"
        )
    names = [before[key].model for key in common]
    labels = [name if names.count(name) == 1 else f"{name} ({key[1]})" for name, key in zip(names, common, strict=True)]
    return {label: (before[key], after[key]) for label, key in zip(labels, common, strict=True)}


def named(keys: Iterable[Model]) -> str:
    """Models with their arguments, for a message."""
    return ", ".join(f"{model} ({arguments})" for model, arguments in keys)


def paired_documents(task: str, old: Judged, new: Judged) -> list[tuple[Row, Row]]:
    """The documents of both sides, whose answer, input and target must be equal."""
    common = sorted(old.rows.keys() & new.rows.keys(), key=int)
    if not common:
        raise LinkError(f"no doc_id of {task} is in both {old.path} and {new.path}")
    for doc_id in common:
        sides = [(side.answers.by_key[doc_id].strip(), *side.answers.origin[doc_id]) for side in (old, new)]
        for what, before, after in zip(("answer", "target", "input"), *sides, strict=True):
            if before != after:
                raise LinkError(
                    f"{new.path}: doc_id {doc_id} of {task} has another {what} than in {old.path}: {after[:60]!r}, "
                    f"there {before[:60]!r}; only scores of the same answers can be linked"
                )
    return [(old.rows[doc_id], new.rows[doc_id]) for doc_id in common]


def item_of(row: Row, metric: str) -> Mapping[str, Any] | None:
    """What a document gives to a judged metric; None where it gives nothing."""
    item = row.get(metric)
    return item if isinstance(item, Mapping) and "cluster" in item and "rouge_l" not in item else None
