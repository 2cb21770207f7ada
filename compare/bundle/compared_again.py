"""The statistics of a bundle made again from its samples, and set against those that it records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.bundle.archive import BundleError
from lmms_eval_ja.compare.bundle.boards import LEADERBOARDS, check_leaderboards
from lmms_eval_ja.compare.bundle.mismatch import Mismatch, equal
from lmms_eval_ja.compare.bundle.tables import rows_of
from lmms_eval_ja.compare.documents import DocumentsError
from lmms_eval_ja.compare.results import Results, ResultsError
from lmms_eval_ja.compare.samples_table import SamplesFileError

__all__ = ["ANSWERS", "COMPARED", "LEADERBOARDS", "check_statistics"]

COMPARED, ANSWERS = "comparison.json", "comparison.parquet"
#: Of the columns, what comes from where the comparison was made; of the statistics, sentences.
_FEEDBACK = "_feedback"
_SENTENCES = frozenset({"notes", "title", "labels"})
#: What files of another form end in.
_UNREADABLE = (
    *(ResultsError, SamplesFileError, DocumentsError, OSError, ValueError, TypeError),
    *(AttributeError, LookupError, ArithmeticError, RecursionError),
)
#: So many differences are named.
_LISTED = 20
#: Draws of a bootstrap that are made again; a comparison makes some thousands.
MOST_RESAMPLES = 100_000


def check_statistics(folder: Path, notes: list[str]) -> Iterator[Mismatch]:
    """What differs between statistics and tables as recorded in a comparison's folder, and as they come out now.

    Raises:
        BundleError: the results cannot be read, or ask for more than a comparison does.
    """
    from lmms_eval_ja.compare.results import load_results
    from lmms_eval_ja.compare.statistics import compare

    recorded = _recorded(folder)
    try:
        results = load_results(folder, mix_fingerprints=_mixes(recorded), models=_models(recorded))
        options = {name: recorded[name] for name in ("confidence", "resamples", "seed") if name in recorded}
        if options.get("resamples", 0) > MOST_RESAMPLES:
            raise ValueError(f"{options['resamples']} resamples; a comparison has up to {MOST_RESAMPLES:,}")
        compared = compare(results, **options)
        found = json.loads(compared.as_json())
        differing = [one for one in _differences(recorded, found, "") if one[0].split(".")[0] not in _SENTENCES]
        yield from check_leaderboards(folder, compared, recorded)
    except _UNREADABLE as error:
        said = str(error).replace(str(folder), "")
        raise BundleError(f"{COMPARED}: the statistics cannot be made again: {said}") from error
    for where, before, now in differing[:_LISTED]:
        yield Mismatch(COMPARED, where, before, now)
    if len(differing) > _LISTED:
        notes.append(f"{COMPARED}: {len(differing) - _LISTED} more values differ")
    if (folder / ANSWERS).is_file():
        yield from _table(folder / ANSWERS, results)


def _recorded(folder: Path) -> dict[str, Any]:
    try:
        recorded = json.loads((folder / COMPARED).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{COMPARED} is no JSON: {error}") from None
    if not isinstance(recorded, dict):
        raise BundleError(f"{COMPARED}: expected an object")
    return recorded


def _mixes(recorded: dict[str, Any]) -> bool:
    """Whether scores of different fingerprints stand side by side, which is marked then."""
    return "mixed" in ((recorded.get("marks") or {}).get("kind") or ())


def _models(recorded: dict[str, Any]) -> list[str] | None:
    """The models that were compared; runs of others may lie beside theirs."""
    models = recorded.get("models")
    return [str(model) for model in models] if isinstance(models, list) else None


def _differences(recorded: Any, found: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(recorded, dict) and isinstance(found, dict):
        for name in {**recorded, **found}:
            yield from _differences(recorded.get(name), found.get(name), f"{where}.{name}" if where else name)
    elif isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        for number, (before, now) in enumerate(zip(recorded, found, strict=True)):
            yield from _differences(before, now, f"{where}[{number}]")
    elif not equal(recorded, found):
        yield where, recorded, found


def _table(path: Path, results: Results) -> Iterator[Mismatch]:
    """The first cell of each column that differs."""
    import pyarrow as pa
    from pyarrow import parquet

    if (rows := rows_of(path)) != results.answers.num_rows:
        yield Mismatch(ANSWERS, "rows", rows, results.answers.num_rows)
        return
    try:
        recorded = parquet.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BundleError(f"{ANSWERS} cannot be read: {error}") from None
    for name in dict.fromkeys([*recorded.column_names, *results.answers.column_names]):
        if name.endswith(_FEEDBACK):
            continue
        if name not in recorded.column_names or name not in results.answers.column_names:
            there = name in recorded.column_names
            yield Mismatch(ANSWERS, f"column {name}", "there" if there else "missing", "missing" if there else "there")
            continue
        pairs = zip(recorded[name].to_pylist(), results.answers[name].to_pylist(), strict=True)
        if wrong := next(((n, a, b) for n, (a, b) in enumerate(pairs) if not equal(a, b)), None):
            yield Mismatch(ANSWERS, f"row {wrong[0]}, column {name}", wrong[1], wrong[2])
