"""What is carried away: a definition with the edits that make it part of one module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lmms_eval_ja.exporting.modules import Definition, ExportError, Import, Module

Target = Definition | Import
#: By what a name of the written module is kept: module and name of what it stands for.
Key = tuple[str, str | None]


@dataclass(frozen=True)
class Edit:
    """A part of a definition's source that is replaced: by a target's name between two texts."""

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


def key_of(target: Target | Module, name: str) -> Key:
    """What the name of a target is kept by; a definition may make several names.

    Raises:
        ExportError: it is a module.
    """
    if isinstance(target, Definition):
        return target.module.name, name if name in target.names else target.names[0]
    if isinstance(target, Import):
        return target.module, target.name
    raise ExportError(f"{target.name} is a module, not something in one")
