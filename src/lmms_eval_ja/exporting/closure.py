"""What functions and classes need, down to single top-level definitions: the transitive closure of a few roots.

    closure = definitions(["lmms_eval_ja.metrics.parse_choice"])
    closure.definitions   # those of ours, each after what it needs when it is loaded
    closure.imports       # those of others
    closure.files         # data files that are read by `importlib.resources`
    closure.name_of("lmms_eval_ja.metrics.parse_choice")  # its name in the written module
    module_text(closure, header="…")  # in writing.py

It is read off the source; nothing is imported. Names are followed through re-exports, also lazy ones that stand under
TYPE_CHECKING, and through imports inside functions.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lmms_eval_ja.exporting.modules import PACKAGE, Definition, ExportError, Import, Module, module_named
from lmms_eval_ja.exporting.scopes import Use, uses

Target = Definition | Import
_PATH = Import("pathlib", "Path")
_MODULE_NAMES = {"__file__", "__name__", "__doc__", "__package__", "__all__"}


@dataclass(frozen=True)
class Edit:
    """A part of a definition's source that is replaced: by a target's name between two texts.

    `attribute` is set where the part is the name of a function-local import, which may be shadowed otherwise.
    """

    start: int
    end: int
    target: Target | None = None
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Carried:
    """A definition as it is carried away."""

    definition: Definition
    edits: Sequence[Edit] = field(repr=False)
    #: What it uses, with the names that are bound around the use, and whether it must be there when it is loaded.
    needs: Sequence[tuple[Target, frozenset[str], bool]] = field(repr=False)


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
        if (key := _key(target, dotted.rsplit(".", 1)[-1])) not in self.names:
            raise ExportError(f"{dotted} is not part of what is exported")
        return self.names[key]


def definitions(
    roots: Sequence[str],
    *,
    instead: Mapping[str, str] | None = None,
    unwrap: Sequence[str] = (),
    only: Mapping[str, Sequence[str]] | None = None,
) -> Closure:
    """The closure of some functions, classes or constants.

    Args:
        roots: their dotted names, such as `lmms_eval_ja.metrics.parse_choice`.
        instead: definitions by dotted name (of the module that holds them) that are replaced by others, such as what
            reads our settings by what reads upstream's.
        unwrap: functions whose calls are replaced by their first argument.
        only: for dict constants, the keys of the entries that are carried.

    Raises:
        ExportError: a name cannot be found, or is used in a way that cannot be written into one module.
    """
    found = _Collector(instead or {}, frozenset(unwrap), only or {})
    for root in roots:
        target = found.resolver.target(root)
        if not isinstance(target, Definition):
            raise ExportError(f"{root} is no definition of {PACKAGE}")
        found.collect(target)
    carried = tuple(_ordered(found.carried))
    imports = found.imports()
    names = _names([found.resolver.target(root) for root in roots], carried, imports, found.aliases)
    return Closure(carried, imports, found.files, names, instead or {}, only or {})


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
    def __init__(self, instead: Mapping[str, str], unwrap: frozenset[str], only: Mapping[str, Sequence[str]]) -> None:
        self.resolver = _Resolver(instead)
        self.carried: dict[Definition, Carried] = {}
        self.files: dict[str, Path] = {}
        self.aliases: dict[tuple[str, str | None], list[str]] = {}
        self._unwrap, self._only = unwrap, only
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
        if isinstance(use.node, ast.Name) and not isinstance(use.node.ctx, ast.Load) and use.name in definition.names:
            target: Target | Module | None = definition
        elif use.imported is not None:
            target = self.resolver.target(".".join(use.imported))
        else:
            target = self.resolver.named(module, use.name)
        if target is None:
            if use.maybe or hasattr(builtins, use.name) or use.name in _MODULE_NAMES:
                return None
            raise ExportError(f"{definition.dotted}: {use.name!r} is not defined in {module.name}")
        if use.maybe and not isinstance(target, Definition):
            return None
        span, last = module.span(use.node), use.name
        if isinstance(target, Module):
            if not isinstance(parent, ast.Attribute):
                raise ExportError(f"{definition.dotted}: the module {target.name} is used as a value")
            span, last = module.span(parent), parent.attr
            target = self.resolver.target(f"{target.name}.{parent.attr}")
            if isinstance(target, Module):
                raise ExportError(f"{definition.dotted}: {target.name} is named through its package")
        if isinstance(target, Definition) or target.name is not None:
            self._also_called(target, last)
        else:
            self._also_called(target, use.name)
        if isinstance(use.node, ast.Constant):
            return Edit(span.start + 1, span.end - 1, target)
        if isinstance(use.node, ast.Global):
            return Edit(span.end - len(use.name), span.end, target)
        return Edit(span.start, span.end, target)

    def _also_called(self, target: Target, name: str) -> None:
        called = self.aliases.setdefault(_key(target, name), [])
        if name not in called:
            called.append(name)

    def _special(self, module: Module, statement: ast.stmt, definition: Definition) -> tuple[list[Edit], set[ast.AST]]:
        """Edits of parts that are no plain uses: local imports, data files, unwrapped calls, chosen entries."""
        edits: list[Edit] = []
        handled: set[ast.AST] = set()
        for node in ast.walk(statement):
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
            from lmms_eval_ja.exporting.modules import pruned

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


def _key(target: Target | Module, name: str) -> tuple[str, str | None]:
    """What a target's name is kept under; a definition of several names has several."""
    if isinstance(target, Definition):
        return target.module.name, name if name in target.names else target.names[0]
    if isinstance(target, Import):
        return target.module, target.name
    raise ExportError(f"{target.name} is a module")


def _ordered(carried: Mapping[Definition, Carried]) -> Iterator[Carried]:
    """In the order of their modules and lines, but each after what it needs when it is loaded."""
    done: set[Definition] = set()

    def visit(definition: Definition, *, called: bool) -> Iterator[Carried]:
        """A definition after its needs; with all that its functions need, when they are called while loading."""
        if definition in done:
            if called:
                yield from inside(definition, set())
            return
        done.add(definition)
        for target, _, now in carried[definition].needs:
            if now and isinstance(target, Definition):
                yield from visit(target, called=not isinstance(definition.statements[0], ast.FunctionDef))
        yield carried[definition]
        if called:
            yield from inside(definition, set())

    def inside(definition: Definition, seen: set[Definition]) -> Iterator[Carried]:
        if definition in seen:
            return
        seen.add(definition)
        for target, _, _ in carried[definition].needs:
            if isinstance(target, Definition):
                yield from visit(target, called=False)
                yield from inside(target, seen)

    for definition in _in_natural_order(carried):
        yield from visit(definition, called=False)


def _in_natural_order(carried: Mapping[Definition, Carried]) -> list[Definition]:
    """Modules after those that they use, each one's definitions as they stand in it."""
    uses_of: dict[str, set[str]] = {}
    for each in carried.values():
        own = uses_of.setdefault(each.definition.module.name, set())
        own |= {t.module.name for t, _, _ in each.needs if isinstance(t, Definition)}
    order: list[str] = []

    def place(name: str, path: tuple[str, ...]) -> None:
        if name in order or name in path:
            return
        for other in sorted(uses_of[name]):
            place(other, (*path, name))
        order.append(name)

    for name in sorted(uses_of):
        place(name, ())
    return sorted(carried, key=lambda d: (order.index(d.module.name), d.module.span(d.statements[0]).start))


def _names(
    roots: Sequence[Target | Module],
    carried: Sequence[Carried],
    imports: Sequence[Import],
    aliases: Mapping[tuple[str, str | None], Sequence[str]],
) -> dict[tuple[str, str | None], str]:
    """A name for everything, its own where that is free and nowhere shadowed; roots choose first, then imports."""
    shadows: dict[tuple[str, str | None], set[str]] = {}
    for each in carried:
        for target, bound, _ in each.needs:
            keys = [_key(target, n) for n in target.names] if isinstance(target, Definition) else [_key(target, "")]
            for key in keys:
                shadows.setdefault(key, set()).update(bound)
    own = [d for d in roots if isinstance(d, Definition)]
    rest = [each.definition for each in carried if each.definition not in own]
    names: dict[tuple[str, str | None], str] = {}
    taken: set[str] = set()

    def choose(key: tuple[str, str | None], candidates: Sequence[str]) -> None:
        free = [n for n in candidates if n not in taken and n not in shadows.get(key, ())]
        if not free:
            raise ExportError(f"no name is free for {'.'.join(filter(None, key))}: tried {', '.join(candidates)}")
        names[key] = free[0]
        taken.add(free[0])

    for definition in own:
        for name in definition.names:
            choose(_key(definition, name), _candidates(definition, name, ()))
    for stated in imports:
        key = (stated.module, stated.name)
        last = stated.name or stated.module
        choose(key, [*aliases.get(key, ()), last, f"{stated.module.split('.')[-1]}_{last}"])
    for definition in rest:
        for name in definition.names:
            key = _key(definition, name)
            choose(key, _candidates(definition, name, aliases.get(key, ())))
    return names


def _candidates(definition: Definition, name: str, aliases: Sequence[str]) -> list[str]:
    """Its own name, those that it is imported by, and its own with the module's."""
    private = "_" if name.startswith("_") else ""
    bare, leaf = name.strip("_"), definition.module.leaf
    if bare.isupper():
        mangled = f"{private}{leaf.upper()}_{bare}"
    elif bare[:1].isupper():
        mangled = f"{private}{''.join(part.capitalize() for part in leaf.split('_'))}{bare}"
    else:
        mangled = f"{private}{leaf}_{bare}"
    return [name, *aliases, mangled, *(f"{mangled}_{n}" for n in range(2, 10))]
