"""The order of a written module: each definition after what it needs when the module is loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from lmms_eval_ja.exporting.carried import Carried
from lmms_eval_ja.exporting.modules import Definition


def in_loading_order(carried: Mapping[Definition, Carried]) -> list[Carried]:
    """In the order of their modules and lines, but each after what it needs when it is loaded."""
    order = _Order(carried)
    for definition in _in_natural_order(carried):
        order.add(definition)
    return order.found


class _Order:
    def __init__(self, carried: Mapping[Definition, Carried]) -> None:
        self.found: list[Carried] = []
        self._carried = carried
        self._begun: set[Definition] = set()

    def add(self, definition: Definition) -> None:
        """Add a definition after its needs: of a constant also what the functions need that it may call."""
        if definition in self._begun:
            return
        self._begun.add(definition)
        calls = not isinstance(definition.statements[0], (ast.FunctionDef, ast.AsyncFunctionDef))
        for need in self._needs(definition, now=True):
            self.add(need)
            if calls:
                self._add_all_of(need, set())
        self.found.append(self._carried[definition])

    def _add_all_of(self, definition: Definition, seen: set[Definition]) -> None:
        if definition in seen:
            return
        seen.add(definition)
        for need in self._needs(definition):
            self.add(need)
            self._add_all_of(need, seen)

    def _needs(self, definition: Definition, *, now: bool = False) -> Iterator[Definition]:
        for target, _, at_once in self._carried[definition].needs:
            if isinstance(target, Definition) and (at_once or not now):
                yield target


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
