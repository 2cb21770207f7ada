"""A closure as the text of one module, in the form that lmms-eval's pre-commit wants."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec

from lmms_eval_ja.exporting.carried import Carried, Edit, Target
from lmms_eval_ja.exporting.closure import Closure
from lmms_eval_ja.exporting.modules import PACKAGE, Definition, ExportError, Import, Span

#: Of lmms-eval's .pre-commit-config.yaml: black --line-length=240, isort --profile black.
FORMATTERS = {"black": "25.1.0", "isort": "6.0.1"}
_LINE_LENGTH = 240
_OUR_NAME = re.compile(rf"\b{PACKAGE}(?:\.\w+)*\.(\w+)")


def module_text(
    closure: Closure,
    header: str,
    *,
    texts: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> str:
    """One module with all of a closure, as lmms-eval's black and isort want it.

    It has to be imported by its dotted name: a YAML's `!function utils.x` runs a file outside of `sys.modules`, where
    dataclasses with the annotations of this module cannot be made.

    Args:
        closure: what it holds.
        header: its docstring, without quotes.
        texts: pieces of text that are replaced, such as the name of our package in a message.
        extra: modules that lmms-eval does not install, by their distribution: without them the module cannot be
            imported, and says how to install them.

    Raises:
        ExportError: as `unformatted` and `formatted`.
    """
    return formatted(unformatted(closure, header, texts=texts, extra=extra))


def unformatted(
    closure: Closure,
    header: str,
    *,
    texts: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> str:
    """One module with all of a closure, each definition as it is written here; arguments as of `module_text`.

    Raises:
        ExportError: our package is still named, or a text to be replaced is not there.
    """
    body = _body(closure)
    for old, new in (texts or {}).items():
        if old not in body:
            raise ExportError(f"{old!r} is not in what is exported, so it cannot be replaced")
        body = body.replace(old, new)
    text = f'"""{header}"""\n\nfrom __future__ import annotations\n\n{_imports(closure, extra or {})}\n\n{body}\n'
    text = _OUR_NAME.sub(r"\1", text)
    if (found := re.search(r".*lmms[-_]eval[-_]ja.*", text, re.IGNORECASE)) is not None:
        raise ExportError(f"this package is still named: {found[0].strip()}")
    return text


def formatted(text: str) -> str:
    """A module as lmms-eval's black and isort want it.

    Raises:
        ExportError: one of them is missing or of another version, or the text is no Python.
    """
    for name, wanted in FORMATTERS.items():
        found = version(name) if find_spec(name) else "none"
        if found != wanted:
            raise ExportError(
                f"lmms-eval's pre-commit has {name} {wanted}, here is {found}: pip install {name}=={wanted}"
            )
    import black
    import isort

    settings = isort.Config(profile="black", known_first_party=frozenset({"lmms_eval"}))
    return black.format_str(isort.code(text, config=settings), mode=black.Mode(line_length=_LINE_LENGTH))


def _body(closure: Closure) -> str:
    """All definitions; constants that stand together stay together, and black puts the rest apart."""
    text, before = "", None
    for carried in closure.carried:
        close = before is not None and _is_next(before.definition, carried.definition)
        text += ("" if before is None else "\n" if close else "\n\n") + _written(carried, closure)
        before = carried
    return text


def _is_next(first: Definition, second: Definition) -> bool:
    """Whether a definition stands on the line right below another."""
    module = first.module
    if module is not second.module:
        return False
    gap = module.source[
        module.with_comments(first.statements[-1]).end : module.with_comments(second.statements[0]).start
    ]
    return gap == b"\n"


def _imports(closure: Closure, extra: Mapping[str, str]) -> str:
    """All imports, those for type checkers under TYPE_CHECKING; isort puts them in order."""
    plain = [each for each in closure.imports if each.module.split(".")[0] not in extra]
    lines = [_import(each, closure) for each in plain if not each.typing_only]
    if typing := [_import(each, closure) for each in plain if each.typing_only]:
        lines += ["from typing import TYPE_CHECKING", "", "if TYPE_CHECKING:", *(f"    {line}" for line in typing)]
    if guarded := [f"    {_import(each, closure)}" for each in closure.imports if each not in plain]:
        packages = " ".join(extra.values())
        message = f'raise ImportError(f"{{error.name}} is not installed: pip install {packages}") from error'
        lines += ["", "try:", *guarded, "except ImportError as error:", f"    {message}"]
    return "\n".join(lines)


def _import(stated: Import, closure: Closure) -> str:
    called = closure.names[stated.module, stated.name]
    if stated.name is None:
        return f"import {stated.module}" + ("" if called == stated.module.split(".")[0] else f" as {called}")
    return f"from {stated.module} import {stated.name}" + ("" if called == stated.name else f" as {called}")


def _written(carried: Carried, closure: Closure) -> str:
    """The source of a definition, its names those of the written module."""
    definition = carried.definition
    module = definition.module
    pieces = []
    for number, statement in enumerate(definition.statements):
        span = module.with_comments(statement)
        edits = [e for e in carried.edits if span.start <= e.start and e.end <= span.end]
        edits += [Edit(s.start, s.end) for s in module.comments_for_tools(span)]
        if number == 0:
            edits += _renamed(definition, closure)
        pieces.append(_edited(module.source, span, edits, closure))
    return "\n".join(pieces)


def _renamed(definition: Definition, closure: Closure) -> list[Edit]:
    """The edit that renames a function or class where it is defined; other names are uses already."""
    statement = definition.statements[0]
    if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return []
    if closure.names[definition.module.name, statement.name] == statement.name:
        return []
    word = {ast.FunctionDef: "def", ast.AsyncFunctionDef: "async def", ast.ClassDef: "class"}[type(statement)]
    name = statement.name.encode()
    line = definition.module.span(ast.Pass(**_place(statement))).start
    start = definition.module.source.index(name, line + len(word))
    return [Edit(start, start + len(name), definition)]


def _place(statement: ast.stmt) -> dict[str, int]:
    """Where a statement begins, without its decorators."""
    line, column = statement.lineno, statement.col_offset
    return {"lineno": line, "col_offset": column, "end_lineno": line, "end_col_offset": column}


def _edited(source: bytes, span: Span, edits: Sequence[Edit], closure: Closure) -> str:
    text, at = b"", span.start
    for edit in sorted(set(edits), key=lambda e: (e.start, e.end)):
        if edit.start < at:  # inside of a part that is gone
            continue
        written = source[edit.start : edit.end].decode()
        name = "" if edit.target is None else _called(edit.target, written, closure)
        text += source[at : edit.start] + f"{edit.before}{name}{edit.after}".encode()
        at = edit.end
    return (text + source[at : span.end]).decode()


def _called(target: Target, written: str, closure: Closure) -> str:
    """The name of a target; of several names of one definition, the one that was written."""
    if isinstance(target, Import):
        return closure.names[target.module, target.name]
    last = written.rsplit(".", 1)[-1]
    if len(target.names) > 1 and last not in target.names:
        raise ExportError(f"{last} stands for one of {target.names}; import it by its own name")
    return closure.names[target.module.name, last if last in target.names else target.names[0]]
