"""Every rating in the order in which it was given: a line each, on the disk before the rater sees the next item."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lmms_eval_ja.labelling.items import LabelError

VERSION = 1


class Journal:
    """A file of JSON lines: first what it is of, then what happened. Only one process writes it (`LabelStore`)."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self._header = {"version": VERSION} | dict(header)

    def read(self) -> Iterator[dict[str, Any]]:
        """What happened so far. A last line that was broken off is cut away: its rating was never acknowledged.

        Raises:
            LabelError: another kind of labels is in it, or a line is broken.
        """
        raw = self.path.read_bytes() if self.path.is_file() else b""
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw):
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        if not whole:
            self.append(self._header)
            return
        for number, line in enumerate(whole.decode("utf-8").split("\n")[:-1], start=1):
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise LabelError(f"{self.path}, line {number}: no JSON ({error}): take an earlier copy of it") from None
            if number == 1:
                self._check(entry)
            else:
                yield entry

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write a line, and wait until the disk has it.

        Raises:
            OSError: the disk does not take it; then nothing of it stays in the file.
        """
        rest = memoryview(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        is_new = not self.path.exists()
        # Without a buffer: what one holds when a write fails would still be written when the file is closed.
        with self.path.open("ab", buffering=0) as file:
            end = file.tell()
            try:
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise
        if is_new:
            sync_folder(self.path.parent)

    def _check(self, found: Mapping[str, Any]) -> None:
        for name, wanted in self._header.items():
            own = found.get(name) if isinstance(found, Mapping) else None
            if name == "scales" and isinstance(own, Mapping):
                wanted = {task: wanted[task] for task in wanted if task in own}  # noqa: PLW2901 (of tasks in both)
                own = {task: own[task] for task in wanted}
            if own != wanted:
                raise LabelError(
                    f"{self.path} holds labels of another kind ({name} {own}, here {wanted}): name another file with "
                    "--output"
                )


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows of a new name in a folder."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
