"""Modules for a test, put into this package under a name of their own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import lmms_eval_ja
from lmms_eval_ja.exporting.closure import Closure, definitions
from lmms_eval_ja.exporting.modules import module_named
from lmms_eval_ja.exporting.writing import module_text


def placed(folder: Path, monkeypatch: pytest.MonkeyPatch, modules: Mapping[str, str]) -> str:
    """Write modules as a package of ours; gives its dotted name."""
    package = folder / f"made_up_{folder.name}".replace("-", "_")
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    dotted = f"lmms_eval_ja.{package.name}"
    for name, text in modules.items():
        (package / f"{name}.py").write_text(text.replace("HERE", dotted), encoding="utf-8")
    monkeypatch.setattr(lmms_eval_ja, "__path__", [*lmms_eval_ja.__path__, str(folder)])
    module_named.cache_clear()
    return dotted


def loaded(text: str, name: str = "exported") -> ModuleType:
    """A written module, executed."""
    module = ModuleType(name)
    module.__dict__["__file__"] = "/nowhere/exported.py"
    sys.modules[name] = module  # dataclasses look there
    exec(compile(text, name, "exec"), module.__dict__)  # noqa: S102 (our own text)
    return module


def written(roots: list[str], **options: Any) -> tuple[Closure, str]:
    """The closure of some roots and its module."""
    closure = definitions(roots, **options)
    return closure, module_text(closure, "Made up.")
