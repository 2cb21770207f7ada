"""The last phase of a comparison: documents, one table of answers, statistics, leaderboard, report."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from lmms_eval_ja.clients.whole_file import whole_file
from lmms_eval_ja.compare.finished import samples_files

#: What is written into the output besides documents, leaderboard and report.
TABLE, STATISTICS, REPRODUCED = "comparison.parquet", "comparison.json", "reproduced.txt"


def finish(
    folder: Path,
    *,
    models: Collection[str] | None = None,
    mix_fingerprints: bool,
    published: bool,
    reproduce: str | None,
    report: Callable[[str], None],
) -> None:
    """Make everything of a comparison that is made of its runs' results. Done again, it gives the same.

    Args:
        folder: the comparison's output, with at least one run that has scores.
        models: ids of the runs that are compared; others that lie in the folder are named and left out. None is all.
        mix_fingerprints: whether scores of different fingerprints are ranked against each other, and marked.
        published: whether published figures stand beside ours.
        reproduce: name of the ready comparison that this is, to set its table against what came out.
        report: is told what was written, and what is missing.

    Raises:
        ResultsError, SamplesFileError, DocumentsError: results that cannot be compared; names file, task or model.
        ReportError, OSError: the folder cannot be written.
    """
    from lmms_eval_ja.compare.leaderboard import write_leaderboard
    from lmms_eval_ja.compare.parquet import write_parquet
    from lmms_eval_ja.compare.published import SOURCES
    from lmms_eval_ja.compare.published import published as published_rows
    from lmms_eval_ja.compare.report import write_report
    from lmms_eval_ja.compare.reproduce import rendering, reproduction
    from lmms_eval_ja.compare.results import load_results
    from lmms_eval_ja.compare.statistics import compare
    from lmms_eval_ja.documents import collect

    revisions = dict(_revisions(folder))
    for note in collect(list(revisions), folder / "documents", revisions=revisions):
        report(note)
    results = load_results(folder, mix_fingerprints=mix_fingerprints, models=models)
    if models is not None and (others := sorted(set(_runs(folder)) - set(models))):
        report(f"Left out, since the file does not name them (any more): {', '.join(others)}")
    compared = compare(results)
    write_parquet(results, folder / TABLE)
    _write(folder / STATISTICS, compared.as_json())
    write_leaderboard(compared, folder)
    rows = published_rows(results.tasks) if published else []
    page = write_report(results, compared, rows, folder / "report", sources=SOURCES)
    if reproduce is not None:
        text = rendering(reproduction(results, reproduce))
        _write(folder / REPRODUCED, text + "\n")
        report(text)
    for note in compared.notes:
        report(note)
    report(f"Answers: {folder / TABLE}. Statistics: {folder / STATISTICS}. Leaderboard: {folder / 'leaderboard.md'}")
    report(f"Report: {page}")


def _runs(folder: Path) -> list[str]:
    return [path.name for path in (folder / "runs").iterdir() if path.is_dir()]


def _write(path: Path, text: str) -> None:
    """The file is whole or as it was."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _revisions(folder: Path) -> Iterator[tuple[str, str | None]]:
    """The tasks that have scores, with the revision of the data that was recorded."""
    found: dict[str, str | None] = {}
    for scores in sorted((folder / "runs").glob("*/scores")):
        for task, paths in samples_files(scores).items():
            found[task] = found.get(task) or _revision(task, paths)
    yield from sorted(found.items())


def _revision(task: str, paths: Iterable[Path]) -> str | None:
    for path in paths:
        results = path.with_name(f"{path.stem.partition('_samples_')[0]}_results.json")
        section = json.loads(results.read_text(encoding="utf-8")).get("lmms_eval_ja") or {}
        dataset = (((section.get("tasks") or {}).get(task) or {}).get("fingerprint") or {}).get("dataset") or {}
        if dataset.get("revision"):
            return str(dataset["revision"])
    return None
