"""Files that are whole or as they were, whatever ends the writing of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a place beside `path` to write to; what is written there takes its name when the block ends.

    Where the block raises, nothing is left of it. Several processes may write the same file: the last one's stays.

    Raises:
        OSError: the file cannot be given its name.
    """
    partial = path.with_name(f".{path.name[:40]}.{uuid4().hex[:8]}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
