"""The names of a written module: everything keeps its own where that is free and nowhere shadowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lmms_eval_ja.exporting.carried import Carried, Key, Target, key_of
from lmms_eval_ja.exporting.modules import Definition, ExportError, Import, Module


def names_for(
    roots: Sequence[Target | Module],
    carried: Sequence[Carried],
    imports: Sequence[Import],
    aliases: Mapping[Key, Sequence[str]],
) -> dict[Key, str]:
    """A name for every definition and import; roots choose first, then imports.

    Args:
        roots: what is asked for.
        carried: all definitions.
        imports: of others.
        aliases: by which names each is imported or used, somewhere.

    Raises:
        ExportError: none of the names that come into question is free.
    """
    own = [root for root in roots if isinstance(root, Definition)]
    rest = [each.definition for each in carried if each.definition not in own]
    shadows = _shadows(carried)
    names: dict[Key, str] = {}
    for key, candidates in (*_of(own, {}), *_of_imports(imports, aliases), *_of(rest, aliases)):
        if key in names:
            continue
        free = [n for n in candidates if n not in names.values() and n not in shadows.get(key, ())]
        if not free:
            raise ExportError(f"no name is free for {'.'.join(filter(None, key))}: tried {', '.join(candidates)}")
        names[key] = free[0]
    return names


def _shadows(carried: Sequence[Carried]) -> dict[Key, set[str]]:
    """The names that something else has, somewhere where the target of a key is used."""
    shadows: dict[Key, set[str]] = {}
    for each in carried:
        for target, bound, _ in each.needs:
            for name in target.names if isinstance(target, Definition) else ("",):
                shadows.setdefault(key_of(target, name), set()).update(bound)
    return shadows


def _of(definitions: Sequence[Definition], aliases: Mapping[Key, Sequence[str]]) -> Iterator[tuple[Key, list[str]]]:
    for definition in definitions:
        for name in definition.names:
            key = key_of(definition, name)
            yield key, _candidates(definition, name, aliases.get(key, ()))


def _of_imports(imports: Sequence[Import], aliases: Mapping[Key, Sequence[str]]) -> Iterator[tuple[Key, list[str]]]:
    for stated in imports:
        key = (stated.module, stated.name)
        last = stated.name or stated.module
        yield key, [*aliases.get(key, ()), last, f"{stated.module.split('.')[-1]}_{last}"]


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
