"""`lmms-eval-ja correct`: judged means beside those that people would have given, from labels of some answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.console import console
from lmms_eval_ja.outputs import write_output

if TYPE_CHECKING:
    from lmms_eval_ja.correction import Correction, Number, Row

#: Fewer images than this make an interval rough.
_FEW = 10
_METHODS = "ppi++, ppi, labels (without the judge), rogan-gladen (of a share)"


def correct(
    results_dir: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS_DIR", exists=True, file_okay=False, help="Judged results, also of many models."
        ),
    ],
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", exists=True, dir_okay=False, help="Scores by people: CSV or JSONL.")
    ],
    *,
    task: Annotated[str | None, typer.Option(help="Only this task.")] = None,
    metric: Annotated[str | None, typer.Option(help="Only this mean, such as judge_mean or model_mean.")] = None,
    method: Annotated[str, typer.Option(help=f"One of {_METHODS}.")] = "ppi++",
    at_least: Annotated[
        float | None, typer.Option("--at-least", help="Correct the share of answers with this score or a higher one.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all of it here.")] = None,
) -> None:
    """Show the mean that people would have given, with a 95 % interval, beside the judge's: never instead of it.

    LABELS holds scores of some of the answers, drawn at random, on the judge's scale, as `lmms-eval-ja label` writes
    them: columns model, task, doc_id or question_id, score, and optionally rater and scale. Prediction-powered
    inference combines them with the judge's scores of all answers. Ratios, such as Heron-Bench's overall, are not
    corrected: their denominator is the judge's scores of the references. The mean score of the answers, model_mean, is.

    For example:

    `lmms-eval-ja correct results/qwen labels.csv`

    `lmms-eval-ja correct comparison labels.jsonl --task heron_bench_ja --metric model_mean --json corrected.json`

    `lmms-eval-ja correct results/qwen labels.csv --metric judge_mean --at-least 4 --method rogan-gladen`
    """
    from lmms_eval_ja.compare.documents import DocumentsError
    from lmms_eval_ja.compare.results import ResultsError
    from lmms_eval_ja.correction import Wish, corrected, read_method
    from lmms_eval_ja.trusted import TrustedError

    try:
        found = corrected(results_dir, labels, Wish(task, metric, read_method(method), at_least))
        if json_file is not None:
            write_output(json_file, found.as_json(), [results_dir, labels])
    except (TrustedError, ResultsError, DocumentsError, OSError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    for part in report(found):
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))


def report(found: Correction) -> Iterator[str | Table]:
    """Lines in rich's markup, and a table."""
    is_share = found.at_least is not None
    who = f"; mean of {len(found.raters)} raters" if len(found.raters) > 1 else ""
    if len(found.raters) > 1:
        alpha = "not defined" if found.alpha is None else f"{found.alpha:.2f}"
        who += f", Krippendorff's alpha between them {alpha}"
    what = f"; share of answers with a score of at least {found.at_least:g}, in %" if is_share else ""
    yield escape(f"labels: {found.labels}{who}; method {found.method}{what}")
    numbers = ("raw (95 % interval)", "corrected", "labels alone", "bias of the judge", "labels", "other answers")
    table = Table("model", "task", "metric", *(Column(name, justify="right") for name in numbers))
    for row in found.rows:
        bias = "" if row.bias is None else _shown(row.bias, is_share, signed=True)
        cells = (_text(one, is_share) for one in (row.raw, row.corrected, row.labels_alone))
        table.add_row(
            *map(escape, (row.model, row.task, row.metric)), *cells, bias, f"{row.labels:,}", f"{row.others:,}"
        )
    yield table
    for row in found.rows:
        for line in _notes(row):
            yield f"[yellow]note[/yellow] {escape(f'{row.model}, {row.task}, {row.metric}: {line}')}"
    for warning in dict.fromkeys(warning for row in found.rows for warning in row.warnings):
        tasks = ", ".join(dict.fromkeys(row.task for row in found.rows if warning in row.warnings))
        yield f"[yellow]note[/yellow] {escape(f'{tasks}: {warning}')}"
    yield "The corrected value holds if the labelled answers were drawn at random. The raw score stays what it is."


def _notes(row: Row) -> Iterator[str]:
    if row.why_none:
        yield f"no corrected value: {row.why_none}"
    if row.left_out:
        yield f"{row.left_out:,} labels are left out, since the judge gave no score to those answers"
    if 0 < row.images < _FEW:
        yield f"its labels are of {row.images} images; the interval is rough"
    if row.power == 0 and row.others:
        yield "the judge's scores go with the labels so little that they are not used: these are the labels alone"
    if row.sensitivity is not None and row.specificity is not None:
        yield f"sensitivity {row.sensitivity:.2f}, specificity {row.specificity:.2f}"


def _text(one: Number, is_share: bool) -> str:
    if one.value is None:
        return "none"
    shown = _shown(one.value, is_share)
    if one.ci_low is None or one.ci_high is None:
        return shown
    return f"{shown} ({_shown(one.ci_low, is_share)} to {_shown(one.ci_high, is_share)})"


def _shown(value: float, is_share: bool, *, signed: bool = False) -> str:
    text = f"{100 * value:.1f}" if is_share else f"{value:.2f}"
    return f"+{text}" if signed and value >= 0 else text
