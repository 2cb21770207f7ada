"""What pictures are worth to a score: a plain run and one with other pictures (setting `image`), document by document.

A score's difference is the mean of what each document adds to it in the plain run, less what it adds in the ablated one
(the influence values in the samples files), so that its interval is a paired one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.clients.settings import IMAGE_SETTINGS
from lmms_eval_ja.compare.finished import SamplesError, read_samples, samples_files
from lmms_eval_ja.console import console
from lmms_eval_ja.models.answers import Answers, AnswersError

Row = Mapping[str, Any]
_Model = tuple[str, str]


@dataclass(frozen=True)
class Worth:
    """A metric in both runs over the `n` documents that have a score in both; `difference` is plain less ablated."""

    metric: str
    n: int
    left_out: int
    plain: float
    ablated: float
    difference: float
    ci_low: float | None
    ci_high: float | None
    standard_error: float | None
    interval: str
    clusters: int


@dataclass(frozen=True)
class TaskAblation:
    """A task of a model in both runs; `image` is what the ablated run was shown."""

    task: str
    model: str
    image: str
    worths: Sequence[Worth]
    notes: Sequence[str]


@dataclass(frozen=True)
class _Side:
    """A task's samples in one run, and what its results say of them."""

    path: Path
    model: str
    answers: Answers
    rows: Mapping[str, Row]
    facts: Mapping[str, Any]

    @property
    def image(self) -> str:
        """What the model was shown."""
        return str(self.facts["fingerprint"].get("image", IMAGE_SETTINGS[0]))


def ablations(plain: Path, ablated: Path) -> list[TaskAblation]:
    """Compare two folders of finished runs, task by task and model by model.

    Args:
        plain: with samples and results of runs with the pictures as they are.
        ablated: of the same models on the same tasks, with another setting `image`.

    Raises:
        SamplesError, AnswersError: files that cannot be read; runs that are no such pair; documents that differ.
    """
    before, after = _sides(plain), _sides(ablated)
    pairs = list(_pairs(before, after))
    if not pairs:
        raise SamplesError(
            f"no model has run a task in both folders: {_listed(before)} in {plain}, {_listed(after)} in {ablated} "
            "(model and its arguments must be equal)"
        )
    return [_compared(task, old, new) for task, old, new in pairs]


def _sides(folder: Path) -> dict[tuple[str, _Model], _Side]:
    found: dict[tuple[str, _Model], _Side] = {}
    for task, paths in samples_files(folder).items():
        for path in paths:
            answers, record = read_samples(path)
            facts = (record.get("lmms_eval_ja") or {}).get("tasks", {}).get(task)
            if not facts:
                continue
            key = (task, (str(record["config"].get("model")), str(record["config"].get("model_args"))))
            if key in found:
                raise SamplesError(
                    f"two samples files of {task} by the same model: name the folder of one run\n"
                    f"  {found[key].path}\n  {path}"
                )
            name = str(record.get("model_name_sanitized") or key[1][0])
            lines = filter(str.strip, path.read_text(encoding="utf-8-sig").split("\n"))
            rows = {str(row["doc_id"]): row for row in map(json.loads, lines)}
            found[key] = _Side(path, name, answers, rows, facts)
    if not found:
        raise SamplesError(
            f"{folder}: no scored samples of our tasks; lmms-eval writes samples with --log_samples and --output_path"
        )
    return found


def _pairs(
    before: Mapping[tuple[str, _Model], _Side], after: Mapping[tuple[str, _Model], _Side]
) -> Iterator[tuple[str, _Side, _Side]]:
    """The same model on both sides. Where each has a single one, it is taken for the same: replay's answers differ."""
    for task in dict.fromkeys(task for task, _ in before):
        old = {model: side for (name, model), side in before.items() if name == task}
        new = {model: side for (name, model), side in after.items() if name == task}
        if len(old) == len(new) == 1 and {m for m, _ in old} == {m for m, _ in new}:
            yield task, next(iter(old.values())), next(iter(new.values()))
            continue
        for model in old.keys() & new.keys():
            yield task, old[model], new[model]


def _compared(task: str, plain: _Side, ablated: _Side) -> TaskAblation:
    if plain.image != IMAGE_SETTINGS[0]:
        raise SamplesError(f"{plain.path}: the plain run has image = {plain.image!r}; name it second")
    if ablated.image == plain.image:
        raise SamplesError(
            f'{ablated.path}: image = "given", as in the plain run; state LMMS_EVAL_JA_IMAGE=none, blank or shuffled'
        )
    documents = _documents(task, plain, ablated)
    metrics = [name for name in plain.facts["scores"] if name in ablated.facts["scores"]]
    worths = [worth for name in metrics if (worth := _worth(name, documents)) is not None]
    return TaskAblation(task, plain.model, ablated.image, worths, list(_notes(plain, ablated)))


def _documents(task: str, plain: _Side, ablated: _Side) -> list[tuple[Row, Row]]:
    """The documents of both sides, whose question and target must be equal."""
    common = sorted(plain.rows.keys() & ablated.rows.keys(), key=int)
    if not common:
        raise SamplesError(f"no doc_id of {task} is in both {plain.path} and {ablated.path}")
    for doc_id in common:
        if plain.answers.origin[doc_id] != ablated.answers.origin[doc_id]:
            raise SamplesError(
                f"{ablated.path}: doc_id {doc_id} of {task} has another question or target than in {plain.path}: the "
                "two runs were made with other data or another version of the task"
            )
    return [(plain.rows[doc_id], ablated.rows[doc_id]) for doc_id in common]


def _worth(metric: str, documents: Sequence[tuple[Row, Row]]) -> Worth | None:
    items = [(_item(old, metric), _item(new, metric)) for old, new in documents]
    concerned = [(old, new) for old, new in items if old or new]
    scored = [(old, new) for old, new in concerned if _has_influence(old) and _has_influence(new)]
    if not scored:
        return None
    from lmms_eval_ja.metrics import mean

    before, after = ([side["influence"] for side in sides] for sides in zip(*scored, strict=True))
    found = mean([a - b for a, b in zip(before, after, strict=True)], [str(old["cluster"]) for old, _ in scored])
    return Worth(
        metric=metric,
        n=len(scored),
        left_out=len(concerned) - len(scored),
        plain=fmean(before),
        ablated=fmean(after),
        difference=found.value,
        ci_low=_number(found.ci_low),
        ci_high=_number(found.ci_high),
        standard_error=_number(found.standard_error),
        interval=found.method,
        clusters=found.n_clusters,
    )


def _item(row: Row, metric: str) -> Mapping[str, Any]:
    """What a document gives to a metric; empty where it gives nothing."""
    item = row.get(metric)
    return item if isinstance(item, Mapping) else {}


def _has_influence(item: Mapping[str, Any]) -> bool:
    value = item.get("influence")
    return isinstance(value, float | int) and math.isfinite(value)


def _notes(plain: _Side, ablated: _Side) -> Iterator[str]:
    """What else differs between the two runs."""
    if n := len(plain.rows.keys() ^ ablated.rows.keys()):
        yield f"{n:,} documents are in one run only, and left out"
    prints = [side.facts["fingerprint"] for side in (plain, ablated)]
    others = sorted({*prints[0], *prints[1]} - {"id", "image"})
    if different := [name for name in others if prints[0].get(name) != prints[1].get(name)]:
        yield f"not only the pictures differ, but {', '.join(different)}: the difference is of all of it"


def _listed(sides: Mapping[tuple[str, _Model], _Side]) -> str:
    return ", ".join(f"{task} by {model} ({arguments})" for task, (model, arguments) in sides)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def tables(found: Sequence[TaskAblation]) -> Iterator[str | Table]:
    """What `ablation` prints: a table for each task and model, with notes in rich's markup."""
    for one in found:
        names = ("documents", "left out", "given", one.image, "difference", "95 % interval")
        table = Table("metric", *(Column(name, justify="right") for name in names))
        for worth in one.worths:
            interval = "" if worth.ci_low is None else f"{worth.ci_low:+.2f} to {worth.ci_high:+.2f}"
            numbers = (f"{worth.plain:.2f}", f"{worth.ablated:.2f}", f"{worth.difference:+.2f}", interval)
            table.add_row(worth.metric, f"{worth.n:,}", f"{worth.left_out:,}", *numbers)
        yield f"[bold]{one.task}[/bold], {escape(one.model)}: image = {one.image}"
        yield table
        for note in one.notes:
            yield f"[yellow]note[/yellow] {escape(note)}"


def ablation(
    plain: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of a run with its pictures.")],
    ablated: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="The same with LMMS_EVAL_JA_IMAGE=none, blank, shuffled."),
    ],
    *,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all of it here.")] = None,
) -> None:
    """Report what pictures are worth: each score with them and without, and the paired difference with its interval.

    A model that does not look, and a benchmark that does not need its pictures, show a difference near 0.

    Examples:
    `lmms-eval-ja ablation results/plain results/blank`
    """
    try:
        found = ablations(plain, ablated)
        if json_file is not None:
            content = json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2)
            json_file.write_text(content + "\n", encoding="utf-8")
    except (SamplesError, AnswersError, OSError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    for part in tables(found):
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))
