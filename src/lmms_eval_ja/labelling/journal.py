"""Every rating in the order in which it was given: a line each, on the disk before the rater sees the next item."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lmms_eval_ja.labelling.items import LabelError

#: Of the lines; 2 says of what texts and on what scale a rating is.
VERSION = 2


class Journal:
    """A file of JSON lines: first what it is of, then what happened. Only one process writes it (`LabelStore`)."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self._header = {"version": VERSION} | dict(header)

    def begin(self) -> None:
        """Make the file ready for `append`: with a first line, and without a last one that was broken off.

        What was broken off was never acknowledged.
        """
        raw = self.path.read_bytes() if self.path.is_file() else b""
        whole = raw.rfind(b"\n") + 1
        if whole < len(raw):
            os.truncate(self.path, whole)
        if not whole:
            self.append(self._header)

    def read(self) -> Iterator[dict[str, Any]]:
        """What happened so far; nothing is written, and a last line that is not whole is passed over.

        Raises:
            LabelError: another kind of labels is in it, or a line is broken.
        """
        raw = self.path.read_bytes() if self.path.is_file() else b""
        whole = raw[: raw.rfind(b"\n") + 1]
        for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
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

    def _check(self, found: Any) -> None:
        own = found if isinstance(found, dict) else {}
        for name, wanted in self._header.items():
            if own.get(name) == wanted:
                continue
            what = f"labels of another kind ({name} {own.get(name)}, here {wanted})"
            if name == "version" and own.get(name) is not None:
                what = f"labels by another version of this command (lines of version {own[name]}, here {wanted})"
            raise LabelError(f"{self.path} holds {what}: name another file with --output")


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows of a new name in a folder."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
