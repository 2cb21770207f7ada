"""`lmms-eval-ja report`: results of many models as a folder of pages that opens from disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmms_eval_ja.quiet import quiet

if TYPE_CHECKING:
    from lmms_eval_ja.compare.compared import Compared
    from lmms_eval_ja.compare.results import Results


def report(
    results_dir: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folder of a comparison, or of scored results of lmms-eval.",
        ),
    ],
    *,
    out: Annotated[Path | None, typer.Option(help="The folder to write; default: DIR/report.")] = None,
    title: Annotated[str | None, typer.Option(help="Title of the report; default: the comparison's.")] = None,
    published: Annotated[
        bool, typer.Option("--published/--no-published", help="Show published figures beside ours, as a block apart.")
    ] = True,
    documents: Annotated[
        bool, typer.Option("--documents/--no-documents", help="Load the data for questions and pictures, if need be.")
    ] = True,
    mix_fingerprints: Annotated[
        bool, typer.Option("--mix-fingerprints", help="Rank scores that were made differently, and mark them.")
    ] = False,
    include_path: Annotated[
        Path | None, typer.Option(exists=True, help="Folder with the YAMLs of other people's tasks.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
) -> None:
    """Write a report: leaderboard, charts, differences, judges and a browser of samples, in one folder.

    The folder opens from disk (`index.html`), needs no server, and asks for nothing outside itself: copy it, zip it, or
    put it on any web server. An earlier report there is replaced. Questions and pictures are loaded once, into
    `DIR/documents`; without them the report shows what the samples files hold. Pictures are under their own licences:
    see the tasks' READMEs before you publish a report.

    The leaderboard is also written as `leaderboard.md`, `.csv` and `.tex`: into DIR if it is a comparison's folder
    (unless the `comparison.json` there is of other results), else into the report's.

    For example:

    `lmms-eval-ja report results --out report --title "Our models in March"`
    """
    quiet()
    from lmms_eval_ja.compare.documents import DocumentsError
    from lmms_eval_ja.compare.report import ReportError
    from lmms_eval_ja.compare.results import ResultsError
    from lmms_eval_ja.compare.samples_table import SamplesFileError

    try:
        results = _loaded(
            results_dir, collect_documents=documents, include_path=include_path, mix_fingerprints=mix_fingerprints
        )
        page = _written(results, out or results_dir / "report", title, with_published=published)
    except (ResultsError, SamplesFileError, DocumentsError, ReportError, OSError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"Report: {page}")
    if open_it:
        typer.launch(page.resolve().as_uri())


def _loaded(folder: Path, *, collect_documents: bool, include_path: Path | None, mix_fingerprints: bool) -> Results:
    """The results, read again when what was asked is collected; what was collected before and still fits is kept."""
    from lmms_eval_ja.compare.documents import FOLDER
    from lmms_eval_ja.compare.results import load_results

    results = load_results(folder, mix_fingerprints=mix_fingerprints)
    if not collect_documents:
        return results
    from lmms_eval_ja.documents import collect

    revisions: dict[str, str | None] = {}
    for (_, task), run in results.runs.items():
        dataset = (run.facts.get("fingerprint") or {}).get("dataset") or {}
        revisions[task] = revisions.get(task) or dataset.get("revision")
    for note in collect(list(results.tasks), folder / FOLDER, include_path=include_path, revisions=revisions):
        typer.secho(note, fg="yellow", err=True)
    return load_results(folder, mix_fingerprints=mix_fingerprints)


def _written(results: Results, out: Path, title: str | None, *, with_published: bool) -> Path:
    from lmms_eval_ja.compare.leaderboard import write_leaderboard
    from lmms_eval_ja.compare.published import SOURCES, published
    from lmms_eval_ja.compare.report import write_report
    from lmms_eval_ja.compare.statistics import compare

    rows = published(results.tasks) if with_published else []
    compared = compare(results)
    page = write_report(results, compared, rows, out, sources=SOURCES, title=title)
    write_leaderboard(compared, results.folder if _is_of(results.folder, compared) else out)
    return page


def _is_of(folder: Path, compared: Compared) -> bool:
    """Whether a folder is a comparison's, whose statistics, if they are there, are these."""
    statistics = folder / "comparison.json"
    if not (folder / "runs").is_dir():
        return False
    return not statistics.is_file() or statistics.read_text(encoding="utf-8") == compared.as_json()
