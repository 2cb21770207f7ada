"""A task's YAML as a text: read without lmms-eval, and without running any of its functions."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lmms_eval_ja.jp_tasks import FOLDER


class TaskFileError(Exception):
    """A task that is not there or cannot be read; the message says what to do."""


class Function(str):
    """What stands behind `!function`."""

    __slots__ = ()


@dataclass(frozen=True)
class TaskFile:
    """A task's YAML, with what it includes put in."""

    path: Path
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The task's name; "" where it has none."""
        name = self.config.get("task")
        return name if isinstance(name, str) else ""

    @property
    def is_ours(self) -> bool:
        """Whether it is a task of this package."""
        return self.path.is_relative_to(FOLDER.resolve())

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its `metadata`; empty where that is no mapping."""
        found = self.config.get("metadata")
        return found if isinstance(found, dict) else {}

    @property
    def protocols(self) -> list[str]:
        """What `metadata` says that answers are scored by."""
        return [part.strip() for part in str(self.metadata.get("protocol") or "").split(",") if part.strip()]


class _Loader(yaml.SafeLoader):
    """Reads `!function a.b` as `Function("a.b")`."""


def _function(loader: yaml.SafeLoader, node: yaml.Node) -> Function:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "expected a name behind !function", node.start_mark)
    return Function(loader.construct_scalar(node))


_Loader.add_constructor("!function", _function)


def find_tasks(wanted: str) -> list[TaskFile]:
    """The tasks of a folder, or the one task of this name: a folder here that is called so, else one of this package.

    Raises:
        TaskFileError: there is none, or a YAML cannot be read.
    """
    place = Path(wanted).expanduser()
    if place.is_file():
        return [read_task(place)]
    if place.is_dir():
        found = [read_task(path) for path in sorted(place.glob("*.yaml"))]
        if tasks := [task for task in found if not isinstance(task.config.get("task"), list)]:
            return tasks
        raise TaskFileError(f"{place} holds no YAML of a task: write {place.name}.yaml, or see lmms-eval-ja new-task")
    ours = [read_task(path) for path in sorted(FOLDER.rglob("*.yaml"))] if "/" not in wanted else []
    if named := [task for task in ours if task.name == wanted]:
        return named
    raise TaskFileError(
        f"no folder {wanted} here, and no task of this package is called so: name the folder that new-task "
        "made, or see lmms-eval-ja tasks"
    )


def read_task(path: Path) -> TaskFile:
    """Read a YAML and what it includes.

    Raises:
        TaskFileError: it is no YAML or no mapping, or what it includes is not there; names file and line.
    """
    return TaskFile(path.resolve(), _read(path.resolve()))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or error
        raise TaskFileError(f"{where}: no YAML: {problem}. Look at indents, colons and quotation marks there") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TaskFileError(f"{path} cannot be read: {error}; write it in UTF-8") from None
    if not isinstance(content, dict):
        raise TaskFileError(f"{path}: expected keys with values, such as task: my_bench_ja")
    names = content.pop("include", None) or []
    included: dict[str, Any] = {}
    for name in reversed([names] if isinstance(names, str) else names):
        place = path.parent / name
        if not place.is_file():
            raise TaskFileError(
                f"{path}: include: {name}: there is no such file; a path is relative to the YAML's folder"
            )
        included |= _read(place)
    return included | content


def function_problem(function: str, task: TaskFile) -> str | None:
    """What is wrong with a `!function` as lmms-eval will look for it, and what to do; or None."""
    module, _, name = function.rpartition(".")
    if not module:
        return "has no module: write the file's name before it, such as task.process_docs"
    beside = task.path.parent / f"{module}.py"
    if beside.is_file() and task.is_ours:
        whole = f"lmms_eval_ja.jp_tasks.{task.path.parent.name}.{function}"
        return f"is run anew for each reference to it: write the dotted name {whole}"
    source = beside if beside.is_file() else source_of(module)
    if source is None:
        return f"names no module {module}: expected {beside.name} beside the YAML, or a package that is installed"
    try:
        known = _top_names(source)
    except SyntaxError as error:
        return f"cannot be imported: {source.name}, line {error.lineno}: {error.msg}; correct the line"
    return None if name in known else f"is not in {source.name}: define {name} there, or correct the name"


def source_of(module: str) -> Path | None:
    """The file of a module, which is not imported; None where there is none."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def _top_names(path: Path) -> set[str]:
    """Names that a file defines or imports at its top level."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
    return names
