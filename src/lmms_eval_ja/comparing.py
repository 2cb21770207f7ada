"""`lmms-eval-ja compare`: many models, planned, run and compared by one command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from lmms_eval_ja.console import console
from lmms_eval_ja.quiet import quiet

if TYPE_CHECKING:
    from lmms_eval_ja.compare.plan import Plan, Run
    from lmms_eval_ja.compare.state import Status

_SETTING_UP, _RUNS = "Setting up", "Runs"


def compare(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="comparison.yaml; not needed with --reproduce.")
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and what stands in its way; start nothing.")
    ] = False,
    only: Annotated[str, typer.Option(metavar="ID,…", help="Only these models, or series of checkpoints.")] = "",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed before; else it is skipped.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Show how far each run is, and stop.")] = False,
    collect: Annotated[
        bool, typer.Option("--collect", help="Run nothing: make tables and report of what is there.")
    ] = False,
    print_commands: Annotated[
        bool, typer.Option("--print-commands", help="Print one shell line per run, for a scheduler of your own.")
    ] = False,
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster: HOST:PORT, or auto for the one this machine belongs to.")
    ] = None,
    gpus: Annotated[int | None, typer.Option(min=0, help="How many GPUs of this machine to use; default: all.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder to write to, instead of the file's own.")] = None,
    reproduce: Annotated[
        str | None, typer.Option(metavar="NAME", help="A comparison that comes with this package, such as paper-rouge.")
    ] = None,
    mix_fingerprints: Annotated[
        bool, typer.Option("--mix-fingerprints", help="Rank scores that were made differently, and mark them.")
    ] = False,
    run: Annotated[str | None, typer.Option(hidden=True, help="Carry out this run here, without Ray.")] = None,
) -> None:
    """Evaluate and judge all models of a file, each in its environment, and compare them.

    Each model becomes one run: its answers to all tasks (on GPUs), then their scores (a judge is asked, no GPU). The
    plan is shown and checked before anything starts. The same command continues what was interrupted, and does nothing
    twice. What failed is listed with its cause and log, stops no other run, and is tried again by --retry-failed. A run
    whose entry in the file has changed is refused until its folder is removed. Exits with 1 when a run is not complete.

    For example:

    `lmms-eval-ja compare comparison.yaml --dry-run`

    `lmms-eval-ja compare comparison.yaml --only llm-jp-3-vila-14b,qwen2-vl-7b-instruct`

    `lmms-eval-ja compare comparison.yaml --address auto`

    `lmms-eval-ja compare --reproduce paper-rouge`
    """
    from lmms_eval_ja.compare.faults import ComparisonError
    from lmms_eval_ja.compare.placing import PlacingError

    quiet()
    try:
        plan = _plan(file, output, reproduce)
        if run is not None:
            raise typer.Exit(_run_here(plan, run))
        runs = plan.only([name.strip() for name in only.split(",") if name.strip()])
        if print_commands:
            options = () if output is None and reproduce is None else ("--output", str(plan.comparison.output))
            collecting = [*options, *(["--only", only] if only else []), *(["--mix-fingerprints"] * mix_fingerprints)]
            raise typer.Exit(_print_commands(plan, runs, options, collecting, reproduce))
        if status:
            raise typer.Exit(_show_status(runs))
        if collect:
            done = _collectable(plan, runs)
        else:
            done = _carry_out(plan, runs, dry_run=dry_run, retry_failed=retry_failed, address=address, gpus=gpus)
        if dry_run:
            raise typer.Exit(int(not done))
        finished = _finish(plan, mix_fingerprints=mix_fingerprints, reproduce=reproduce)
    except OSError as error:
        where = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        typer.secho(f"error: {where}; free some space, or state another output (--output)", fg="red", err=True)
        raise typer.Exit(1) from None
    except (ComparisonError, PlacingError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.secho("interrupted: the same command goes on", fg="red", err=True)
        raise typer.Exit(130) from None
    raise typer.Exit(int(not (done and finished)))


def _plan(file: Path | None, output: Path | None, reproduce: str | None) -> Plan:
    from lmms_eval_ja.compare.faults import ComparisonError
    from lmms_eval_ja.compare.file import read_comparison
    from lmms_eval_ja.compare.plan import plan_of
    from lmms_eval_ja.compare.shipped import shipped

    if (file is None) == (reproduce is None):
        raise ComparisonError("state either a file (comparison.yaml) or --reproduce NAME")
    if reproduce is not None:
        file, output = shipped(reproduce), output or Path(f"reproduce-{reproduce}")
    assert file is not None  # noqa: S101 (one of both was given)
    return plan_of(read_comparison(file, output))


def _carry_out(
    plan: Plan, runs: Sequence[Run], *, dry_run: bool, retry_failed: bool, address: str | None, gpus: int | None
) -> bool:
    """Show the plan, and unless something stands in its way carry it out; whether all of it is complete.

    Raises:
        ComparisonError: what stands in its way.
    """
    from lmms_eval_ja import plan_table
    from lmms_eval_ja.carrying import carry_out_runs
    from lmms_eval_ja.compare.devices import gpus_here
    from lmms_eval_ja.compare.faults import ComparisonError
    from lmms_eval_ja.compare.state import status
    from lmms_eval_ja.feasible import bill, problems
    from lmms_eval_ja.progress import Progress

    states = [status(run) for run in runs]
    gpus = plan.comparison.fields.gpus if gpus is None else gpus
    there = None
    if address is None:
        here = gpus_here()
        if gpus is not None and gpus > here:
            raise ComparisonError(f"gpus is {gpus}, and this machine has {here}: state at most {here}")
        there = here if gpus is None else gpus
    console.print(plan_table.plan_table(states, retry_failed=retry_failed))
    _say(plan_table.sentences(plan, states, bill(plan, states), there))
    if found := list(problems(plan, states, gpus=there)):
        raise ComparisonError("nothing was started:\n" + "\n".join(f"- {problem}" for problem in found))
    if dry_run:
        return True
    with Progress(console, runs) as progress:
        carry_out_runs(plan, states, retry_failed=retry_failed, address=address, gpus=gpus, report=progress.show)
    return _all_done(runs)


def _collectable(plan: Plan, runs: Sequence[Run]) -> bool:
    """Bring what is recorded of the runs up to the file; whether all of them are complete.

    Raises:
        ComparisonError: a run was made otherwise than the file says.
    """
    from lmms_eval_ja.carrying import refresh

    _refuse(runs)
    refresh(plan, [run for run in runs if run.folder.exists()])
    return _all_done(runs)


def _refuse(runs: Sequence[Run]) -> None:
    from lmms_eval_ja.compare.faults import ComparisonError
    from lmms_eval_ja.compare.state import status

    if refused := [state for run in runs if (state := status(run)).refused]:
        raise ComparisonError("\n".join(f"{state.run.id}: {state.refused}" for state in refused))


def _all_done(runs: Sequence[Run]) -> bool:
    """List what is not complete; whether nothing is."""
    from lmms_eval_ja.compare.state import status

    return _show_rest([status(run) for run in runs])


def _show_rest(states: Sequence[Status]) -> bool:
    from lmms_eval_ja import plan_table
    from lmms_eval_ja.compare.state import State

    _say(plan_table.status_lines(states), colour="red")
    left = [state for state in states if state.refused or state.state is not State.DONE]
    if any(state.state is State.FAILED for state in left):
        _say(["What failed is skipped by the same command; --retry-failed tries it again."])
    return not left


def _show_status(runs: Sequence[Run]) -> int:
    from lmms_eval_ja import plan_table
    from lmms_eval_ja.compare.state import status

    states = [status(run) for run in runs]
    console.print(plan_table.plan_table(states, retry_failed=False))
    return int(not _show_rest(states))


def _print_commands(
    plan: Plan, runs: Sequence[Run], options: Sequence[str], collecting: Sequence[str], reproduce: str | None
) -> int:
    """On the standard output as they are: they are meant for a shell."""
    from lmms_eval_ja.compare.shell import shell_lines

    _refuse(runs)
    for line in shell_lines(plan, runs, options, collecting=collecting, reproduce=reproduce):
        typer.echo(line)
    return 0


def _run_here(plan: Plan, name: str) -> int:
    from lmms_eval_ja.carrying import carry_out_here
    from lmms_eval_ja.compare.faults import ComparisonError
    from lmms_eval_ja.compare.state import status

    (run,) = (run for run in plan.only([name]) if run.id == name)
    if refused := status(run).refused:
        raise ComparisonError(f"{run.id}: {refused}")
    outcome = carry_out_here(plan, run, lambda line: _say([line]))
    if outcome.complete:
        _say([f"{run.id}: complete"])
        return 0
    log = f" (log: {outcome.log})" if outcome.log else ""
    _say([f"{outcome.step.name} failed: {outcome.cause}{log}"], colour="red")
    return 1


def _finish(plan: Plan, *, mix_fingerprints: bool, reproduce: str | None) -> bool:
    """Make tables and report of the runs that have scores; whether there are any.

    Raises:
        ComparisonError: they cannot be compared.
    """
    from lmms_eval_ja.compare.documents import DocumentsError
    from lmms_eval_ja.compare.faults import ComparisonError
    from lmms_eval_ja.compare.report import ReportError
    from lmms_eval_ja.compare.results import ResultsError
    from lmms_eval_ja.compare.samples_table import SamplesFileError
    from lmms_eval_ja.finishing import finish

    fields = plan.comparison.fields
    if not any(run.judge.folder.exists() for run in plan.runs):
        _say(["No run has scores yet: there is nothing to compare."], colour="red")
        return False
    try:
        finish(
            plan.comparison.output,
            models=[run.id for run in plan.runs],
            mix_fingerprints=mix_fingerprints or fields.mix_fingerprints,
            published=fields.published,
            reproduce=reproduce,
            report=lambda line: _say([line]),
        )
    except (ResultsError, SamplesFileError, DocumentsError, ReportError, OSError) as error:
        raise ComparisonError(f"the results cannot be compared: {error}") from None
    return True


def _say(lines: Iterable[str], colour: str | None = None) -> None:
    for line in lines:
        console.print(escape(line), highlight=False, soft_wrap=True, style=colour)
