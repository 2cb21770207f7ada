"""Files of an export in a checkout of lmms-eval: written, or compared with what is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lmms_eval_ja.exporting.modules import ExportError


def checked_checkout(path: Path) -> Path:
    """A folder, if it is a checkout of lmms-eval.

    Raises:
        ExportError: it is not.
    """
    if not (path / "lmms_eval" / "tasks" / "__init__.py").is_file():
        raise ExportError(f"{path} is no checkout of lmms-eval: lmms_eval/tasks/__init__.py is not there")
    return path


def written(files: Mapping[str, bytes], checkout: Path) -> list[str]:
    """Write files into a checkout; the paths of those that were not there, or were others."""
    changed = differing(files, checkout)
    for name in changed:
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
    return changed


def differing(files: Mapping[str, bytes], checkout: Path) -> list[str]:
    """The paths of files that are not in a checkout as they should be."""
    return [name for name, content in files.items() if not _is(checkout / name, content)]


def _is(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content
