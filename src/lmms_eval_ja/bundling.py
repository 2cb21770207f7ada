"""`lmms-eval-ja bundle` and `verify`: a comparison as one file to cite, and its check without network or key."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from lmms_eval_ja.quiet import quiet

if TYPE_CHECKING:
    from lmms_eval_ja.compare.bundle import Packed

#: So many differences are shown; the others are counted.
LISTED = 50


def bundle(
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
    out: Annotated[Path | None, typer.Option(help="The file to write; default: DIR/bundle.zip.")] = None,
    images: Annotated[
        bool, typer.Option("--images", help="Pack the pictures too: each has its own licence, see the tasks' READMEs.")
    ] = False,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The store of judge replies; the settings' (`LMMS_EVAL_JA_STORE`) if not given."
        ),
    ] = None,
    include_path: Annotated[
        Path | None, typer.Option(exists=True, help="Folder with the YAMLs of other people's tasks.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
) -> None:
    """Pack a comparison into one file: answers, verdicts, fingerprints, environment locks, and how to cite it.

    In it are also the judge's replies that the scores rest on, the texts of the documents, a methods paragraph in
    English and Japanese, and BibTeX. Keys of the environment are taken out.

    For example:

    `lmms-eval-ja bundle comparison --out table4.zip`
    """
    quiet()
    from lmms_eval_ja.clients import SettingsError, load_settings
    from lmms_eval_ja.clients.exchange import secrets_of
    from lmms_eval_ja.compare.bundle import BundleError, pack
    from lmms_eval_ja.compare.documents import DocumentsError, table_of

    try:
        settings = load_settings()
        keys = [judge.key() for judge in (settings.judge, *settings.members.values())]
        with TemporaryDirectory(prefix="lmms-eval-ja-bundle-") as folder:
            documents = results_dir if table_of(results_dir) else _collected(results_dir, Path(folder), include_path)
            packed = pack(
                results_dir,
                out or results_dir / "bundle.zip",
                documents=documents,
                store=store or settings.store,
                images=images,
                secrets=secrets_of(os.environ, *keys),
                force=force,
            )
    except (BundleError, DocumentsError, SettingsError, OSError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    _show(packed)


def verify(
    file: Annotated[
        Path, typer.Argument(metavar="BUNDLE", exists=True, dir_okay=False, help="What `lmms-eval-ja bundle` wrote.")
    ],
) -> None:
    """Check a bundle without network, key or judge: checksums, and every score again from what is inside.

    ROUGE-L is computed again from answer and reference, verdicts are read again from the judge's replies, scores and
    statistics are put together again. Exits with 1 and names file, model, task and document where something does not
    come out as recorded. A bundle from elsewhere is not trusted: nothing in it is run or written.

    For example:

    `lmms-eval-ja verify table4.zip`
    """
    from lmms_eval_ja.compare.bundle import BundleError
    from lmms_eval_ja.compare.bundle import verify as check

    try:
        done = check(file, report=lambda line: typer.echo(f"scoring {_plain(line)}", err=True))
    except BundleError as error:
        typer.secho(f"error: {_plain(error)}", fg="red", err=True)
        raise typer.Exit(1) from None
    for note in done.notes:
        typer.echo(f"not checked: {_plain(note)}")
    for mismatch in done.mismatches[:LISTED]:
        typer.secho(f"differs: {_plain(mismatch)}", fg="red")
    if len(done.mismatches) > LISTED:
        typer.echo(f"… and {len(done.mismatches) - LISTED:,} more")
    typer.echo(f"{'equal' if done.is_equal else 'NOT EQUAL'}: {done.summary}")
    raise typer.Exit(0 if done.is_equal else 1)


def _collected(results_dir: Path, folder: Path, include_path: Path | None) -> Path | None:
    """The documents of results that have none beside them, collected now."""
    from lmms_eval_ja.compare.bundle.scored import scored_tasks
    from lmms_eval_ja.compare.finished import samples_files
    from lmms_eval_ja.documents import collect

    paths = [path for paths in samples_files(results_dir).values() for path in paths]
    names = [path.relative_to(results_dir).as_posix() for path in paths]
    revisions = {
        scored.task: (scored.facts["fingerprint"].get("dataset") or {}).get("revision")
        for scored in scored_tasks(names, lambda name: (results_dir / name).read_bytes())
    }
    for note in collect(list(revisions), folder, include_path=include_path, revisions=revisions):
        typer.secho(note, fg="yellow", err=True)
    return folder


def _show(packed: Packed) -> None:
    for note in packed.notes:
        typer.secho(_plain(note), fg="yellow", err=True)
    for name in packed.redacted:
        typer.secho(f"a key of this environment was taken out of {name}", fg="yellow", err=True)
    replies = f", {packed.replies_there:,} of {packed.replies:,} judge's replies" if packed.replies else ""
    size = packed.path.stat().st_size / 1e6
    typer.echo(
        f"{packed.files:,} files of {packed.tasks:,} model-task pairs{replies}, {size:,.1f} MB: {packed.path}\n"
        f"Check it with: lmms-eval-ja verify {packed.path}"
    )


def _plain(text: object) -> str:
    """A text out of a file as a terminal may get it: nothing in it moves the cursor or sets a colour."""
    return "".join(c if c.isprintable() or c in "\n\u3000" else "�" for c in str(text))
