"""The command `lmms-eval-ja`: what is here, whether it works, and what to fetch before going offline.

Evaluating itself is lmms-eval's own command: `lmms-eval --model … --tasks heron_bench_ja`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja import __version__, verdicts

if TYPE_CHECKING:
    from lmms_eval_ja.rejudge import Judged

app = typer.Typer(
    name="lmms-eval-ja",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help=(
        "Japanese vision-language evaluation as a plugin of lmms-eval. To evaluate, use lmms-eval itself:\n\n"
        "`lmms-eval --model qwen2_5_vl --model_args pretrained=Qwen/Qwen2.5-VL-7B-Instruct --tasks heron_bench_ja`"
    ),
)
app.add_typer(verdicts.app)
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


@app.command()
def judge(
    results_dir: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Folder of a run with samples files, also nested.")
    ],
    *,
    tasks: Annotated[str, typer.Option(help="Names of tasks or groups, with commas; default: all that we judge.")] = "",
    protocol: Annotated[
        str | None, typer.Option(help="Another protocol than the task's own, such as ja_pairwise.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="A judge of judge.toml or a built-in one (openai, overlap).")
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="How often each answer is judged.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="New folder for the results; default: judged-JUDGE-PROTOCOL-TIME in RESULTS_DIR."),
    ] = None,
    include_path: Annotated[
        Path | None, typer.Option(exists=True, help="Folder with the YAMLs of other people's tasks.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check samples and data, say what would be asked, ask and write nothing.")
    ] = False,
) -> None:
    """Score the saved samples of a run of lmms-eval, also one with --predict_only, and write new results beside it.

    The data is loaded again and each sample compared with it. Exits with 1 when a task has no complete score: the same
    command then asks only for the verdicts that are missing.

    For example:

    `lmms-eval-ja judge answers`

    `lmms-eval-ja judge results/qwen --tasks ja_sample --protocol ja_pairwise --judge local --repeats 5`
    """
    _quiet()
    from lmms_eval_ja.finished import RejudgeError
    from lmms_eval_ja.models.answers import AnswersError
    from lmms_eval_ja.rejudge import Wish, rejudge

    names = [name.strip() for name in tasks.split(",") if name.strip()]
    try:
        done = rejudge(results_dir, Wish(names, protocol, judge, repeats, output, include_path, dry_run))
    except (RejudgeError, AnswersError, SystemExit) as error:
        typer.secho(f"error: {str(error).removeprefix('lmms-eval-ja: ')}", fg="red", err=True)
        raise typer.Exit(1) from None
    if done.folder is None:
        _show_asked(done)
        return
    _show_scores(done)
    for name, why in done.incomplete.items():
        console.print(f"[red]incomplete[/red] {escape(f'{name}: {why}')}", highlight=False)
    if done.incomplete:
        console.print(done.advice("the same command" + (" with another --output" if output else "")), highlight=False)
        raise typer.Exit(1)


def _show_asked(done: Judged) -> None:
    table = Table(Column("task", no_wrap=True), "samples", "protocols", "requests at most, without re-asking")
    for task in done.asked:
        table.add_row(task.task, f"{task.samples:,}", ", ".join(task.protocols), f"{task.requests:,}")
    console.print(table)
    console.print(f"Judge: {done.judge}. Samples and data agree; nothing was asked.", highlight=False)


def _show_scores(done: Judged) -> None:
    table = Table(Column("task", no_wrap=True), "metric", "score", "95 % interval", "scored")
    for task, facts in done.results["lmms_eval_ja"]["tasks"].items():
        for metric, score in facts["scores"].items():
            value, low, high = (score[name] for name in ("value", "ci_low", "ci_high"))
            interval = "" if low is None or high is None else f"{low:.2f} to {high:.2f}"
            shown = "none" if value is None else f"{value:.2f}"
            table.add_row(task, metric, shown, interval, f"{score['scored']} of {score['n']}")
    console.print(table)
    console.print(f"Judge: {done.judge}. Written to {done.folder}", highlight=False, soft_wrap=True)
