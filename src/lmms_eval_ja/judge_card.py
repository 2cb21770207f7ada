"""`lmms-eval-ja judge-card`: a judge's report card, from probes with the recorded answers of a run."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.console import console
from lmms_eval_ja.quiet import quiet

if TYPE_CHECKING:
    from lmms_eval_ja.judge_carding.content import Known
    from lmms_eval_ja.judge_carding.gathering import Answers
    from lmms_eval_ja.judges.probes import Plan


def judge_card(
    results_dir: Annotated[
        Path,
        typer.Argument(metavar="RESULTS_DIR", exists=True, file_okay=False, help="A run with samples files."),
    ],
    *,
    judge: Annotated[str | None, typer.Option(help="A judge of judge.toml, or openai; default: the one set.")] = None,
    protocol: Annotated[str | None, typer.Option(help="By which it judges; default: the task's.")] = None,
    task: Annotated[str, typer.Option(help="Only these tasks, with commas.")] = "",
    agreement: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A file of `judge-eval --json`; default: the one that judge.toml names."
        ),
    ] = None,
    probes: Annotated[
        str, typer.Option(help="Some of position, image, no_image, verbosity, injection, retest, with commas.")
    ] = "position,image,verbosity,injection,retest",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Probe with so many answers, of as many images as there are.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=2, help="How often the same is asked for the probe retest.")] = 3,
    output: Annotated[
        Path | None, typer.Option(help="The new folder; default: RESULTS_DIR/judge-card-JUDGE-PROTOCOL-DATE.")
    ] = None,
    include_path: Annotated[
        Path | None, typer.Option(exists=True, help="Folder with the YAMLs of other people's tasks.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be asked, and what it costs.")
    ] = False,
) -> None:
    """Probe a judge and write its report card: card.md, card.html and card.json.

    The recorded answers of a run are judged as they are, and with something changed that should matter (the image) or
    should not (the order, the length, instructions in the answer, a second time). Replies in the store are neither
    asked nor paid again. Each probe has a stated rule (docs/judge_cards.md): found, not found, not applicable, too few
    answers, or incomplete where verdicts failed, which ends with status 1.

    For example:

    `lmms-eval-ja judge-card results/qwen --judge local --limit 60 --dry-run`

    `lmms-eval-ja judge-card results/qwen --judge local --agreement eval.json --output card`
    """
    quiet()
    from lmms_eval_ja.clients import AssetError, SettingsError
    from lmms_eval_ja.clients.store_reader import ExchangeError
    from lmms_eval_ja.compare.finished import SamplesError
    from lmms_eval_ja.judge_carding.content import known_of
    from lmms_eval_ja.judge_carding.gathering import gather
    from lmms_eval_ja.judges.probes import plan
    from lmms_eval_ja.models.answers import AnswersError

    try:
        _check(_names(probes), agreement, output)
        answers = gather(
            results_dir,
            judge=judge,
            protocol=protocol,
            tasks=_names(task),
            limit=limit,
            include_path=include_path,
        )
        known = known_of(answers, agreement)
        planned = plan(answers.samples, answers.protocol, answers.judge, _names(probes), repeats=repeats)
        if dry_run:
            _show_plan(answers, planned)
            return
        card = _made(answers, planned, known, output or _default(results_dir, answers))
    except (
        SamplesError, AnswersError, SettingsError, AssetError, ExchangeError, ValueError, OSError, SystemExit
    ) as error:  # fmt: skip
        typer.secho(f"error: {str(error).removeprefix('lmms-eval-ja: ')}", fg="red", err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(int(any(probe["verdict"] == "incomplete" for probe in card["probes"])))


def _check(probes: list[str], agreement: Path | None, output: Path | None) -> None:
    """What can be seen before data is loaded."""
    from lmms_eval_ja.judge_carding.content import agreement_of
    from lmms_eval_ja.judges.probes import check_names

    check_names(probes)
    if agreement is not None:
        agreement_of(agreement, "", "")
    if output is not None and output.exists():
        raise FileExistsError(f"{output} is already there, and nothing is overwritten: state another --output")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _default(folder: Path, answers: Answers) -> Path:
    judge = re.sub(r"[^\w.-]", "_", answers.settings.judge_name)
    return folder / f"judge-card-{judge}-{answers.protocol.name}-{datetime.now().astimezone():%Y%m%d_%H%M%S}"


def _made(answers: Answers, planned: Plan, known: Known, output: Path) -> dict[str, Any]:
    """Ask, decide, write and show."""
    from lmms_eval_ja.judge_carding.content import card_of
    from lmms_eval_ja.judge_carding.writing import write_card
    from lmms_eval_ja.judges.probes import probe_judge
    from lmms_eval_ja.temporary import new_folder

    if problem := answers.judge.problem():
        raise ValueError(problem)
    with new_folder(output) as folder:
        settings = answers.settings
        probed = probe_judge(planned, answers.protocol, settings.store, budget_usd=settings.budget_usd)
        card = card_of(answers, probed, known)
        write_card(card, folder)
    _show(card)
    console.print(f"Written to {escape(str(output))}", highlight=False, soft_wrap=True)
    return card


def _show(card: dict[str, Any]) -> None:
    from lmms_eval_ja.judge_carding.blocks import blocks

    console.print(f"Judge: {escape(card['judge'])}, {card['protocol']['protocol']}", highlight=False, soft_wrap=True)
    for warning in card["warnings"]:
        console.print(f"[yellow]warning[/yellow] {escape(warning)}", highlight=False, soft_wrap=True)
    tables = 0
    for block in blocks(card, "en"):
        if block.kind == "table" and block.marks:
            header, *rows = block.rows
            table = Table(*(Column(name) for name in header))
            for row in rows:
                table.add_row(*map(escape, row))
            console.print(table)
            tables += 1
        elif block.kind == "text" and tables:
            console.print(escape(block.text), highlight=False, soft_wrap=True)


def _show_plan(answers: Answers, planned: Plan) -> None:
    """How many requests, and what they cost by the tokens of stored replies, or by those assumed."""
    from lmms_eval_ja.judge_carding.pricing import cost_of

    requests = len(planned.keys(answers.protocol))
    dollars = cost_of(answers, planned)
    price = "unknown" if dollars is None else f"about ${dollars:,.2f}"
    for name, why in planned.excluded.items():
        console.print(escape(f"{name}: not applicable: {why}"), highlight=False, soft_wrap=True)
    console.print(
        escape(
            f"{len(answers.samples):,} answers, {answers.judge.label}, {answers.protocol.name}: {requests:,} requests "
            f"if none is stored and none is asked again; price {price}. Nothing was asked."
        ),
        highlight=False,
        soft_wrap=True,
    )
