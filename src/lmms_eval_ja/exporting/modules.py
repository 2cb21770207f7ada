"""Modules of this package as their source has them: top-level definitions, imports and comments, nothing executed."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lmms_eval_ja.exporting.scopes import bound_by

PACKAGE = "lmms_eval_ja"
#: Comments that speak to our own tools.
_FOR_TOOLS = re.compile(r"#\s*(?:noqa|type:\s*ignore|mypy:|fmt:|pragma:|ruff:)")


class ExportError(Exception):
    """Code that cannot be carried away; the message names the module and what stands in the way."""


@dataclass(frozen=True)
class Span:
    """A part of a source, in bytes."""

    start: int
    end: int


@dataclass(frozen=True)
class Import:
    """What a name of a module is imported from: a name of a module, or (name None) the module itself."""

    module: str
    name: str | None
    typing_only: bool = False


@dataclass(frozen=True, eq=False)
class Definition:
    """Top-level statements that make one or several names of a module, with the comments above them.

    `statements` has first the one that binds, then those that only add to what is bound, such as `f.label = …`.
    """

    module: Module = field(repr=False)
    names: tuple[str, ...]
    statements: tuple[ast.stmt, ...] = field(repr=False)

    @property
    def dotted(self) -> str:
        """Module and first name."""
        return f"{self.module.name}.{self.names[0]}"


class Module:
    """A parsed module."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.source = path.read_bytes()
        self.tree = ast.parse(self.source)
        self._lines = [0]
        for line in self.source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self.imports: dict[str, Import] = {}
        self.definitions: dict[str, Definition] = {}
        self.order: list[Definition] = []
        self._read(self.tree.body)

    @property
    def leaf(self) -> str:
        """The last part of its name, of a package's front that of the package."""
        return self.name.rsplit(".", 1)[-1].strip("_")

    def span(self, node: ast.AST) -> Span:
        """Where a node stands; of a function or class with its decorators."""
        first = min([node, *getattr(node, "decorator_list", [])], key=lambda n: n.lineno)
        shift = 1 if first is not node else 0  # the @ before a decorator
        start = self._lines[first.lineno - 1] + first.col_offset - shift
        return Span(start, self._lines[node.end_lineno - 1] + node.end_col_offset)  # type: ignore[attr-defined]

    def with_comments(self, statement: ast.stmt) -> Span:
        """A top-level statement with the comment lines right above it and the comment behind it."""
        span = self.span(statement)
        line = self.source.count(b"\n", 0, span.start)
        while line > 0 and self.source[self._lines[line - 1] :].startswith(b"#"):
            line -= 1
        end = self.source.find(b"\n", span.end)
        return Span(self._lines[line], len(self.source) if end < 0 else end)

    def comments_for_tools(self, span: Span) -> Iterator[Span]:
        """The comments in a span that speak to our own tools, with the blanks before them."""
        for found in self._tool_comments:
            if span.start <= found.start and found.end <= span.end:
                yield found

    @property
    def _tool_comments(self) -> Sequence[Span]:
        return _tool_comments(self)

    def offset(self, line: int, column: int) -> int:
        """The byte offset of a place that counts lines from 1 and columns in characters."""
        start = self._lines[line - 1]
        text = self.source[start : self._lines[line]].decode()
        return start + len(text[:column].encode())

    def _read(self, body: Sequence[ast.stmt], *, typing_only: bool = False) -> None:
        for statement in body:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                self._read_import(statement, typing_only=typing_only)
            elif isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
                self._read(statement.body, typing_only=True)
            elif names := tuple(dict.fromkeys(bound_by(statement))):
                definition = Definition(self, names, (statement,))
                self.order.append(definition)
                self.definitions |= dict.fromkeys(names, definition)
            elif (owner := _owner(statement)) in self.definitions:
                before = self.definitions[owner]
                after = Definition(self, before.names, (*before.statements, statement))
                self.order[self.order.index(before)] = after
                self.definitions |= dict.fromkeys(before.names, after)

    def _read_import(self, statement: ast.Import | ast.ImportFrom, *, typing_only: bool) -> None:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                name = alias.asname or alias.name.split(".")[0]
                if name in self.imports:
                    raise ExportError(f"{self.name}: line {statement.lineno} imports {name} a second time")
                self.imports[name] = Import(alias.name, None, typing_only)
            return
        if statement.level:
            raise ExportError(f"{self.name}: line {statement.lineno} is a relative import; name the module in full")
        if statement.module == "__future__":
            return
        for alias in statement.names:
            self.imports[alias.asname or alias.name] = Import(str(statement.module), alias.name, typing_only)


@cache
def _tool_comments(module: Module) -> tuple[Span, ...]:
    found = []
    for token in tokenize.generate_tokens(io.StringIO(module.source.decode()).readline):
        if token.type == tokenize.COMMENT and _FOR_TOOLS.match(token.string):
            start, end = module.offset(*token.start), module.offset(*token.end)
            while module.source[start - 1 : start] in {b" ", b"\t"}:
                start -= 1
            found.append(Span(start, end))
    return tuple(found)


def _owner(statement: ast.stmt) -> str:
    """The name that a statement without names of its own adds to: of `f.label = …`, or `TABLE.update(…)`."""
    node: ast.AST = statement
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Assign):
            node = node.targets[0]
        elif isinstance(node, (ast.Expr, ast.Attribute, ast.Subscript)):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            node = node.target
        else:
            return ""
    return node.id


@cache
def module_named(name: str) -> Module | None:
    """The module of a dotted name of this package, or None where there is none."""
    path = _path_of(name)
    return None if path is None else Module(name, path)


def _path_of(name: str) -> Path | None:
    package, *parts = name.split(".")
    spec = find_spec(".".join([package, *parts[:1]]))
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin)
    for part in parts[1:]:
        if path.name != "__init__.py":
            return None
        beside = path.parent / part
        path = beside / "__init__.py" if beside.is_dir() else beside.with_suffix(".py")
    return path if path.is_file() else None


def pruned(definition: Definition, keys: Sequence[str], constants: Mapping[str, object]) -> list[Span]:
    """The entries of a dict constant that are not wanted, each with its comma and the comments above it."""
    value = getattr(definition.statements[0], "value", None)
    if not isinstance(value, ast.Dict):
        raise ExportError(f"{definition.dotted} is no dict in braces, so its entries cannot be chosen")
    module, spans = definition.module, []
    start = module.span(value).start + 1
    for key, stands_for, entry in zip(constants, value.keys, value.values, strict=True):
        if stands_for is None:
            raise ExportError(f"{definition.dotted} holds another dict, so its entries cannot be chosen")
        end = module.source.find(b",", module.span(entry).end) + 1
        end = end or module.span(value).end - 1
        if key not in keys:
            spans.append(Span(start, end))
        start = end
    return spans
