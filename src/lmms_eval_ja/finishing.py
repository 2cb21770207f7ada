"""The last phase of a comparison: documents, one table of answers, statistics, leaderboard, report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lmms_eval_ja.compare.finished import samples_files


def finish(folder: Path, *, mix_fingerprints: bool, published: bool, report: Callable[[str], None]) -> None:
    """Make everything of a comparison that is made of its runs' results. Done again, it gives the same.

    Args:
        folder: the comparison's output, with at least one run that has scores.
        mix_fingerprints: whether scores of different fingerprints are ranked against each other, and marked.
        published: whether published figures stand beside ours.
        report: is told what was written, and what is missing.

    Raises:
        ResultsError: results that cannot be compared; names file, task or model.
        OSError: the folder cannot be written.
    """
    del published
    from lmms_eval_ja.compare.results import load_results
    from lmms_eval_ja.documents import collect

    revisions = dict(_revisions(folder))
    for note in collect(list(revisions), folder / "documents", revisions=revisions):
        report(note)
    results = load_results(folder, mix_fingerprints=mix_fingerprints)
    report(f"{len(results.models)} models, {len(results.tasks)} tasks")


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
