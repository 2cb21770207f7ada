"""What functions and classes need, down to single top-level definitions: the transitive closure of a few roots.

    closure = definitions(["lmms_eval_ja.metrics.parse_choice"])
    closure.definitions   # those of ours, each after what it needs when it is loaded
    closure.imports       # those of others
    closure.files         # data files that are read by `importlib.resources`
    closure.name_of("lmms_eval_ja.metrics.parse_choice")  # its name in the written module
    module_text(closure, header="…")  # in writing.py

It is read off the source; only for the keys of a dict the module that holds it is imported. Names are followed through
re-exports, also lazy ones that stand under TYPE_CHECKING, and through imports inside functions.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lmms_eval_ja.exporting.carried import Carried, Edit, Target, key_of
from lmms_eval_ja.exporting.members import member_span, unused_members
from lmms_eval_ja.exporting.modules import PACKAGE, Definition, ExportError, Import, Module, module_named, pruned
from lmms_eval_ja.exporting.naming import names_for
from lmms_eval_ja.exporting.ordering import in_loading_order
from lmms_eval_ja.exporting.scopes import Use, uses

_PATH = Import("pathlib", "Path")
_MODULE_NAMES = {"__file__", "__name__", "__doc__", "__package__", "__all__"}


@dataclass(frozen=True)
class Closure:
    """Definitions in an order in which they can be loaded, and what they need besides."""

    carried: tuple[Carried, ...]
    imports: tuple[Import, ...]
    files: Mapping[str, Path]
    names: Mapping[tuple[str, str | None], str] = field(repr=False)
    instead: Mapping[str, str] = field(repr=False)
    only: Mapping[str, Sequence[str]] = field(repr=False)

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Those of this package."""
        return tuple(each.definition for each in self.carried)

    def name_of(self, dotted: str) -> str:
        """The name that a root has in the written module.

        Raises:
            ExportError: it is not part of the closure.
        """
        target = _Resolver(self.instead).target(dotted)
        if (key := key_of(target, dotted.rsplit(".", 1)[-1])) not in self.names:
            raise ExportError(f"{dotted} is not part of what is exported")
        return self.names[key]


def definitions(
    roots: Sequence[str],
    *,
    instead: Mapping[str, str] | None = None,
    unwrap: Sequence[str] = (),
    only: Mapping[str, Sequence[str]] | None = None,
    whole_classes: bool = True,
) -> Closure:
    """The closure of some functions, classes or constants.

    Args:
        roots: their dotted names, such as `lmms_eval_ja.metrics.parse_choice`.
        instead: definitions by dotted name (of the module that holds them) that are replaced by others, such as what
            reads our settings by what reads upstream's.
        unwrap: functions whose calls are replaced by their first argument.
        only: for dict constants, the keys of the entries that are carried.
        whole_classes: else classes leave their `unused_members` behind, and what only these need.

    Raises:
        ExportError: a name cannot be found, or is used in a way that cannot be written into one module.
    """
    resolver = _Resolver(instead or {})
    asked = [_root(resolver, root) for root in roots]
    gone: set[ast.stmt] = set()
    while True:
        found = _Collector(resolver, frozenset(unwrap), only or {}, gone)
        for root in asked:
            found.collect(root)
        more = set() if whole_classes else unused_members(found.carried, asked) - gone
        if not more:
            break
        gone |= more
    carried = tuple(in_loading_order(found.carried))
    imports = found.imports()
    names = names_for(asked, carried, imports, found.aliases)
    return Closure(carried, imports, found.files, names, instead or {}, only or {})


def _root(resolver: _Resolver, dotted: str) -> Definition:
    target = resolver.target(dotted)
    if not isinstance(target, Definition):
        raise ExportError(f"{dotted} is no definition of {PACKAGE}")
    return target


class _Resolver:
    """From names in modules to definitions of ours and imports of others."""

    def __init__(self, instead: Mapping[str, str]) -> None:
        self.instead = instead

    def target(self, dotted: str) -> Target | Module:
        """What a dotted name of this package stands for."""
        module, _, name = dotted.rpartition(".")
        if (holder := module_named(module)) is None:
            raise ExportError(f"there is no module {module!r}, which should hold {name!r}")
        found = self.named(holder, name)
        if found is None:
            raise ExportError(f"module {module} has no {name!r}")
        return found

    def named(self, module: Module, name: str) -> Target | Module | None:
        """What a name of a module stands for, or None."""
        if (other := self.instead.get(f"{module.name}.{name}")) is not None:
            return self.target(other)
        if name in module.definitions:
            return module.definitions[name]
        if (stated := module.imports.get(name)) is not None:
            return self.imported(stated)
        return module_named(f"{module.name}.{name}") if module.path.name == "__init__.py" else None

    def imported(self, stated: Import) -> Target | Module:
        """What an import brings."""
        if stated.module.split(".")[0] != PACKAGE:
            return stated
        if stated.name is None:
            raise ExportError(f"import {stated.module}: import names from it instead")
        return self.target(f"{stated.module}.{stated.name}")


class _Collector:
    def __init__(
        self,
        resolver: _Resolver,
        unwrap: frozenset[str],
        only: Mapping[str, Sequence[str]],
        gone: Collection[ast.stmt],
    ) -> None:
        self.resolver = resolver
        self.carried: dict[Definition, Carried] = {}
        self.files: dict[str, Path] = {}
        self.aliases: dict[tuple[str, str | None], list[str]] = {}
        self._unwrap, self._only, self._gone = unwrap, only, gone
        self._imports: dict[tuple[str, str | None], bool] = {}

    def imports(self) -> tuple[Import, ...]:
        """Imports of others; for type checkers only where no use needs more."""
        return tuple(Import(module, name, only) for (module, name), only in sorted(self._imports.items(), key=str))

    def collect(self, root: Definition) -> None:
        """Carry a definition and, in turn, all that it needs."""
        waiting = [root]
        while waiting:
            definition = waiting.pop()
            if definition in self.carried:
                continue
            self.carried[definition] = carried = self._carry(definition)
            for target, _, _ in carried.needs:
                if isinstance(target, Definition):
                    waiting.append(target)
                else:
                    key = (target.module, target.name)
                    self._imports[key] = self._imports.get(key, True) and target.typing_only

    def _carry(self, definition: Definition) -> Carried:
        module, edits = definition.module, []
        needs: list[tuple[Target, frozenset[str], bool]] = []
        for statement in definition.statements:
            special, handled = self._special(module, statement, definition)
            edits += special
            needs += [(edit.target, frozenset(), False) for edit in special if edit.target is not None]
            parents = {child: node for node in ast.walk(statement) for child in ast.iter_child_nodes(node)}
            for use in uses(statement, PACKAGE):
                if use.node in handled or any(s.start <= module.span(use.node).start < s.end for s in special):
                    continue
                edit = self._edit(definition, use, parents.get(use.node))
                if edit is None:
                    continue
                assert edit.target is not None  # noqa: S101 (what `_edit` gives has one)
                edits.append(edit)
                needs.append((edit.target, use.bound, use.now))
        return Carried(definition, edits, needs)

    def _edit(self, definition: Definition, use: Use, parent: ast.AST | None) -> Edit | None:
        """The use of a module's name as an edit, or None where it needs none."""
        module = definition.module
        target = self._used(definition, use)
        if target is None or (use.maybe and not isinstance(target, Definition)):
            return None
        span, last = module.span(use.node), use.name
        if isinstance(target, Module):
            if not isinstance(parent, ast.Attribute):
                raise ExportError(f"{definition.dotted}: the module {target.name} is used as a value")
            span, last = module.span(parent), parent.attr
            target = self.resolver.target(f"{target.name}.{parent.attr}")
        called = self.aliases.setdefault(key_of(target, last), [])
        called += [last] if last not in called else []
        assert not isinstance(target, Module)  # noqa: S101 (`key_of` raises for one)
        if isinstance(use.node, ast.Constant):  # without its quotes
            return Edit(span.start + 1, span.end - 1, target)
        if isinstance(use.node, ast.Global):
            if len(use.node.names) > 1:
                raise ExportError(f"{definition.dotted}: declare {use.name!r} global in a statement of its own")
            return Edit(span.end - len(use.name), span.end, target)
        return Edit(span.start, span.end, target)

    def _used(self, definition: Definition, use: Use) -> Target | Module | None:
        """What a use stands for; None for what Python brings."""
        module = definition.module
        if isinstance(use.node, ast.Name) and isinstance(use.node.ctx, ast.Store) and use.name in definition.names:
            return definition
        if use.imported is not None:
            return self.resolver.target(".".join(use.imported))
        if (target := self.resolver.named(module, use.name)) is not None:
            return target
        if use.maybe or hasattr(builtins, use.name) or use.name in _MODULE_NAMES:
            return None
        raise ExportError(f"{definition.dotted}: {use.name!r} is not defined in {module.name}")

    def _special(self, module: Module, statement: ast.stmt, definition: Definition) -> tuple[list[Edit], set[ast.AST]]:
        """Edits of parts that are no plain uses: left members, local imports, data files, unwrapped calls, entries."""
        gone = [member for member in getattr(statement, "body", []) if member in self._gone]
        edits = [Edit(span.start, span.end) for span in (member_span(module, member) for member in gone)]
        handled: set[ast.AST] = {node for member in gone for node in ast.walk(member)}
        for node in ast.walk(statement):
            if node in handled:
                continue
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
                edits.append(_without(module, node, statement))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called = self.resolver.named(module, node.func.id)
                if called == Import("importlib.resources", "files"):
                    edits.append(self._file(module, node, statement))
                elif isinstance(called, Definition) and called.dotted in self._unwrap:
                    whole, kept = module.span(node), module.span(node.args[0])
                    edits += [Edit(whole.start, kept.start), Edit(kept.end, whole.end)]
                    handled.add(node.func)
        if (keys := self._only.get(definition.dotted)) is not None:
            edits += [Edit(s.start, s.end) for s in pruned(definition, keys, constants_of(definition))]
        return edits, handled

    def _file(self, module: Module, call: ast.Call, statement: ast.stmt) -> Edit:
        """`files("lmms_eval_ja.x") / "name.txt"`: the file lies beside the written module."""
        where = call.args[0]
        behind = [n for n in ast.walk(statement) if isinstance(n, ast.BinOp) and n.left is call]
        names = [n.right for n in behind]
        if not (isinstance(where, ast.Constant) and names and isinstance(names[0], ast.Constant)):
            raise ExportError(f'{module.name}: line {call.lineno}: write files("package") / "name", both as texts')
        package_name, name = str(where.value), str(names[0].value)
        package = module_named(package_name)
        if package is None or not (path := package.path.parent / name).is_file():
            raise ExportError(f"{module.name}: line {call.lineno}: there is no file {name} in {package_name}")
        self.files[name] = path
        span = module.span(call)
        return Edit(span.start, span.end, _PATH, after="(__file__).parent")


def constants_of(definition: Definition) -> Mapping[str, object]:
    """The real value of a dict constant, for the keys that its entries have."""
    from importlib import import_module

    value: Mapping[str, object] = getattr(import_module(definition.module.name), definition.names[0])
    return value


def _without(module: Module, node: ast.ImportFrom, statement: ast.stmt) -> Edit:
    """An import inside a function, gone with its line and the empty line behind it."""
    span = module.span(node)
    start = module.source.rfind(b"\n", 0, span.start) + 1
    end = module.source.find(b"\n", span.end) + 1 or len(module.source)
    blocks = (getattr(parent, "body", None) for parent in ast.walk(statement))
    if any(isinstance(block, list) and block == [node] for block in blocks):
        return Edit(span.start, span.end, before="pass")
    if module.source[end : end + 1] == b"\n":
        end += 1
    return Edit(start, end)
