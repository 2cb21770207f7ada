"""The file of labels: derived from a journal beside it, and always whole."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Mapping
from itertools import count
from pathlib import Path
from threading import RLock
from typing import Any

from filelock import FileLock, Timeout

from lmms_eval_ja.labelling.items import OF_TWO, Item, LabelError, Scale, Target
from lmms_eval_ja.labelling.journal import Journal, sync_folder
from lmms_eval_ja.labelling.labels import (
    TIE,
    Entry,
    Labels,
    line_of_change,
    line_of_entry,
    line_of_undo,
    named,
)
from lmms_eval_ja.labelling.table import content_of, is_derived

__all__ = ["TIE", "Entry", "LabelStore"]
_log = logging.getLogger(__name__)


class LabelStore:
    """The labels of all raters, in memory and on disk. Safe to use from several threads; of one process at a time."""

    def __init__(
        self,
        path: Path,
        target: Target,
        scales: Mapping[str, Scale],
        items: Collection[Item] = (),
        *,
        read_only: bool = False,
    ) -> None:
        """Open a file of labels, or begin one, until `close`.

        Args:
            path: the file.
            target: what kind of rating is in it.
            scales: by task, of the ratings to come.
            items: what is rated now: a label of one whose texts are others by now does not count.
            read_only: take what the journal has, and write nothing, also while another process writes.

        Raises:
            LabelError: another process has it, it is of another kind or on another scale, or was not written by this.
            OSError: it cannot be written.
        """
        self.path, self.target = path, target
        self._scales = scales
        self._labels = Labels()
        self._thread = RLock()
        self._is_behind = False
        self._written: bytes | None = None
        self._journal = Journal(path.with_name(f"{path.name}.journal"), {"target": target})
        self._lock = None if read_only else _locked(path)
        try:
            self._open(items)
        except BaseException:
            self._let_go()
            raise

    def _open(self, items: Collection[Item]) -> None:
        if self.path.exists() and not self._journal.path.exists():
            raise LabelError(f"{self.path} was not written by this command: name another file with --output")
        lines = []
        for number, line in enumerate(self._journal.read(), start=2):
            try:
                self._labels.replay(line)
            except (KeyError, TypeError, ValueError):
                raise LabelError(
                    f"{self._journal.path}, line {number}: no rating of this command: take an earlier copy of it"
                ) from None
            lines.append(line)
        if self._lock is not None:
            self._check_scales()
            self._journal.begin()
            on_disk = self._on_disk()
            self._written = on_disk if on_disk is not None and is_derived(on_disk, lines, self.target) else None
        for item in self._labels.changed(items):
            self._keep(line_of_change(item))
        if outdated := self._labels.outdated(items):
            _log.warning(
                "%s: labels of texts that have changed since: %d; they do not count, and their items are open again",
                self.path,
                outdated,
            )
        if self._lock is not None:
            self._write()

    def _check_scales(self) -> None:
        for task, scale in self._scales.items():
            if others := sorted(self._labels.scales(task) - {named(scale)}):
                raise LabelError(
                    f"{self.path}: {task} was rated on {others[0]}, and would now be on {named(scale)}: state --scale "
                    f"{others[0]}, or name another file with --output"
                )

    def close(self) -> None:
        """Write the file if it is behind the journal, and let it go.

        Raises:
            OSError: it cannot be written; the ratings are in the journal, and it is written when that is opened again.
        """
        try:
            if self._is_behind:
                self._write()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.release()

    @property
    def raters(self) -> list[str]:
        """Everybody who rated something."""
        with self._thread:
            return self._labels.raters

    def entry(self, rater: str, item: Item) -> Entry | None:
        """What a rater said of an item last; None also where its texts were others then."""
        with self._thread:
            return self._labels.entry(rater, item)

    def entries(self, rater: str) -> dict[Item, Entry]:
        """All that a rater said."""
        with self._thread:
            return {said.item: said.entry for said in self._labels.of(rater)}

    def put(self, rater: str, item: Item, entry: Entry) -> None:
        """Keep what a rater says of an item, in place of what they said before.

        Raises:
            OSError: the journal does not take it; then it is not kept.
        """
        self.change(rater, item, lambda _: entry)

    def change(self, rater: str, item: Item, make: Callable[[Entry | None], Entry]) -> Entry:
        """Keep what is made of what a rater said of an item before, unless that is what it was; gives what is kept.

        Nobody else says anything in between.

        Raises:
            OSError: the journal does not take it; then it is not kept.
        """
        scale = "" if self.target in OF_TWO else named(self._scales.get(item.task))
        with self._thread:
            before = self._labels.entry(rater, item)
            entry = make(before)
            if entry is not before:
                self._keep(line_of_entry(rater, item, scale, entry))
                self._derive()
            return entry

    def undo(self, rater: str, within: Collection[Item]) -> Item | None:
        """Take back the last that a rater said of some items; gives the item, None if there is nothing to take back."""
        with self._thread:
            item = self._labels.last(rater, within)
            if item is not None:
                self._keep(line_of_undo(rater, item))
                self._derive()
            return item

    def _keep(self, line: Mapping[str, Any]) -> None:
        if self._lock is not None:
            self._journal.append(line)
        self._labels.replay(line)

    def _derive(self) -> None:
        """Write the file; where that fails, later: what the journal has is kept, and is not to be said twice."""
        try:
            self._write()
        except OSError as error:
            self._is_behind = True
            _log.warning("%s is behind: %s; the ratings are kept in %s", self.path, error, self._journal.path)

    def _write(self) -> None:
        """The whole file anew, which takes the place of the former when it is complete."""
        content = content_of(self._labels, self.target)
        partial = self.path.with_name(f".{self.path.name}.partial")
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if self._on_disk() not in {None, self._written}:
            self._put_aside()
        partial.replace(self.path)
        self._written = content
        sync_folder(self.path.parent)
        self._is_behind = False

    def _put_aside(self) -> None:
        """Somebody edited the file: it is kept under another name."""
        names = (f"{self.path.name}.edited{number or ''}" for number in count())
        aside = next(path for name in names if not (path := self.path.with_name(name)).exists())
        self.path.rename(aside)
        _log.warning(
            "%s is not what %s gives, so somebody edited it: it is kept as %s, and the ratings of the journal are "
            "written anew",
            self.path,
            self._journal.path.name,
            aside.name,
        )

    def _on_disk(self) -> bytes | None:
        return self.path.read_bytes() if self.path.exists() else None


def _locked(path: Path) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise LabelError(
            f"{path} is being written by another `lmms-eval-ja label`: let all raters use that one's address, or "
            "name another file with --output"
        ) from None
    return lock
