"""The command `lmms-eval-ja`: what is here, whether it works, and what to fetch before going offline.

Evaluating itself is lmms-eval's own command: `lmms-eval --model … --tasks heron_bench_ja`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja import (
    __version__,
    ablation,
    batches,
    bundling,
    check_task,
    comparing,
    correcting,
    disputing,
    envs,
    export,
    judge_card,
    judge_eval,
    label,
    model_table,
    new_task,
    rephrase,
    reporting,
    verdicts,
)
from lmms_eval_ja.console import console
from lmms_eval_ja.quiet import quiet

if TYPE_CHECKING:
    from lmms_eval_ja.cost import Estimate
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
verdicts.app.add_typer(batches.app)
app.add_typer(verdicts.app)
app.add_typer(envs.app)
app.command("models")(model_table.models)
app.command("compare")(comparing.compare)
app.command("report")(reporting.report)
app.command("bundle")(bundling.bundle)
app.command("verify")(bundling.verify)
app.command("ablation")(ablation.ablation)
app.command("new-task")(new_task.new_task)
app.command("check-task")(check_task.check_task)
app.command("judge-eval")(judge_eval.judge_eval)
app.command("judge-card")(judge_card.judge_card)
app.command("correct")(correcting.correct)
app.command("label")(label.label)
app.command("disputed")(disputing.disputed)
app.command("rephrase")(rephrase.rephrase)
app.command("export")(export.export)


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
    from lmms_eval_ja.jp_tasks.catalogue import groups, tasks

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

    quiet()
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

    quiet()
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
    batch: Annotated[
        bool, typer.Option("--batch", help="Ask through OpenAI's Batch API: half the price, within a day.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the batches, and submit what is needed after them.")
    ] = False,
) -> None:
    """Score the saved samples of a run of lmms-eval, also one with --predict_only, and write new results beside it.

    The data is loaded again and each sample compared with it. Exits with 1 when a task has no complete score: the same
    command then asks only for the verdicts that are missing. With --batch it exits with 3 while batches are waited for:
    the same command, run later, collects them and goes on.

    For example:

    `lmms-eval-ja judge answers`

    `lmms-eval-ja judge results/qwen --tasks ja_sample --protocol ja_pairwise --judge local --repeats 5`
    """
    quiet()
    from lmms_eval_ja.compare.finished import SamplesError
    from lmms_eval_ja.models.answers import AnswersError
    from lmms_eval_ja.rejudge import Wish, rejudge

    names = [name.strip() for name in tasks.split(",") if name.strip()]
    wish = Wish(names, protocol, judge, repeats, output, include_path, dry_run, batch)
    try:
        with batches.waiting() if wait else contextlib.nullcontext() as waiting:
            done = rejudge(results_dir, dataclasses.replace(wish, waiting=waiting))
    except (SamplesError, AnswersError, SystemExit) as error:
        typer.secho(f"error: {str(error).removeprefix('lmms-eval-ja: ')}", fg="red", err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(_show(done, "the same command" + (" with another --output" if output else "")))


def _show(done: Judged, again: str) -> int:
    """Print what came of judging; the exit status. `again` is what to run where something is missing."""
    for sentence in batches.sentences(done.filled) if done.filled else ():
        console.print(escape(sentence), highlight=False, soft_wrap=True)
    if done.folder is None and done.filled is not None:
        return batches.WAITING if done.filled.is_waiting else 1
    if done.folder is None:
        _show_asked(done)
        return 0
    _show_scores(done)
    for name, why in done.incomplete.items():
        console.print(f"[red]incomplete[/red] {escape(f'{name}: {why}')}", highlight=False)
    if done.incomplete:
        console.print(done.advice(again), highlight=False)
    return 1 if done.incomplete else 0


@app.command()
def cost(
    *,
    tasks: Annotated[str, typer.Option(help="Names of tasks or groups, with commas; see `lmms-eval-ja tasks`.")],
    judge: Annotated[
        str | None, typer.Option(help="A judge of judge.toml or a built-in one (openai, overlap).")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Another protocol than the task's own, such as ja_pairwise.")
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="How often each answer is judged.")] = None,
    batch: Annotated[bool, typer.Option("--batch", help="As by OpenAI's Batch API.")] = False,
) -> None:
    """Estimate before a run what judging costs: requests, tokens and US dollars. Asks no judge and needs no key.

    For example:

    `lmms-eval-ja cost --tasks japanese_vlm`

    `lmms-eval-ja cost --tasks heron_bench_ja --judge openai --repeats 5 --batch`
    """
    quiet()
    from lmms_eval_ja.cost import CostError, Plan, estimate

    names = [name.strip() for name in tasks.split(",") if name.strip()]
    try:
        _show_cost(estimate(Plan(names, judge, protocol, repeats, batch)))
    except CostError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None


def _show_cost(estimated: Estimate) -> None:
    numbers = ("samples", "requests", "prompt tokens", "completion tokens", "US dollars")
    table = Table(
        *(Column(name, no_wrap=True) for name in ("task", "protocol", "judge")),
        *(Column(name, justify="right") for name in numbers),
        "tokens",
    )
    for item in estimated.items:
        counts = (item.samples, item.requests, item.prompt_tokens, item.completion_tokens)
        dollars = "unknown" if item.dollars is None else f"{item.dollars:,.2f}"
        table.add_row(item.task, item.protocol, escape(item.judge), *(f"{n:,.0f}" for n in counts), dollars, item.basis)
    console.print(table)
    rest = "" if estimated.is_whole else ", and what has no known price"
    console.print(f"[bold]Total: about ${estimated.dollars:,.2f}{rest}[/bold]", highlight=False)
    for note in estimated.notes:
        console.print(escape(note), highlight=False, soft_wrap=True)


@app.command("judge-link")
def judge_link(
    old: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of judged runs, also nested.")],
    new: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="The same answers, by another judge or protocol."),
    ],
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all of it here, also what is not shown.")
    ] = None,
) -> None:
    """Report how far two judges or protocols shift the scores of the same answers, with an interval.

    Answers are joined by model, task and document, and must be equal. A folder that `lmms-eval-ja judge` wrote is
    linked when it is named itself; below OLD or NEW it is left out.

    For example:

    `lmms-eval-ja judge-link results/qwen results/qwen/judged-local-original-20261101_120000`

    `lmms-eval-ja judge-link gpt-4o gpt-5.1 --json link.json`
    """
    quiet()
    from lmms_eval_ja.compare.finished import SamplesError
    from lmms_eval_ja.compare.judged import LinkError
    from lmms_eval_ja.judge_link import link
    from lmms_eval_ja.link_report import report
    from lmms_eval_ja.models.answers import AnswersError

    try:
        linked = link(old, new)
        if json_file is not None:
            json_file.write_text(linked.as_json(), encoding="utf-8")
    except (LinkError, SamplesError, AnswersError, OSError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    for part in report(linked):
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))


@app.command()
def convert(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="Folder of a VILA checkpoint as published, or of one in LLaVA's own format (Prometheus-Vision).",
        ),
    ],
    out: Annotated[Path, typer.Argument(help="Folder to write to; must not exist.")],
) -> None:
    """Write a VILA checkpoint, or one in LLaVA's own format, as an ordinary LLaVA one for transformers and vLLM.

    To use it here this is not needed: `--model llm_jp_vila`, and a judge with provider "transformers", read what was
    published.

    Example: `lmms-eval-ja convert llm-jp-3-vila-14b llm-jp-3-vila-14b-hf`
    """
    from lmms_eval_ja.convert import ConvertError
    from lmms_eval_ja.convert import convert as write

    try:
        done = write(checkpoint, out, lambda line: console.print(escape(line), highlight=False))
    except ConvertError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    console.print(escape(done), highlight=False, soft_wrap=True)


def _show_asked(done: Judged) -> None:
    table = Table(Column("task", no_wrap=True), "samples", "protocols", "requests at most, without re-asking")
    for task in done.asked:
        table.add_row(task.task, f"{task.samples:,}", ", ".join(task.protocols), f"{task.requests:,}")
    console.print(table)
    if anchors := sum(task.anchors for task in done.asked):
        console.print(
            f"Among them {anchors:,} answers that come with the benchmarks, as anchors (LMMS_EVAL_JA_ANCHORS=0 leaves "
            "them out).",
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"Judge: {done.judge}. Samples and data agree; nothing was asked.", highlight=False)


def _show_scores(done: Judged) -> None:
    from lmms_eval_ja import summary

    section = done.results["lmms_eval_ja"]
    table = Table(Column("task", no_wrap=True), "metric", "score", "95 % interval", "sd of runs", "scored")
    for task, facts in section["tasks"].items():
        for metric, score in facts["scores"].items():
            value, low, high = (score[name] for name in ("value", "ci_low", "ci_high"))
            interval = "" if low is None or high is None else f"{low:.2f} to {high:.2f}"
            shown = "none" if value is None else f"{value:.2f}"
            spread = "" if score["run_sd"] is None else f"{score['run_sd']:.2f}"
            table.add_row(task, metric, shown, interval, spread, f"{score['scored']} of {score['n']}")
    console.print(table)
    for line in summary.sentences(section):
        console.print(escape(line), highlight=False, soft_wrap=True)
    for line in summary.warnings(section):
        console.print(f"[yellow]warning[/yellow] {escape(line)}", highlight=False, soft_wrap=True)
    console.print(f"Judge: {done.judge}. Written to {done.folder}", highlight=False, soft_wrap=True)
