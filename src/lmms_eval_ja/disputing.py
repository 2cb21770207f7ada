"""`lmms-eval-ja disputed`: ranks without the documents whose reference answer people found wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.console import console
from lmms_eval_ja.outputs import write_output
from lmms_eval_ja.quiet import quiet

if TYPE_CHECKING:
    from lmms_eval_ja.compare.disputed import Disputed, Moved, Standing
    from lmms_eval_ja.compare.results import Results


def disputed(
    results_dir: Annotated[
        Path, typer.Argument(metavar="RESULTS_DIR", exists=True, file_okay=False, help="Results of many models.")
    ],
    marks: Annotated[
        Path,
        typer.Argument(
            metavar="MARKS",
            exists=True,
            dir_okay=False,
            help="CSV of `label --target references`, or any with the columns task and doc_id.",
        ),
    ],
    *,
    at_least: Annotated[int, typer.Option("--at-least", min=1, help="Raters who have to agree on a mark.")] = 1,
    metric: Annotated[str | None, typer.Option(help="Default: each task's headline.")] = None,
    mix_fingerprints: Annotated[
        bool, typer.Option("--mix-fingerprints", help="Rank scores that were made differently.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all of it here.")] = None,
) -> None:
    """Show each model's score and rank with all documents and without those whose reference answer is disputed.

    A reference answer that is wrong about Japan lowers the answers that are right. Both scores stand side by side, with
    95 % intervals clustered by picture; the published one is the one with all documents.

    For example:

    `lmms-eval-ja disputed comparison comparison/labels/references.csv`

    `lmms-eval-ja disputed comparison comparison/labels/references.csv --at-least 2 --json disputed.json`
    """
    quiet()
    from lmms_eval_ja.compare.disputed import DisputedError, read_disputed, without_disputed
    from lmms_eval_ja.compare.documents import DocumentsError
    from lmms_eval_ja.compare.results import ResultsError, load_results
    from lmms_eval_ja.compare.samples_table import SamplesFileError

    try:
        ids = read_disputed(marks, at_least)
        results = load_results(results_dir, mix_fingerprints=mix_fingerprints)
        found = without_disputed(results, ids, metric)
        if json_file is not None:
            write_output(json_file, found.as_json(), [results_dir, marks])
    except (DisputedError, DocumentsError, ResultsError, SamplesFileError, OSError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    for part in report(found, results):
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))


def report(found: Disputed, results: Results) -> Iterator[str | Table]:
    """Lines in rich's markup, and a table for each task."""
    for task, ids in found.documents.items():
        rows = sorted((row for row in found.rows if row.task == task), key=_place)
        names = ", ".join(results.documents[task][id_].question_id for id_ in ids)
        yield escape(f"{task}: {len(ids):,} of {len(results.documents[task]):,} documents are disputed: {names}")
        numbers = ("all documents (95 %)", "rank", "without the disputed", "rank", "change")
        table = Table("model", *(Column(name, justify="right") for name in numbers), title=rows[0].metric)
        for row in rows:
            change = "" if not row.ranks_gained else f"{row.ranks_gained:+d}"
            cells = (part for one in (row.before, row.after) for part in (_score(one), _rank(one)))
            table.add_row(escape(results.models[row.model].label), *cells, change)
        yield table
        yield from _emptied(rows, results)
    for note in results.notes:
        yield f"[yellow]note[/yellow] {escape(note)}"
    moved = sum(bool(row.ranks_gained) for row in found.rows)
    yield f"{moved:,} ranks change. Differences within the intervals mean little."


def _emptied(rows: Sequence[Moved], results: Results) -> Iterator[str]:
    """Which categories are gone: the scores before and after are then not over the same ones."""
    for categories in dict.fromkeys(row.emptied for row in rows if row.emptied):
        own = [results.models[row.model].label for row in rows if row.emptied == categories]
        whose = "" if len(own) == len(rows) else f" of {', '.join(own)}"
        yield "[yellow]note[/yellow] " + escape(
            f"no document of {', '.join(categories)} is left: {rows[0].metric}{whose} without the disputed is over the "
            "other categories alone, and not comparable with that over all documents"
        )


def _place(row: Moved) -> tuple[float, str]:
    return (float("inf") if row.before.rank is None else row.before.rank, row.model)


def _score(one: Standing) -> str:
    if one.value is None:
        return "none"
    interval = "" if one.ci_low is None else f" ({one.ci_low:.2f} to {one.ci_high:.2f})"
    return f"{one.value:.2f}{interval}"


def _rank(one: Standing) -> str:
    return "" if one.rank is None else str(one.rank)
