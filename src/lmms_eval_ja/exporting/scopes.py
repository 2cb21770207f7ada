"""Which names of its module a piece of code uses, and which of them are shadowed where: Python's scopes, on the AST."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Use:
    """A name that is not bound around it, so the module's own.

    Attributes:
        name: as written.
        node: the `ast.Name`; the `ast.Constant` of a quoted annotation; the `ast.Global` of a declaration.
        bound: what the functions, classes and comprehensions around it bind.
        now: whether it is looked up when the module is loaded, rather than when a function is called.
        imported: where an import inside of the function takes it from: (module, name), or None.
        maybe: a text that may be a quoted type, such as that of `Sequence["Item"]`.
    """

    name: str
    node: ast.Name | ast.Constant | ast.Global
    bound: frozenset[str]
    now: bool
    imported: tuple[str, str] | None = None
    maybe: bool = False


@dataclass
class _Scope:
    kind: str  # "function" or "class"; a comprehension is a function
    bound: set[str] = field(default_factory=set)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)


def uses(node: ast.stmt, package: str) -> list[Use]:
    """Every use of a module's name in a statement of its top level.

    Args:
        node: the statement.
        package: imports of it inside functions are uses of what they import, and bind nothing.
    """
    finder = _Finder(package)
    finder.visit(node)
    return finder.found


def bound_by(node: ast.AST) -> Iterator[str]:
    """The names that a statement binds in its own scope."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
        return
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            yield alias.asname or alias.name.split(".")[0]
        return
    if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        yield from (walrus.target.id for walrus in ast.walk(node) if isinstance(walrus, ast.NamedExpr))
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
        yield node.id
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    for child in ast.iter_child_nodes(node):
        yield from bound_by(child)


class _Finder(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.package = package
        self.found: list[Use] = []
        self._scopes: list[_Scope] = []
        self._now = True

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) or not self._scopes:
            self._use(node.id, node)
        elif node.id not in self._scopes[-1].bound and self._scopes[-1].kind == "function":
            self._use(node.id, node)  # declared global

    def visit_Global(self, node: ast.Global) -> None:
        for name in node.names:
            self._use(name, node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(part)
        for argument in _arguments(node.args):
            self._annotation(argument.annotation)
        self._annotation(node.returns)
        self._inside(_function_scope(node, self.package), node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 (the names are ast's)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(part)
        self._inside(_Scope("function", {a.arg for a in _arguments(node.args)}), [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        bound = {name for statement in node.body for name in bound_by(statement)}
        self._scopes.append(_Scope("class", bound))
        for statement in node.body:
            self.visit(statement)
        self._scopes.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._annotation(node.annotation)
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not (isinstance(node.value, ast.Name) and node.value.id == "Literal"):
            for part in ast.walk(node.slice):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
                    self._use(part.value, part, maybe=True)
        self.generic_visit(node)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self.visit(node.generators[0].iter)
        bound = {name for generator in node.generators for name in bound_by(generator.target)}
        self._scopes.append(_Scope("function", bound))
        for number, generator in enumerate(node.generators):
            self.visit(generator.target)
            for part in (*([generator.iter] if number else []), *generator.ifs):
                self.visit(part)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.visit(part)
        self._scopes.pop()

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension  # noqa: N815

    def _inside(self, scope: _Scope, body: list[ast.stmt] | list[ast.expr]) -> None:
        before, self._now = self._now, False
        self._scopes.append(scope)
        for part in body:
            self.visit(part)
        self._scopes.pop()
        self._now = before

    def _annotation(self, node: ast.expr | None) -> None:
        """Annotations are texts in what is written, so nothing in them is looked up when the module is loaded."""
        if node is None:
            return
        before, self._now = self._now, False
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            self._use(node.value, node)
        else:
            self.visit(node)
        self._now = before

    def _use(self, name: str, node: ast.Name | ast.Constant | ast.Global, *, maybe: bool = False) -> None:
        innermost = len(self._scopes) - 1
        visible = [s for n, s in enumerate(self._scopes) if s.kind == "function" or n == innermost]
        bound = frozenset(each for scope in visible for each in scope.bound)
        for scope in reversed(visible):
            if name in scope.imported:
                self.found.append(Use(name, node, bound, now=False, imported=scope.imported[name]))
                return
            if name in scope.bound and not isinstance(node, ast.Global):
                return
        self.found.append(Use(name, node, bound, now=self._now, maybe=maybe))


def _function_scope(node: ast.FunctionDef | ast.AsyncFunctionDef, package: str) -> _Scope:
    scope = _Scope("function", {argument.arg for argument in _arguments(node.args)})
    declared: set[str] = set()
    for statement in _own_statements(node):
        if isinstance(statement, ast.Global):
            declared |= set(statement.names)
        elif isinstance(statement, ast.ImportFrom) and (statement.module or "").split(".")[0] == package:
            scope.imported |= {a.asname or a.name: (str(statement.module), a.name) for a in statement.names}
    bound = {name for statement in node.body for name in bound_by(statement)}
    scope.bound |= bound - declared - scope.imported.keys()
    return scope


def _own_statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of a function without those of the functions and classes in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        yield child
        yield from _own_statements(child)


def _arguments(node: ast.arguments) -> list[ast.arg]:
    return [*node.posonlyargs, *node.args, *node.kwonlyargs, *filter(None, (node.vararg, node.kwarg))]
