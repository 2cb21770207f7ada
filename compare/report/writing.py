"""Writing a report: everything into a new folder, which takes the place of an earlier report when it is complete."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lmms_eval_ja.compare.compared import Compared
from lmms_eval_ja.compare.report.asked import asked
from lmms_eval_ja.compare.report.pictures import Picture, write_pictures
from lmms_eval_ja.compare.report.published import published_of
from lmms_eval_ja.compare.report.samples import write_samples
from lmms_eval_ja.compare.report.script import write_script
from lmms_eval_ja.compare.report.statistics import Tables
from lmms_eval_ja.compare.report.vega import VegaError, vega_script
from lmms_eval_ja.compare.results import Results

#: By this a folder is known as a report, which may be replaced.
_MARK = '<meta name="generator" content="lmms-eval-ja" />'


class ReportError(Exception):
    """A report that cannot be written; the message says why, and what to do."""


def write_report(
    results: Results,
    compared: Compared,
    published: Sequence[Any],
    out: Path,
    *,
    sources: Mapping[str, Any] | None = None,
    title: str | None = None,
) -> Path:
    """Write the report of a comparison: a folder that opens from disk, without a server and without the internet.

    Args:
        results: answers and documents.
        compared: the statistics.
        published: figures of others, rows of `compare.published`; shown apart from ours.
        out: the folder. An earlier report there is replaced, when the new one is complete.
        sources: what is known of the published figures' protocols, by source.
        title: of the report; default: that of the comparison.

    Returns:
        The page to open.

    Raises:
        ReportError: something else is in the folder, or Vega is missing.
        OSError: it cannot be written.
    """
    if out.exists() and not _is_report(out):
        raise ReportError(f"{out} is already there, and no report: state another --out, or move it away")
    try:
        vega = vega_script()
    except VegaError as error:
        raise ReportError(str(error)) from None
    place = out.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as beside:
        # A folder in it, since only its owner may read the folder itself.
        new = Path(beside) / "report"
        new.mkdir()
        _write_app(new / "app", vega)
        pictures = _write_pictures(results, new / "images", place / "images")
        index = {
            "title": title or compared.title or results.title,
            "version": version("lmms-eval-ja"),
            "published": published_of(published, sources),
        }
        _write_data(new / "data", results, compared, pictures, **index)
        # Last, so that a folder that was broken off is not taken for a report.
        shutil.copyfile(str(files(__package__) / "static" / "index.html"), new / "index.html")
        if place.exists():
            shutil.rmtree(place)
        new.rename(place)
    return out / "index.html"


def _is_report(folder: Path) -> bool:
    page = folder / "index.html"
    if not folder.is_dir():
        return False
    return not any(folder.iterdir()) or (page.is_file() and _MARK in page.read_text(encoding="utf-8"))


def _write_app(folder: Path, vega: str) -> None:
    """The page's own files, its strings as a script, and Vega."""
    folder.mkdir()
    static = files(__package__) / "static"
    for entry in static.iterdir():
        if entry.name.endswith((".js", ".css")):
            (folder / entry.name).write_bytes(entry.read_bytes())
    strings = json.dumps(strings_table(), ensure_ascii=False)
    (folder / "strings.js").write_text(f"'use strict';\nwindow.Report.strings = {strings};\n", encoding="utf-8")
    (folder / "vega.js").write_text(vega, encoding="utf-8")


def strings_table() -> dict[str, dict[str, str]]:
    """All strings of the interface: key → language → text."""
    table: dict[str, dict[str, str]] = json.loads(
        (files(__package__) / "static" / "strings.json").read_text(encoding="utf-8")
    )
    return table


def _write_pictures(results: Results, out: Path, before: Path) -> dict[str, Picture]:
    names = [
        name for documents in results.documents.values() for document in documents.values() for name in document.images
    ]
    return write_pictures(results.folder / "documents" / "images", names, out, before if before.is_dir() else None)


def _write_data(
    folder: Path, results: Results, compared: Compared, pictures: Mapping[str, Picture], **index: Any
) -> None:
    tables = Tables(results, compared)

    def entry(name: str) -> list[Any] | None:
        return pictures[name].entry() if name in pictures else None

    tasks = []
    for place, name in enumerate(compared.tasks):
        those = asked(results, results.tasks[name], compared.models)
        tasks.append(write_samples(folder, place, those, results.documents.get(name, {}), entry))
    for name, differences in tables.differences().items():
        write_script(folder, f"differences/{tables.tasks.place(name)}", differences)
    others = tables.cells(headlines=False)
    index |= tables.index(tasks)
    write_script(folder, "cells", others)
    write_script(folder, "health", tables.health())
    write_script(folder, "training", tables.training())
    write_script(folder, "benchmarks", tables.benchmarks())
    write_script(folder, "index", index)
