"""What `lmms-eval-ja judge-link` shows: who judged, the shifts, how far single answers agree, and what to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.judge_link import Agreement, Link, Shift, TaskLink


def report(link: Link) -> Iterator[str | Table]:
    """Lines in rich's markup, and tables, in their order."""
    for task in link.tasks:
        yield f"[bold]{task.task}[/bold]"
        yield from _judges("OLD", task.fingerprints_old)
        yield from _judges("NEW", task.fingerprints_new)
        yield _shifts(task)
        yield _agreements(task.agreements)
        for note in task.notes:
            yield f"[yellow]note[/yellow] {escape(note)}"
    if link.unmatched:
        yield f"judged on one side only: {', '.join(link.unmatched)}"


def _judges(side: str, prints: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for print_ in prints:
        judging = ", ".join(f"{j['protocol']} v{j['version']} by {j['judge']}" for j in print_["judging"])
        reported = ", ".join(print_["judge_models"]) or "none"
        yield escape(f"{side}: {judging}; models as reported: {reported}; fingerprint {print_['id']}")


def _shifts(task: TaskLink) -> Table:
    """All metrics over all answers; of the headline each model as well."""
    first = task.shifts[0]
    names = ("answers", "left out", "OLD", "NEW", "shift", "95 % interval", "ranks: Spearman, Kendall")
    table = Table("model", "metric", *(Column(name, justify="right") for name in names))
    for shift in task.shifts:
        if shift.model == first.model or shift.metric_old == first.metric_old:
            metric = _both(shift.metric_old, shift.metric_new)
            table.add_row(escape(shift.model), metric, *_counts(shift), *_shift_cells(shift))
    return table


def _shift_cells(shift: Shift) -> tuple[str, ...]:
    interval = "" if shift.ci_low is None else f"{shift.ci_low:+.2f} to {shift.ci_high:+.2f}"
    ranks = "" if shift.ranks_kendall is None else f"{_shown(shift.ranks_spearman)}, {_shown(shift.ranks_kendall)}"
    moved = "" if shift.shift is None else f"{shift.shift:+.2f}"
    return _shown(shift.old), _shown(shift.new), moved, interval, ranks


def _agreements(rows: Sequence[Agreement]) -> Table:
    names = ("answers", "left out", "Spearman", "Kendall", "mean |NEW - OLD|")
    table = Table("model", "protocol", *(Column(name, justify="right") for name in names))
    for row in rows:
        numbers = map(_shown, (row.spearman, row.kendall, row.mean_absolute_difference))
        table.add_row(escape(row.model), _both(row.protocol_old, row.protocol_new), *_counts(row), *numbers)
    return table


def _both(old: str, new: str) -> str:
    return old if old == new else f"{old} → {new}"


def _counts(row: Shift | Agreement) -> tuple[str, str]:
    return f"{row.n:,}", f"{row.left_out:,}"


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
