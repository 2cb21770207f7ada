"""`lmms-eval-ja verdicts`: the store of judge replies, shown, exported, merged and pruned."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.clients import SettingsError, Store, load_settings
from lmms_eval_ja.clients.exchange import BadRow, secrets_of
from lmms_eval_ja.clients.exchange import export as export_replies
from lmms_eval_ja.clients.exchange import merge as merge_file
from lmms_eval_ja.clients.exchange import prune as prune_replies
from lmms_eval_ja.clients.store_reader import ExchangeError, Group, Selection, StoreReader
from lmms_eval_ja.console import console

app = typer.Typer(
    name="verdicts",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help=(
        "Show, export, merge and prune the store of judge replies.\n\n"
        "Whoever has the store, or an export of it, gets the same scores without a judge and without a key. "
        "Examples: `lmms-eval-ja verdicts show`, `lmms-eval-ja verdicts merge colleague.sqlite`"
    ),
)

_StoreFile = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="The store; the settings' (`LMMS_EVAL_JA_STORE`) if not given."),
]
_Protocol = Annotated[
    str | None, typer.Option(help="Only this protocol: `original` for all its versions, or `original/1`.")
]
_Model = Annotated[str | None, typer.Option(help="Only this judge model, as asked or as the server reported it.")]

_FIRST_LINE_LENGTH = 80


@app.command()
def show(
    last: Annotated[int, typer.Option(min=0, metavar="N", help="List the newest N replies as well.")] = 0,
    store: _StoreFile = None,
) -> None:
    """Count the replies by protocol and judge model, with tokens, first and last date (UTC) and the file's size.

    Example: `lmms-eval-ja verdicts show --last 10`
    """
    with _told():
        path = _existing(_path(store))
        with StoreReader(path) as reader:
            groups, latest = reader.groups(Selection()), reader.latest(last)
        console.print(_groups_table(groups))
        total = sum(group.replies for group in groups)
        console.print(f"{_count(total)}, {path.stat().st_size / 1e6:,.1f} MB: {path}", markup=False, highlight=False)
        if latest:
            table = Table("protocol", "model", "date", Column("reply", overflow="fold"))
            for reply in latest:
                line = _first_line(reply.content) if reply.content else f"(refused) {_first_line(reply.refusal or '')}"
                table.add_row(*map(_plain, (reply.protocol, reply.model)), _date(reply.created), _plain(line))
            console.print(table)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A name that ends in .jsonl or .parquet.")],
    protocol: _Protocol = None,
    model: _Model = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
    store: _StoreFile = None,
) -> None:
    """Write the replies to a file, one a row, with all that is stored of them. It holds no key.

    Example: `lmms-eval-ja verdicts export heron.parquet --protocol original`
    """
    with _told():
        path = _existing(_path(store))
        done = export_replies(path, out, Selection(protocol, model), secrets=_secrets(), force=force)
        console.print(f"{_count(done.rows)} written: {out}", markup=False, highlight=False)
        if done.redacted:
            typer.secho(f"a key of this environment was removed from {_count(done.redacted)}", fg="yellow", err=True)
        _report_bad(done.bad, done.bad_rows)


@app.command()
def merge(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Stores (.sqlite), exports (.jsonl, .parquet).")
    ],
    store: _StoreFile = None,
) -> None:
    """Take the replies of other stores or exports into this one. What is there already stays.

    A conflict is a key with another reply than the one here, which is kept. Merge only what you trust: a reply is taken
    as what the judge said. Exits with 1 when a row or a file cannot be read; the other rows are taken.

    Example: `lmms-eval-ja verdicts merge node1.sqlite node2.sqlite colleague.jsonl`
    """
    with _told():
        for missing in (file for file in files if not file.is_file()):
            raise ExchangeError(f"{missing} is no file")
        path = _path(store)
        with closing(Store(path)) as opened:
            if opened.set_aside:
                typer.secho(f"{path} was damaged; it is kept as {opened.set_aside}", fg="yellow", err=True)
            bad = 0
            bad_rows: list[BadRow] = []
            for file in files:
                done = merge_file(opened, file)
                counts = f"{done.new:,} new, {done.known:,} known, {done.conflicting:,} conflicting, {done.bad:,} bad"
                console.print(f"{file}: {counts}", markup=False, highlight=False)
                _print_listed(
                    "conflict, the first is kept: ", [_clean(key) for key in done.conflicts], done.conflicting
                )
                bad += done.bad
                bad_rows += done.bad_rows
            console.print(f"{_count(len(opened))} now: {path}", markup=False, highlight=False)
        _report_bad(bad, bad_rows)


@app.command()
def prune(
    *,
    protocol: _Protocol = None,
    model: _Model = None,
    before: Annotated[datetime | None, typer.Option(help="Only replies that are older (UTC).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show how many there are, delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: _StoreFile = None,
) -> None:
    """Delete replies, after showing how many; at least one filter is required. What is deleted has to be paid again.

    The file does not get smaller; new replies use the room.

    Example: `lmms-eval-ja verdicts prune --model gpt-4-0613 --before 2025-01-01 --dry-run`
    """
    with _told():
        chosen = Selection(protocol, model, before.replace(tzinfo=timezone.utc).timestamp() if before else None)
        if chosen.is_all:
            raise ExchangeError("which replies? Give --protocol, --model or --before")
        path = _existing(_path(store))
        with StoreReader(path) as reader:
            groups = reader.groups(chosen)
        total = sum(group.replies for group in groups)
        if total:
            console.print(_groups_table(groups))
        console.print(f"{_count(total)} chosen in {path}", markup=False, highlight=False)
        if dry_run or not total:
            return
        if not yes:
            typer.confirm(f"Delete {_count(total)}?", abort=True)
        with closing(Store(path)) as opened:
            deleted = prune_replies(opened, chosen)
        console.print(f"{_count(deleted)} deleted", highlight=False)


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong for a reason that the user can mend is one line, and status 1."""
    try:
        yield
    except (ExchangeError, SettingsError, OSError, ValueError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None


def _path(store: Path | None) -> Path:
    return store or load_settings().store


def _existing(path: Path) -> Path:
    """The path, if there is a store; else says so and ends with status 0."""
    if not path.exists():
        console.print(f"there is no store yet: {path}", markup=False, highlight=False)
        raise typer.Exit(0)
    return path


def _secrets() -> list[str]:
    """Values of the environment that look like keys by their names, and the key of the judge."""
    key = None
    with suppress(SettingsError):  # with --store the settings need not be in order
        key = load_settings().judge.key()
    return secrets_of(os.environ, key)


def _groups_table(groups: Sequence[Group]) -> Table:
    right = [Column(name, justify="right") for name in ("replies", "prompt tokens", "completion tokens")]
    table = Table("protocol", "judge asked", "judge reported", *right, "first", "last")
    for group in groups:
        note = f" ({group.without_tokens:,} unknown)" if group.without_tokens else ""
        names = map(_plain, (group.protocol, group.asked_model, group.model))
        tokens = ("" if n is None else f"{n:,}" for n in (group.prompt_tokens, group.completion_tokens))
        table.add_row(*names, f"{group.replies:,}", *(n + note for n in tokens), _date(group.first), _date(group.last))
    return table


def _report_bad(bad: int, rows: Sequence[BadRow]) -> None:
    _print_listed("bad row, left out: ", [_clean(str(row)) for row in rows], bad)
    if bad:
        raise typer.Exit(1)


def _print_listed(what: str, listed: Sequence[str], count: int) -> None:
    """The entries that are named, and how many more there are."""
    for entry in listed:
        typer.secho(f"{what}{entry}", fg="yellow", err=True)
    if count > len(listed):
        typer.secho(f"… and {count - len(listed):,} more", fg="yellow", err=True)


def _count(number: int) -> str:
    return f"{number:,} {'reply' if number == 1 else 'replies'}"


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M")


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "(empty)")
    return line if len(line) <= _FIRST_LINE_LENGTH else line[: _FIRST_LINE_LENGTH - 1] + "…"


def _clean(text: object) -> str:
    """A text of a server or a model as a terminal may get it: nothing in it moves the cursor or sets a colour."""
    return "".join(c if c.isprintable() or c == "\u3000" else "�" for c in str(text))


def _plain(text: object) -> str:
    return escape(_clean(text))
