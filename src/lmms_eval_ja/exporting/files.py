"""Files of an export in a checkout of lmms-eval: written, or compared with what is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from lmms_eval_ja.exporting.models import REGISTRY
from lmms_eval_ja.exporting.modules import ExportError

_TASKS = PurePosixPath("lmms_eval/tasks")


def checked_checkout(path: Path) -> Path:
    """A folder, if it is a checkout of lmms-eval.

    Raises:
        ExportError: it is not.
    """
    if not (path / "lmms_eval" / "tasks" / "__init__.py").is_file():
        raise ExportError(f"{path} is no checkout of lmms-eval: lmms_eval/tasks/__init__.py is not there")
    return path


def written(files: Mapping[str, bytes], checkout: Path, *, overwrite: bool = False) -> list[str]:
    """Write files into a checkout; the paths of those that were not there, or were others.

    Args:
        files: contents by path, of whole tasks and models.
        checkout: where they go.
        overwrite: replace files that are there with another content, and leave other YAML files of a task's folder be.

    Raises:
        ExportError: without `overwrite` there are such files; nothing is written then.
    """
    changed = differing(files, checkout)
    if not overwrite:
        _refuse_others([name for name in changed if name != REGISTRY and (checkout / name).exists()], "differ")
        _refuse_others([name for name in left_over(files, checkout) if name.endswith(".yaml")], "are no part of it")
    for name in changed:
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
    return changed


def differing(files: Mapping[str, bytes], checkout: Path) -> list[str]:
    """The paths of files that are not in a checkout as they should be."""
    return [name for name, content in files.items() if not _is(checkout / name, content)]


def left_over(files: Mapping[str, bytes], checkout: Path) -> list[str]:
    """The paths of files that are in the folders of exported tasks and are not exported, compiled code aside."""
    folders = {PurePosixPath(name).parent for name in files if _TASKS in PurePosixPath(name).parents}
    found = {path for folder in folders for path in (checkout / folder).rglob("*") if path.is_file()}
    names = [path.relative_to(checkout).as_posix() for path in found if path.parent.name != "__pycache__"]
    return sorted(name for name in names if name not in files)


def _refuse_others(names: list[str], why: str) -> None:
    if names:
        raise ExportError(
            f"nothing is written: files that are there {why}: {', '.join(names)}; move them away, or pass --overwrite"
        )


def _is(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content
