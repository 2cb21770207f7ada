"""Files of scores, by people or by a judge: CSV with a header or JSONL, a score a row.

| column | what |
|---|---|
| score | a number; empty (JSONL: null) where there is none |
| model, task | of the answer |
| doc_id, question_id | of the document: one of the two is needed |
| key | instead of these: the key of a reply in the verdict store, as `lmms-eval-ja verdicts export` writes it |
| rater | optional: who gave the score; several may score one answer |
| category, image | optional: of the document |
| scale | optional: on which the score was given, such as 1-5; one for each task |

Other columns are left alone. A row's number counts the lines of the file, so that the header of a CSV is row 1.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

#: With fewer nothing can be said of a judge.
FEWEST = 3
IDS = ("doc_id", "question_id")
#: Ends of a scale, both included.
Scale = tuple[float, float]
#: Characters of a wrong value that a message shows.
_SHOWN = 40
_NO_SCALE = "expected two numbers, the lower first, such as 1-5 or 1-10"


class TrustedError(Exception):
    """A file of scores that cannot be used; the message names file and row, and what to do."""


@dataclass(frozen=True)
class Item:
    """An answer: of a model to a document of a task. `key` stands for all of them where the file names replies."""

    model: str = ""
    task: str = ""
    doc_id: str = ""
    question_id: str = ""
    key: str = ""

    def __str__(self) -> str:
        if self.key:
            return f"key {self.key[:16]}"
        document = f"doc_id {self.doc_id}" if self.doc_id else f"question_id {self.question_id}"
        return f"{document} of {self.task} by {self.model}"


@dataclass(frozen=True)
class Row:
    """A row as it stands in the file; a score of None is missing."""

    number: int
    item: Item
    score: float | None
    rater: str
    category: str
    image: str
    scale: Scale | None


@dataclass(frozen=True)
class Scored:
    """An answer with the scores that it got, by rater.

    `row` is the first that names it, `rows` has the row of each rater's score; `scale` if the file says.
    """

    item: Item
    row: int
    by_rater: Mapping[str, float]
    category: str
    image: str
    scale: Scale | None = None
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def score(self) -> float | None:
        """The mean over the raters who scored it; None if nobody did."""
        return fmean(self.by_rater.values()) if self.by_rater else None


def read_scores(path: Path) -> list[Scored]:
    """The answers of a file in the order of their first rows, with their scores.

    Raises:
        TrustedError: the file cannot be read, a column is missing, a value is no score, a row stands twice, a task
            has two scales.
    """
    found: dict[Item, list[Row]] = {}
    scales: dict[str, tuple[Scale, int]] = {}
    for row in _rows(path):
        if row.scale is not None:
            first, number = scales.setdefault(row.item.task, (row.scale, row.number))
            if row.scale != first:
                what = f" of {row.item.task}" if row.item.task else ""
                raise TrustedError(
                    f"{path}, row {row.number}: the scale{what} is {_named(row.scale)} here and {_named(first)} in row "
                    f"{number}: keep the scores of one of the two"
                )
        own = found.setdefault(row.item, [])
        if twice := next((one for one in own if one.rater == row.rater), None):
            by = f" by {row.rater}" if row.rater else ""
            raise TrustedError(
                f"{path}, row {row.number}: {row.item} is scored{by} in row {twice.number} already: leave one of the "
                "two out, or name different raters"
            )
        own.append(row)
    return [_scored(item, rows) for item, rows in found.items()]


def check_scale(path: Path, scored: Sequence[Scored], scale: Scale) -> None:
    """Refuse scores off the scale, and those of which the file states another scale.

    Raises:
        TrustedError: names the first.
    """
    low, high = scale
    for one in scored:
        if one.scale is not None and one.scale != scale:
            raise TrustedError(
                f"{path}, row {one.row}: {one.item} was scored {_named(one.scale)} (column scale), and {_named(scale)} "
                "is expected; `lmms-eval-ja label` without --scale asks on the judge's"
            )
        for rater, score in one.by_rater.items():
            if not low <= score <= high:
                by = f" by {rater}" if rater else ""
                row = one.rows.get(rater, one.row)
                raise TrustedError(
                    f"{path}, row {row}: {score:g} for {one.item}{by} is off the scale of {low:g} to {high:g}: "
                    "correct it, or say on which scale it was given (column scale, or --scale of judge-eval)"
                )


def check_enough(path: Path, scored: Sequence[Scored]) -> None:
    """Refuse a file with fewer than 3 scored answers.

    Raises:
        TrustedError: says how many there are.
    """
    if (n := sum(one.score is not None for one in scored)) < FEWEST:
        raise TrustedError(f"{path}: {n} answers have a score; at least {FEWEST} are needed")


def read_scale(text: str) -> Scale:
    """A scale as it is given on the command line, such as 1-10 or 0-1.

    Raises:
        TrustedError: it is no scale.
    """
    if (scale := _scale(text)) is None:
        raise TrustedError(f"--scale {text}: {_NO_SCALE}")
    return scale


def _scale(text: str) -> Scale | None:
    low, _, high = text.partition("-")
    try:
        scale = float(low), float(high)
    except ValueError:
        return None
    return scale if scale[0] < scale[1] < math.inf else None


def _named(scale: Scale) -> str:
    return f"{scale[0]:g} to {scale[1]:g}"


def rater_alpha(scored: Sequence[Scored]) -> float | None:
    """Krippendorff's alpha (interval) between the raters; None for one rater, or where it is not defined."""
    from lmms_eval_ja.metrics import krippendorff_alpha

    names = raters(scored)
    if len(names) < 2:  # noqa: PLR2004  agreement is between two
        return None
    alpha = krippendorff_alpha([[one.by_rater.get(name, math.nan) for one in scored] for name in names])
    return None if math.isnan(alpha) else alpha


def raters(scored: Sequence[Scored]) -> list[str]:
    """The names of the raters who gave a score, sorted."""
    return sorted({name for one in scored for name in one.by_rater})


def _scored(item: Item, rows: Sequence[Row]) -> Scored:
    by_rater = {row.rater: row.score for row in rows if row.score is not None}
    numbers = {row.rater: row.number for row in rows}
    category = next((row.category for row in rows if row.category), "")
    image = next((row.image for row in rows if row.image), "")
    scale = next((row.scale for row in rows if row.scale is not None), None)
    return Scored(item, rows[0].number, by_rater, category, image, scale, numbers)


def _rows(path: Path) -> Iterator[Row]:
    try:
        raw = list(_csv(path) if path.suffix.lower() == ".csv" else _jsonl(path))
    except UnicodeDecodeError as error:
        raise TrustedError(f"{path} cannot be read: {error}: save it as UTF-8") from None
    except (OSError, csv.Error) as error:
        raise TrustedError(f"{path} cannot be read: {error}") from None
    if not raw:
        raise TrustedError(f"{path} has no rows; expected a CSV file with a header, or JSONL")
    for number, row in raw:
        yield _row(path, number, row)


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            if None in row:
                raise TrustedError(f"{path}, row {reader.line_num}: more fields than the header has columns")
            if None in row.values():
                raise TrustedError(f"{path}, row {reader.line_num}: fewer fields than the header has columns")
            yield reader.line_num, {name.strip(): value for name, value in row.items() if name}


def _jsonl(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise TrustedError(f"{path}, row {number}: no JSON ({error}); a file that is no CSV is JSONL") from None
        if not isinstance(row, Mapping):
            raise TrustedError(f"{path}, row {number}: expected an object with columns, found {type(row).__name__}")
        yield number, row


def _row(path: Path, number: int, row: Mapping[str, Any]) -> Row:
    has_key = _text(row, "key") != ""
    needed = ("score",) if has_key else ("model", "task", "score")
    if missing := [name for name in needed if name not in row]:
        if "preferred" in row:
            raise TrustedError(
                f"{path} holds preferences, no scores: `lmms-eval-ja label` with --pairwise or --target feedback, and "
                "--summary, counts them"
            )
        found = ", ".join(map(str, row)) or "none"
        raise TrustedError(f"{path}, row {number}: no column {missing[0]!r}; found {found}")
    item = Item(key=_text(row, "key")) if has_key else _item(path, number, row)
    score = _score(path, number, row["score"])
    rater, category, image, scale = (_text(row, name) for name in ("rater", "category", "image", "scale"))
    if scale and _scale(scale) is None:
        raise TrustedError(
            f"{path}, row {number}: the scale {scale!r} is none: {_NO_SCALE}; a spreadsheet may have made a date of it"
        )
    return Row(number, item, score, rater, category, image, _scale(scale))


def _item(path: Path, number: int, row: Mapping[str, Any]) -> Item:
    item = Item(*(_text(row, name) for name in ("model", "task", *IDS)))
    for name in ("model", "task"):
        if not getattr(item, name):
            raise TrustedError(f"{path}, row {number}: {name} is empty")
    if not (item.doc_id or item.question_id):
        raise TrustedError(f"{path}, row {number}: neither doc_id nor question_id says which document it is")
    return item


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()


def _score(path: Path, number: int, value: object) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    is_odd = isinstance(value, bool) or (isinstance(value, str) and "_" in value)  # Python reads 1_0 as 10
    try:
        score = math.nan if is_odd else float(value)  # type: ignore[arg-type]  # refused below
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if not math.isfinite(score):
        raise TrustedError(
            f"{path}, row {number}: the score {_short(value)} is no number; leave it empty if there is none"
        )
    return score


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
