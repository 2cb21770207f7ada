"""What the tests of remote code share: a place for it, and documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.vlm_requests import documents


@pytest.fixture(autouse=True)
def _own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transformers copies a checkpoint's code to a cache and imports it from there: one for each test."""
    import transformers.dynamic_module_utils as dynamic

    monkeypatch.setattr(dynamic, "HF_MODULES_CACHE", str(tmp_path / "modules"))


@pytest.fixture
def loaded() -> Callable[..., Any]:
    """Loads a plugin with documents of task t, without an answer log and trusting the code."""

    def load(cls: type, checkpoint: Path, docs: int = 6, **arguments: Any) -> Any:
        given = {"answer_log": "off", "device": "cpu", "trust_remote_code": True} | arguments
        model = cls(str(checkpoint), **given)
        model.task_dict["t"] = {"test": documents(docs)}
        return model

    return load
