"""The command `lmms-eval-ja`: what is here, whether it works, and what to fetch before going offline.

Evaluating itself is lmms-eval's own command: `lmms-eval --model … --tasks heron_bench_ja`.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja import __version__

app = typer.Typer(
    name="lmms-eval-ja",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help=(
        "Japanese vision-language evaluation as a plugin of lmms-eval. To evaluate, use lmms-eval itself:\n\n"
        "`lmms-eval --model qwen2_5_vl --model_args pretrained=Qwen/Qwen2.5-VL-7B-Instruct --tasks heron_bench_ja`"
    ),
)
# Into a pipe or a file a table is as wide as its content wants, not 80 columns.
console = Console(width=None if sys.stdout.isatty() else 200)


def _quiet() -> None:
    """lmms-eval logs at level DEBUG unless its own command has set the level."""
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="WARNING", format="{level}: {message}")


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version


@app.command("tasks")
def tasks_command() -> None:
    """List our tasks with size, headline metric, judging protocol, licence and source.

    Example: `lmms-eval-ja tasks`
    """
    from lmms_eval_ja.catalogue import groups, tasks

    table = Table(
        Column("task", no_wrap=True), "rows", "headline", "protocol", "licence", Column("source", overflow="fold")
    )
    for task in tasks():
        table.add_row(task.name, f"{task.rows:,}", task.headline, task.protocol, task.licence, task.source)
    console.print(table)
    for name, members in groups().items():
        console.print(f"[bold]{name}[/bold] = {', '.join(members)}")


@app.command()
def doctor() -> None:
    """Check this installation, and say for each finding what to do. Exits with 1 when something is broken.

    Looks at versions, the MeCab dictionary, the plugin, settings, the judge and its key (never shown), video decoding,
    disk and GPU. Example: `LMMS_EVAL_JA_JUDGE=overlap lmms-eval-ja doctor`
    """
    from lmms_eval_ja.doctor import Level, examine

    _quiet()
    marks = {Level.OK: "[green]ok[/green]", Level.HINT: "[yellow]hint[/yellow]", Level.BROKEN: "[red]broken[/red]"}
    table = Table("", "what", "found", "what to do")
    broken = False
    for finding in examine():
        table.add_row(marks[finding.level], *map(escape, (finding.what, finding.found, finding.fix)))
        broken |= finding.level is Level.BROKEN
    console.print(table)
    raise typer.Exit(int(broken))


@app.command()
def fetch(
    tasks: Annotated[str, typer.Option(help="Names of tasks or groups, with commas; see `lmms-eval-ja tasks`.")],
) -> None:
    """Fetch the data and assets of tasks into the caches, for a node without internet.

    Example: `lmms-eval-ja fetch --tasks japanese_vlm`
    """
    from lmms_eval_ja.fetch import FetchError, fetch_tasks, offline_advice

    _quiet()
    try:
        for line in fetch_tasks([name.strip() for name in tasks.split(",") if name.strip()]):
            console.print(line, highlight=False)
    except FetchError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    console.print(offline_advice(), highlight=False)
