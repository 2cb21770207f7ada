"""The ready files of `--reproduce`: a `comparison.yaml` each, without an output folder."""

from __future__ import annotations

import difflib
from pathlib import Path

_FOLDER = Path(__file__).parent


class ReproduceError(Exception):
    """No ready comparison of this name; the message lists those that there are."""


def names() -> list[str]:
    """What can be reproduced."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def ready_file(name: str) -> Path:
    """The comparison file of a name.

    Raises:
        ReproduceError: there is none.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ReproduceError(f"nothing to reproduce is named {name!r}; expected one of {', '.join(names())}{hint}")
    return _FOLDER / f"{name}.yaml"
