"""`lmms-eval-ja label`: a local page on which people rate answers, and the file of labels that it writes."""

from __future__ import annotations

import contextlib
import html
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.console import console
from lmms_eval_ja.quiet import quiet

if TYPE_CHECKING:
    from lmms_eval_ja.labelling.gathering import Wish
    from lmms_eval_ja.labelling.items import Labelling, Target
    from lmms_eval_ja.labelling.session import Session
    from lmms_eval_ja.labelling.store import LabelStore

#: The usual port: the browser remembers a rater's name by it.
_PORT = 8571


def label(
    results_dir: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS_DIR", exists=True, file_okay=False, help="Scored results, also of many models."
        ),
    ],
    *,
    task: Annotated[str, typer.Option(help="Only these tasks, with commas.")] = "",
    models: Annotated[str, typer.Option(help="Only these models, with commas.")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Rate a random sample of this size, as many of each model.")
    ] = None,
    target: Annotated[
        str,
        typer.Option(help="What is rated: answers; feedback, of two judges; references, the benchmark's own answers."),
    ] = "answers",
    pairwise: Annotated[bool, typer.Option("--pairwise", help="Two models' answers side by side.")] = False,
    against: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="--target feedback: the other judge's folder."),
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="--target feedback: by which both judged.")] = None,
    rater: Annotated[str, typer.Option(help="Name of the rater; default: the page asks.")] = "",
    scale: Annotated[str | None, typer.Option(help="Such as 1-5; default: the judge's scale.")] = None,
    rubric: Annotated[
        str | None, typer.Option(help="Show this rubric: a name of the library, or a YAML file (docs/rubrics.md).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the sample, of the order, and of the sides.")] = 0,
    output: Annotated[
        Path | None, typer.Option(help="The file of labels (CSV); default: RESULTS_DIR/labels/TARGET.csv.")
    ] = None,
    documents: Annotated[
        bool, typer.Option("--documents/--no-documents", help="Load the data for questions and pictures, if need be.")
    ] = True,
    include_path: Annotated[
        Path | None, typer.Option(exists=True, help="Folder with the YAMLs of other people's tasks.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen; any other than this lets others in.")] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help=f"0 is any that is free; default: {_PORT}, or any where that is taken."),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    summary: Annotated[bool, typer.Option("--summary", help="Only show what was rated so far.")] = False,
) -> None:
    """Serve a page on which people rate answers blind, and write their scores for `judge-eval` and `correct`.

    Picture, question, reference and answer are shown; keys 1 to 5 rate (1 to 9 and 0 for ten values), u takes back, s
    skips, the arrows go back and on. Models are neither named nor sent to the browser, and each rater has an order of
    their own. Every rating is on disk before the next answer is shown: the command can be stopped at any time, and
    goes on where it was. Several raters open the same address, each with a name.

    With --target references the benchmark's own answers stand among the others, and e marks one that gets Japan wrong;
    `lmms-eval-ja disputed` then shows the ranks without those documents.

    For example:

    `lmms-eval-ja label results/qwen --limit 60`

    `lmms-eval-ja label comparison --task heron_bench_ja --models qwen,sarashina --scale 1-5 --rater Sato`

    `lmms-eval-ja label comparison --pairwise --limit 100`

    `lmms-eval-ja label judged-by-a --target feedback --against judged-by-b`

    `lmms-eval-ja label comparison --task heron_bench_ja --target references`
    """
    quiet()
    from lmms_eval_ja.compare.documents import DocumentsError
    from lmms_eval_ja.compare.results import ResultsError
    from lmms_eval_ja.compare.samples_table import SamplesFileError
    from lmms_eval_ja.judges.rubrics import RubricError
    from lmms_eval_ja.labelling.gathering import Wish
    from lmms_eval_ja.labelling.items import LabelError
    from lmms_eval_ja.trusted import TrustedError

    try:
        asked = _target(target, pairwise=pairwise)
        _check_options(asked, against=against, protocol=protocol, scale=scale, output=output, host=host)
        wish = Wish(
            folder=results_dir,
            target=asked,
            tasks=_names(task),
            models=_names(models),
            limit=limit,
            scale=_scale(scale),
            seed=seed,
            rubric=_rubric(rubric),
            against=against,
            protocol=protocol,
        )
        labelling = _gathered(wish, include_path, load=documents)
        file = output or results_dir / "labels" / f"{wish.target}.csv"
        with _opened(file, labelling, read_only=summary) as store:
            if not summary:
                _serve(labelling, store, host=host, port=port, rater=rater, browser=browser)
            for part in report(labelling, store):
                console.print(part, highlight=False, soft_wrap=isinstance(part, str))
    except (LabelError, ResultsError, SamplesFileError, DocumentsError, TrustedError, RubricError, OSError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None


def _target(name: str, *, pairwise: bool) -> Target:
    from lmms_eval_ja.labelling.items import TARGETS, LabelError

    if pairwise and name != "answers":
        raise LabelError(f"--pairwise compares answers; --target {name} does not go with it")
    asked = "pairs" if pairwise else name
    for target in TARGETS:
        if target == asked:
            return target
    raise LabelError(f"--target {name}: expected answers, feedback or references")


def _check_options(
    target: Target, *, against: Path | None, protocol: str | None, scale: str | None, output: Path | None, host: str
) -> None:
    """Refuse what would be ignored, or fail only after the answers are read."""
    from lmms_eval_ja.labelling.items import OF_TWO, LabelError

    given = {"--against": against, "--protocol": protocol}
    if target != "feedback" and (unused := [name for name, value in given.items() if value is not None]):
        raise LabelError(f"{unused[0]} goes with --target feedback only")
    if target in OF_TWO and scale is not None:
        raise LabelError(f"--scale {scale}: of two texts the better one is named, and no score given; leave it out")
    if output is not None and output.suffix.lower() != ".csv":
        raise LabelError(f"--output {output}: labels are written as CSV; name a file that ends in .csv")
    if not host.strip():
        raise LabelError("--host is empty: name an address of this machine, such as 127.0.0.1")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _scale(text: str | None) -> tuple[int, int] | None:
    from lmms_eval_ja.labelling.items import whole_scale
    from lmms_eval_ja.trusted import read_scale

    return None if text is None else whole_scale(*read_scale(text), "--scale")


def _rubric(name: str | None) -> Any:
    from lmms_eval_ja.judges.rubrics import load_rubric

    return None if name is None else load_rubric(name)


def _gathered(wish: Wish, include_path: Path | None, *, load: bool) -> Labelling:
    """What is rated; data that is missing is loaded first."""
    from lmms_eval_ja.labelling.gathering import gather
    from lmms_eval_ja.labelling.reading import documents_folder, read, without_documents

    loader = None
    if load:
        from lmms_eval_ja.documents import collect, load_documents

        def loader(task: str, revision: str | None) -> list[Mapping[str, Any]]:
            return load_documents(task, include_path=include_path, revision=revision)

        found = read(wish.folder, wish.tasks, wish.models)
        if missing := without_documents(wish.folder, found.tasks):
            console.print(f"Loading the documents of {', '.join(map(escape, missing))}", highlight=False)
            revisions = {task: found.revision(task) for task in missing}
            folder = documents_folder(wish.folder)
            for note in collect(missing, folder, include_path=include_path, revisions=revisions):
                typer.secho(note, fg="yellow", err=True)
    labelling, notes = gather(wish, loader)
    for note in notes:
        typer.secho(note, fg="yellow", err=True)
    return labelling


@contextlib.contextmanager
def _opened(file: Path, labelling: Labelling, *, read_only: bool) -> Iterator[LabelStore]:
    from lmms_eval_ja.labelling.store import LabelStore

    store = LabelStore(file, labelling.target, labelling.scales, labelling.items, read_only=read_only)
    with contextlib.closing(store):
        yield store


def _serve(labelling: Labelling, store: LabelStore, *, host: str, port: int | None, rater: str, browser: bool) -> None:
    """Serve until Ctrl+C."""
    from urllib.parse import quote

    from lmms_eval_ja.labelling.server import LabelServer
    from lmms_eval_ja.labelling.session import Session

    session = Session(labelling, store)
    with console.status(escape(_progress(session))) as status:
        server = _listening(LabelServer, session, host, port, lambda: status.update(escape(_progress(session))))
        address = server.address + (f"?rater={quote(rater)}" if rater else "")
        if not server.is_local:
            typer.secho(
                f"warning: {host} lets other machines in: whoever has the address below sees pictures and answers and "
                "can rate, and nothing is encrypted",
                fg="yellow",
                err=True,
            )
        console.print(f"{len(labelling.items):,} to rate. Labels: {escape(str(store.path))}", highlight=False)
        console.print(f"Open {address}", highlight=False, soft_wrap=True)
        if rater:
            console.print(f"Other raters open {server.address}", highlight=False, soft_wrap=True)
        console.print("Every rating is saved at once; Ctrl+C ends this.", highlight=False)
        with contextlib.suppress(KeyboardInterrupt), _opened_in_browser(address, store.path.parent, wanted=browser):
            server.serve_forever()
        server.server_close()


@contextlib.contextmanager
def _opened_in_browser(address: str, folder: Path, *, wanted: bool) -> Iterator[None]:
    """Open the page by way of a file that only its owner may read: what a program is started with, all users see."""
    if not wanted:
        yield
        return
    page = folder / f".open-{os.getpid()}.html"
    page.touch(mode=0o600)
    page.write_text(f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(address)}">\n')
    try:
        typer.launch(page.resolve().as_uri())
        yield
    finally:
        page.unlink(missing_ok=True)


def _listening(server: Any, session: Session, host: str, port: int | None, changed: Any) -> Any:
    """At the port; where none is asked for, at the usual one, or at any that is free."""
    from lmms_eval_ja.labelling.items import LabelError

    ports = (_PORT, 0) if port is None else (port,)
    for number in ports:
        try:
            return server(session, host, number, changed)
        except (OSError, UnicodeError) as error:  # a host that is no name at all is a UnicodeError
            failed = error
    where = f"--host {host}" if port is None else f"--host {host} --port {port}"
    raise LabelError(f"{where}: cannot listen there: {getattr(failed, 'strerror', None) or failed}")


def _progress(session: Session) -> str:
    done = [f"{rater}: {n:,} of {total:,}" for rater, (n, total) in session.progress().items()]
    return ", ".join(done) or "waiting for the first rating"


def report(labelling: Labelling, store: LabelStore) -> Iterator[str | Table]:
    """Lines in rich's markup, and a table: who rated how many, and of two which was preferred."""
    from lmms_eval_ja.labelling.items import OF_TWO
    from lmms_eval_ja.labelling.session import Session
    from lmms_eval_ja.labelling.summary import preferences

    progress = Session(labelling, store).progress()
    for rater, (n, total) in progress.items():
        yield escape(f"{rater}: {n:,} of {total:,} rated")
    if labelling.target in OF_TWO and progress:
        numbers = ("items", "wins", "ties", "losses", "wins, %", "ties as half, % (95 % interval)", "left, %")
        table = Table("first", "second", *(Column(name, justify="right") for name in numbers))
        for one in preferences(store, labelling.items):
            interval = "" if one.ci_low is None else f" ({one.ci_low:.1f} to {one.ci_high:.1f})"
            left = "" if one.left is None else f"{one.left:.1f}"
            counts = (f"{n:,}" for n in (one.items, one.wins, one.ties, one.losses))
            shares = (f"{one.wins_share:.1f}", f"{one.share:.1f}{interval}", left)
            table.add_row(escape(one.first), escape(one.second), *counts, *shares)
        yield table
    yield escape(f"Labels: {store.path}")
