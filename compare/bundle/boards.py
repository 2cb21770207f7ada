"""The leaderboards of a bundle, written again from statistics that were made again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.bundle.mismatch import Mismatch, equal
from lmms_eval_ja.compare.compared import Compared
from lmms_eval_ja.compare.leaderboard import csv_text, latex, markdown

_CSV = "leaderboard.csv"
LEADERBOARDS = ("leaderboard.md", _CSV, "leaderboard.tex")


def check_leaderboards(folder: Path, compared: Compared, recorded: Mapping[str, Any]) -> Iterator[Mismatch]:
    """The first line of each leaderboard in a folder that does not come out as it is there.

    Args:
        folder: of the comparison.
        compared: the statistics as they come out now.
        recorded: comparison.json, of which title, labels and notes are taken: they are no numbers.

    Raises:
        OSError, TypeError, ValueError: a file or a field that has another form.
    """
    own = replace(
        compared,
        title=str(recorded.get("title") or ""),
        labels={str(model): str(label) for model, label in dict(recorded.get("labels") or {}).items()},
        notes=[str(note) for note in recorded.get("notes") or ()],
    )
    texts = (markdown(own), csv_text(own), latex(own))
    for name, text in zip(LEADERBOARDS, texts, strict=True):
        if (path := folder / name).is_file():
            written = path.read_text(encoding="utf-8")
            before, now = (_fields(part) if name == _CSV else part.splitlines() for part in (written, text))
            yield from _first_difference(name, before, now)


def _fields(text: str) -> list[list[Any]]:
    return [[_number(field) for field in row] for row in csv.reader(io.StringIO(text))]


def _number(field: str) -> Any:
    try:
        return float(field)
    except ValueError:
        return field


def _first_difference(name: str, before: Sequence[Any], now: Sequence[Any]) -> Iterator[Mismatch]:
    for number in range(max(len(before), len(now))):
        one, other = (rows[number] if number < len(rows) else None for rows in (before, now))
        if not _same(one, other):
            yield Mismatch(name, f"line {number + 1}", one, other)
            return


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)
