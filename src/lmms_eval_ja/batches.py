"""`lmms-eval-ja verdicts batches`, and what is said about the batches of `lmms-eval-ja judge --batch`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from lmms_eval_ja.clients import ChatError, SettingsError, Store, load_settings
from lmms_eval_ja.clients.ledger import Ledger
from lmms_eval_ja.console import console
from lmms_eval_ja.judges import Judge
from lmms_eval_ja.judges.batch import Filled, Waiting
from lmms_eval_ja.judges.cancelling import cancel

#: The exit status of a command that waits for batches.
WAITING = 3
app = typer.Typer(
    name="batches",
    rich_markup_mode="markdown",
    help=(
        "List the batches of the Batch API that are recorded in the store, with what came of their requests; cancel "
        "one. Example: `lmms-eval-ja verdicts batches`"
    ),
)

_StoreFile = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="The store; the settings' (`LMMS_EVAL_JA_STORE`) if not given."),
]


@app.callback(invoke_without_command=True)
def list_batches(context: typer.Context, store: _StoreFile = None) -> None:
    """List open and finished batches. Asks nobody: how far the provider is says `lmms-eval-ja judge … --batch`."""
    if context.invoked_subcommand is not None:
        return
    with _told():
        path = store or load_settings().store
        if not path.exists():
            console.print(f"there is no store yet: {path}", markup=False, highlight=False)
            return
        with closing(Store(path)) as opened:
            batches = Ledger(opened).batches()
    counts = [Column(name, justify="right") for name in ("requests", "open", "stored", "failed", "not asked")]
    table = Table(Column("batch", no_wrap=True), "state", "judge", "submitted (UTC)", *counts, "reason")
    for batch in batches:
        numbers = (batch.open, batch.stored, batch.failed, batch.unasked)
        date = datetime.fromtimestamp(batch.created, timezone.utc).strftime("%Y-%m-%d %H:%M")
        state = "forgotten" if batch.is_forgotten else batch.state
        table.add_row(
            batch.name, state, batch.model, date, *(f"{n:,}" for n in (sum(numbers), *numbers)), batch.reason or ""
        )
    console.print(table)


@app.command("cancel")
def cancel_command(
    batch: Annotated[str, typer.Argument(metavar="ID", help="As `lmms-eval-ja verdicts batches` lists it.")],
    store: _StoreFile = None,
) -> None:
    """Stop a batch, which may take minutes. What is done until then is paid and stored; the rest may be asked again.

    Example: `lmms-eval-ja verdicts batches cancel batch_abc123`
    """
    with _told():
        settings = load_settings()
        known, replies = cancel(batch, Judge.of(settings), store or settings.store)
        console.print(
            f"batch {known.name} is stopped: {replies:,} of its {known.open:,} requests had a reply, which is stored",
            markup=False,
            highlight=False,
        )


def sentences(filled: Filled) -> Iterator[str]:
    """What a call of `lmms-eval-ja judge --batch` did, and what it waits for."""
    if filled.collected:
        yield f"Collected {_count(filled.collected, 'reply', 'replies')}."
    for ended in filled.ended:
        yield f"Nothing more was submitted, because {ended}. Run the same command again to submit its requests anew."
    if filled.submitted:
        requests, ids = sum(filled.submitted.values()), ", ".join(filled.submitted)
        batches = _count(len(filled.submitted), "batch", "batches")
        yield f"Submitted {_count(requests, 'request', 'requests')} in {batches}: {ids}."
    for batch in filled.open:
        if batch.name not in filled.submitted:
            known = batch.state is not None
            done = f"{batch.state}, {batch.done:,} of {batch.total:,} done" if known else f"{batch.requests:,} requests"
            yield f"Batch {batch.name} of {batch.model}: {done}."
    if filled.elsewhere:
        yield f"{_count(filled.elsewhere, 'request is', 'requests are')} being asked by another process."
    if filled.over_budget:
        yield (
            f"{_count(filled.over_budget, 'request was', 'requests were')} not submitted, because the budget has no "
            "room for the most that they may cost. Run the same command again, or raise budget_usd."
        )
    if filled.left:
        left = _count(filled.left, "request has", "requests have")
        yield f"{left} failed for good and will be in no batch again; one of them: {filled.left_because}"
    if filled.is_waiting:
        yield "The results may take a day. The same command, run later, collects them; with --wait it waits for them."


@contextmanager
def waiting() -> Iterator[Waiting]:
    """Waiting with a progress bar over all batches."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("batches", total=None)

        def report(filled: Filled) -> None:
            states = ", ".join(sorted({batch.state for batch in filled.open if batch.state}))
            done = filled.collected + sum(batch.done or 0 for batch in filled.open)
            total = filled.collected + sum(batch.requests for batch in filled.open)
            progress.update(task, description=f"batches ({states})", completed=done, total=total)

        yield Waiting(report=report)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong for a reason that the user can mend is one line, and status 1."""
    try:
        yield
    except (ChatError, SettingsError, OSError, ValueError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
