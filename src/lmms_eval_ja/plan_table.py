"""The plan of a comparison, and how far it is, as a table and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.compare.needs import disks, missing_environments, weights_gb
from lmms_eval_ja.compare.plan import Plan
from lmms_eval_ja.compare.state import State, Status
from lmms_eval_ja.feasible import Bill

_COLOURS = {State.DONE: "green", State.ANSWERED: "cyan", State.FAILED: "red", State.TO_DO: "default"}
_UNKNOWN = "?"


def plan_table(states: Sequence[Status], *, retry_failed: bool) -> Table:
    """A row for each run: what it takes, and how far it is."""
    numbers = ("GPUs", "GPU GB", "download GB", "minutes")
    table = Table(
        Column("run", no_wrap=True),
        "plugin",
        "environment",
        *(Column(name, justify="right") for name in numbers),
        Column("state", no_wrap=True),
    )
    for state in states:
        entry, step = state.run.candidate.entry, state.run.generate
        answered = step.folder.exists()
        memory = _UNKNOWN if entry.needed_gb is None else f"{_about(entry.memory_gb)}{entry.needed_gb:.0f}"
        download = weights_gb(entry)
        minutes = f"{_about(entry.minutes_estimate)}{step.minutes or 0:.0f}"
        table.add_row(
            escape(state.run.id),
            escape(str(entry.plugin)),
            entry.env or "this one",
            str(entry.gpus),
            memory if entry.gpus else "",
            "" if answered or download == 0 else (_UNKNOWN if download is None else f"~{download:.0f}"),
            "" if answered else minutes,
            _shown(state, retry_failed=retry_failed),
        )
    return table


def sentences(plan: Plan, states: Sequence[Status], bill: Bill, gpus: int | None) -> Iterator[str]:
    """What the table does not say: tasks, GPUs, disk, the judge and what it costs."""
    comparison = plan.comparison
    yield f"Tasks: {', '.join(comparison.tasks)}. Written to {comparison.output}"
    there = "those of the cluster" if gpus is None else str(gpus)
    unanswered = [state.run for state in states if not state.run.generate.folder.exists()]
    minutes = sum((run.generate.minutes or 0) * run.generate.gpus for run in unanswered)
    yield (
        f"{len(states)} runs, {sum(state.state is State.DONE for state in states)} done. GPUs: {there}. To generate: "
        f"about {minutes / 60:,.1f} GPU hours. `~`: estimated from the number of parameters; `?`: not known."
    )
    entries = [run.candidate.entry for run in unanswered]
    if missing := missing_environments(entries):
        yield f"Environments to be made: {', '.join(missing)}."
    for disk in disks(entries):
        yield f"Disk: about {disk.needed_gb:,.1f} GB to come, {disk.free_gb:,.1f} GB free."
    yield f"Judge: {_judge(plan, bill)}"


def status_lines(states: Sequence[Status]) -> Iterator[str]:
    """A sentence for each run that is not done, or cannot go on."""
    for state in states:
        if state.refused:
            yield f"{state.run.id}: {state.refused}"
        elif state.state is State.FAILED:
            log = f" (log: {state.run.folder / state.log})" if state.log else ""
            yield f"{state.run.id} failed: {state.cause}{log}"


def _judge(plan: Plan, bill: Bill) -> str:
    if plan.judge_name is None:
        return "none; only metrics that need none are computed."
    note = f" {bill.note}." if bill.note else ""
    if not bill.requests:
        return f"{plan.judge_name}.{note}"
    dollars = "an unknown price" if bill.dollars is None else f"about ${bill.dollars:,.2f}"
    budget = plan.settings.budget_usd
    limit = "" if budget is None else f" budget_usd holds for each model's judging: at most ${budget:,.2f} a model."
    return f"{plan.judge_name}, {bill.requests:,} requests if none is stored yet, {dollars}.{limit}{note}"


def _about(measured: float | None) -> str:
    return "~" if measured is None else ""


def _shown(state: Status, *, retry_failed: bool) -> str:
    if state.refused:
        return "[red]cannot go on[/red]"
    words = state.state.value
    if state.state is State.FAILED:
        words += ", tried again" if retry_failed else ", skipped"
    return f"[{_COLOURS[state.state]}]{words}[/]"
