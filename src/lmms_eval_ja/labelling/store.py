"""The file of labels: derived from a journal beside it, and always whole."""

from __future__ import annotations

import csv
import io
import logging
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from filelock import FileLock, Timeout

from lmms_eval_ja.labelling.items import OF_TWO, Item, LabelError, Scale, Target
from lmms_eval_ja.labelling.journal import Journal, sync_folder

_log = logging.getLogger(__name__)
_SCORED = ("model", "task", "doc_id", "score", "rater", "category", "image", "comment", "seconds", "at", "flag")
_OF_TWO = ("task", "doc_id", "first", "second", "preferred", "left", *_SCORED[4:])
#: Columns of the file by target; those of `answers` are what `judge-eval` and `correct` read.
COLUMNS: Mapping[Target, tuple[str, ...]] = {
    "answers": _SCORED,
    "references": (*_SCORED, "cultural_error"),
    "pairs": _OF_TWO,
    "feedback": ("model", *_OF_TWO),
}
#: In the column `preferred`.
TIE = "tie"


@dataclass(frozen=True)
class Entry:
    """What a rater says of an item.

    Attributes:
        value: the score; of two texts the name of the better one, or "tie"; None if there is no rating.
        left: of two texts, whose stood left.
        comment: free text.
        flag: that something is wrong with the item.
        cultural_error: that the answer gets Japan wrong.
        seconds: from showing it to rating it.
        at: when, in UTC, ISO 8601.
    """

    value: int | str | None = None
    left: str = ""
    comment: str = ""
    flag: bool = False
    cultural_error: bool = False
    seconds: float = 0.0
    at: str = ""

    @property
    def has_content(self) -> bool:
        """Whether it is worth a row; an item that was passed over is not."""
        return self.value is not None or bool(self.comment) or self.flag or self.cultural_error


class LabelStore:
    """The labels of all raters, in memory and on disk. Safe to use from several threads; of one process at a time."""

    def __init__(self, path: Path, target: Target, scales: Mapping[str, Scale]) -> None:
        """Open a file of labels, or begin one, until `close`.

        Raises:
            LabelError: another process has it, it is of another kind, or was not written by this.
            OSError: it cannot be written.
        """
        self.path, self.target = path, target
        self._entries: dict[str, dict[Item, Entry]] = defaultdict(dict)
        self._done: dict[str, list[tuple[Item, Entry | None]]] = defaultdict(list)
        self._thread = RLock()
        self._is_behind = False
        path.parent.mkdir(parents=True, exist_ok=True)
        journal = path.with_name(f"{path.name}.journal")
        self._lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise LabelError(
                f"{path} is being written by another `lmms-eval-ja label`: let all raters use that one's address, or "
                "name another file with --output"
            ) from None
        header = {"target": target, "scales": {task: list(scale) for task, scale in scales.items()}}
        self._journal = Journal(journal, header)
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise

    def _open(self) -> None:
        if self.path.exists() and not self._journal.path.exists():
            raise LabelError(f"{self.path} was not written by this command: name another file with --output")
        for number, line in enumerate(self._journal.read(), start=2):
            try:
                self._replay(line)
            except (KeyError, IndexError, TypeError):
                raise LabelError(
                    f"{self._journal.path}, line {number}: no rating of this command: take an earlier copy of it"
                ) from None
        self._write()

    def close(self) -> None:
        """Write the file if it is behind the journal, and let it go.

        Raises:
            OSError: it cannot be written; the ratings are in the journal, and it is written when that is opened again.
        """
        try:
            if self._is_behind:
                self._write()
        finally:
            self._lock.release()

    @property
    def raters(self) -> list[str]:
        """Everybody who rated something."""
        with self._thread:
            return sorted(name for name, own in self._entries.items() if own)

    def entry(self, rater: str, item: Item) -> Entry | None:
        """What a rater said of an item last."""
        with self._thread:
            return self._entries[rater].get(item)

    def entries(self, rater: str) -> dict[Item, Entry]:
        """All that a rater said."""
        with self._thread:
            return dict(self._entries[rater])

    def put(self, rater: str, item: Item, entry: Entry) -> None:
        """Keep what a rater says of an item, in place of what they said before.

        Raises:
            OSError: the journal does not take it; then it is not kept.
        """
        line = {"rater": rater, "item": _stated(item), "entry": asdict(entry)}
        with self._thread:
            self._journal.append(line)
            self._replay(line)
            self._derive()

    def undo(self, rater: str) -> Item | None:
        """Take back the last that a rater said; gives the item, None if there is nothing to take back."""
        with self._thread:
            if not self._done[rater]:
                return None
            item = self._done[rater][-1][0]
            line = {"rater": rater, "undo": True}
            self._journal.append(line)
            self._replay(line)
            self._derive()
            return item

    def _replay(self, line: Mapping[str, Any]) -> None:
        rater = line["rater"]
        if line.get("undo"):
            item, before = self._done[rater].pop()
            if before is None:
                del self._entries[rater][item]
            else:
                self._entries[rater][item] = before
            return
        item = _item(line["item"])
        self._done[rater].append((item, self._entries[rater].get(item)))
        self._entries[rater][item] = Entry(**line["entry"])

    def _derive(self) -> None:
        """Write the file; where that fails, later: what the journal has is kept, and is not to be said twice."""
        try:
            self._write()
        except OSError as error:
            self._is_behind = True
            _log.warning("%s is behind: %s; the ratings are kept in %s", self.path, error, self._journal.path)

    def _write(self) -> None:
        """The whole file anew, which takes the place of the former when it is complete."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS[self.target], extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows())
        partial = self.path.with_name(f".{self.path.name}.partial")
        with partial.open("wb") as file:
            file.write(text.getvalue().encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)
        sync_folder(self.path.parent)
        self._is_behind = False

    def _rows(self) -> Iterator[dict[str, Any]]:
        for rater, own in sorted(self._entries.items()):
            for item, entry in own.items():
                if entry.has_content:
                    yield self._row(rater, item, entry)

    def _row(self, rater: str, item: Item, entry: Entry) -> dict[str, Any]:
        value = "" if entry.value is None else entry.value
        if self.target in OF_TWO:
            first, second = item.names
            whose = {"model": item.of, "first": first, "second": second, "preferred": value, "left": entry.left}
        else:
            whose = {"model": item.names[0], "score": value}
        marks = {"flag": int(entry.flag), "cultural_error": int(entry.cultural_error)}
        return (
            whose
            | marks
            | {
                "task": item.task,
                "doc_id": item.doc_id,
                "rater": rater,
                "category": item.category,
                "image": item.image,
                "comment": entry.comment,
                "seconds": f"{entry.seconds:.1f}",
                "at": entry.at,
            }
        )


def _stated(item: Item) -> dict[str, Any]:
    names = ("task", "doc_id", "of", "category", "image")
    return {name: getattr(item, name) for name in names} | {"names": list(item.names)}


def _item(stated: Mapping[str, Any]) -> Item:
    rest = {name: stated[name] for name in ("of", "category", "image")}
    return Item(stated["task"], stated["doc_id"], tuple(stated["names"]), (), **rest)
