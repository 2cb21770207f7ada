"""What lasts as long as a `with` block: settings in the environment, a folder to which nothing was written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from lmms_eval_ja.compare.finished import SamplesError


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder that was not there; removed again if nothing came to be written.

    Raises:
        SamplesError: it is there, or cannot be made.
    """
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        raise SamplesError(f"{path} is already there, and nothing is overwritten: state another --output") from None
    except OSError as error:
        raise SamplesError(f"{path} cannot be made: {error}; state another --output") from None
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            path.rmdir()


@contextlib.contextmanager
def environment(values: Mapping[str, object]) -> Iterator[None]:
    """For a while, settings by their environment variables, which is where the engine finds them."""
    before = dict(os.environ)
    os.environ.update({f"LMMS_EVAL_JA_{name}": str(value) for name, value in values.items() if value is not None})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
