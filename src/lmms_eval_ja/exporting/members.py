"""Members of carried classes that nothing carried names: what only the rest of this package asks for stays here."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from lmms_eval_ja.exporting.modules import Definition, Module, Span

#: Of functions that are reached by their name alone.
_PLAIN_DECORATORS = {"property", "abstractmethod", "staticmethod", "classmethod", "cached_property"}


def unused_members(carried: Collection[Definition], roots: Collection[Definition]) -> set[ast.stmt]:
    """Methods, properties and constants of classes whose names stand nowhere in what is carried.

    A name counts wherever it stands, also in a text, as of another class: too much is kept rather than too little.
    Kept whole are roots, and classes with bases of others, which may call what looks unused.

    Args:
        carried: all definitions.
        roots: those of them that are asked for.
    """
    members = [member for each in _own_classes(carried, roots) for member in each.body if _name_of(member)]
    unused: set[ast.stmt] = set()
    while True:
        named = {name for each in carried for statement in each.statements for name in _named(statement, unused)}
        more = {member for member in members if _name_of(member) not in named} - unused
        if not more:
            return unused
        unused |= more


def member_span(module: Module, member: ast.stmt) -> Span:
    """The lines of a member, with the comment lines right above it and the empty lines behind it."""
    span = module.span(member)
    lines = module.source.splitlines(keepends=True)
    first = module.source.count(b"\n", 0, span.start)
    last = module.source.count(b"\n", 0, span.end)
    while lines[first - 1].lstrip().startswith(b"#"):
        first -= 1
    while last + 1 < len(lines) and not lines[last + 1].strip():
        last += 1
    return Span(sum(map(len, lines[:first])), sum(map(len, lines[: last + 1])))


def _own_classes(carried: Collection[Definition], roots: Collection[Definition]) -> list[ast.ClassDef]:
    """Classes all of whose bases are carried, roots aside."""
    classes = {s.name: s for each in carried for s in each.statements if isinstance(s, ast.ClassDef)}
    asked = {name for root in roots for name in root.names}

    def is_own(name: str) -> bool:
        return name == "ABC" or (name in classes and all(is_own(ast.unparse(base)) for base in classes[name].bases))

    return [each for name, each in classes.items() if name not in asked and is_own(name)]


def _name_of(member: ast.stmt) -> str:
    """The name of a member that may go; "" for one that stays, such as a field of a dataclass."""
    name = ""
    if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if all(ast.unparse(decorator) in _PLAIN_DECORATORS for decorator in member.decorator_list):
            name = member.name
    elif isinstance(member, ast.AnnAssign) and ast.unparse(member.annotation).startswith("ClassVar"):
        name = ast.unparse(member.target)
    elif isinstance(member, ast.Assign) and len(member.targets) == 1 and isinstance(member.targets[0], ast.Name):
        name = member.targets[0].id
    return "" if name.startswith("__") else name


def _named(node: ast.AST, gone: Collection[ast.AST]) -> Iterator[str]:
    """The names that a statement uses, and its texts that could be one; nothing of the members that are gone."""
    if node in gone:
        return
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _named(child, gone)
