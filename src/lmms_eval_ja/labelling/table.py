"""Labels as a table: the rows of the file that others read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from lmms_eval_ja.labelling.items import OF_TWO, Item, Target
from lmms_eval_ja.labelling.labels import Labels, Said

_ALL = ("rater", "category", "image", "comment", "seconds", "at", "flag")
_SCORED = ("model", "task", "doc_id", "score", "scale", *_ALL)
_OF_TWO = ("task", "doc_id", "first", "second", "preferred", "left", *_ALL)
#: Columns of the file by target; those of `answers` are what `judge-eval` and `correct` read.
COLUMNS: Mapping[Target, tuple[str, ...]] = {
    "answers": _SCORED,
    "references": (*_SCORED, "cultural_error"),
    "pairs": _OF_TWO,
    "feedback": ("model", *_OF_TWO),
}
Row = tuple[str, ...]


def content_of(labels: Labels, target: Target) -> bytes:
    """The file: a row for each rater and item, raters in order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS[target])
    for rater in labels.raters:
        writer.writerows(_row(target, rater, said) for said in labels.of(rater) if said.entry.has_content)
    return text.getvalue().encode("utf-8")


def is_derived(content: bytes, lines: Iterable[Mapping[str, Any]], target: Target) -> bool:
    """Whether a file has the rows that some lines of a journal give, or gave at any time before the last of them.

    A file may be behind its journal; it is then no file that somebody edited. The order of rows does not matter.
    """
    try:
        first, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
    except (ValueError, csv.Error):
        return False
    if tuple(first) != COLUMNS[target]:
        return False
    differing = {tuple(row) for row in rows}
    if len(differing) < len(rows):
        return False
    labels, given = Labels(), dict[Item, set[Row]]()
    for line in lines:
        if not differing:
            break
        item = labels.replay(line)
        before = given.get(item, set())
        given[item] = {_row(target, rater, said) for rater, said in labels.of_item(item) if said.entry.has_content}
        differing ^= before ^ given[item]
    return not differing


def _row(target: Target, rater: str, said: Said) -> Row:
    item, entry = said.item, said.entry
    is_rated = entry.value is not None
    value = str(entry.value) if is_rated else ""
    whose: dict[str, str]
    if target in OF_TWO:
        first, second = item.names
        whose = {"model": item.of, "first": first, "second": second, "preferred": value, "left": entry.left}
    else:
        whose = {"model": item.names[0], "score": value, "scale": said.scale if is_rated else ""}
    cells = whose | {
        "task": item.task,
        "doc_id": str(item.doc_id),
        "rater": rater,
        "category": item.category,
        "image": item.image,
        "comment": entry.comment,
        "seconds": f"{entry.seconds:.1f}" if is_rated else "",
        "at": entry.at,
        "flag": str(int(entry.flag)),
        "cultural_error": str(int(entry.cultural_error)),
    }
    return tuple(cells[column] for column in COLUMNS[target])
