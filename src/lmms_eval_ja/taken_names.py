"""Names of tasks, groups and tags that are taken, read without importing lmms-eval."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path

#: What lmms-eval's index takes a name from: a key at the start of a line, and what stands behind it or as a list below.
_ENTRY = re.compile(
    r"^[\"']?(?:task|group|tag)[\"']?[ \t]*:[ \t]*"
    r"(?:\[(?P<flow>[^\]]*)\]|(?P<one>[^\s#\[]+)|(?P<list>(?:\s*\n[ \t]*-[ \t]+[\w.+/-]+[ \t]*$)+))",
    re.MULTILINE,
)
_MEMBERS = re.compile(r"^(?:group)[ \t]*:", re.MULTILINE)
_WORD = re.compile(r"[\w.+/-]+")


class TakenError(Exception):
    """Whether a name is taken cannot be told; the message says why."""


@cache
def lmms_eval_names() -> dict[str, Path]:
    """Every name of lmms-eval's own tasks, groups and tags, with the YAML that has it.

    Raises:
        TakenError: lmms-eval is not installed.
    """
    found = importlib.util.find_spec("lmms_eval")
    if found is None or not found.submodule_search_locations:
        raise TakenError("lmms-eval is not installed: pip install lmms-eval")
    folder = Path(found.submodule_search_locations[0]) / "tasks"
    names: dict[str, Path] = {}
    for path in sorted(folder.rglob("*yaml*")):  # also `_default_template_yaml`, which others include
        for name in _names(path.read_text(encoding="utf-8-sig", errors="replace")):
            names.setdefault(name, path)
    return names


def _names(text: str) -> list[str]:
    """The names that a YAML gives; the members of a group are the names of others."""
    group = _MEMBERS.search(text) is not None
    names: list[str] = []
    for entry in _ENTRY.finditer(text):
        own = _WORD.findall(entry["flow"] or entry["one"] or entry["list"].replace("- ", " "))
        is_members = group and entry[0].lstrip("\"'").startswith("task") and not entry["one"]
        names += [] if is_members else own
    return names
