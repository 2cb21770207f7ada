"""Files that a command writes where the user says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lmms_eval_ja.clients.whole_file import whole_file


class OutputError(OSError):
    """A file that is not to be written; the message names it, and what to do."""


def write_output(file: Path, text: str, inputs: Sequence[Path]) -> None:
    """Write a file that is whole or as it was. What is no file, such as /dev/stdout, is written to as it is.

    Args:
        file: where to.
        text: all of it.
        inputs: what the command read.

    Raises:
        OutputError: the file is one of the inputs.
        OSError: it cannot be written.
    """
    if file.exists():
        if any(one.exists() and file.samefile(one) for one in inputs):
            raise OutputError(f"{file} is read by this command, and would be lost: name another file to write to")
        if not file.is_file():
            file.write_text(text, encoding="utf-8")
            return
    with whole_file(file.resolve()) as partial:
        partial.write_text(text, encoding="utf-8")
