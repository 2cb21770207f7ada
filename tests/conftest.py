"""For every test: an environment without the user's settings, caches and keys."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

#: What a developer's shell may hold that would change a test: keys, judges, offline flags.
_PREFIXES = ("LMMS_EVAL", "OPENAI_", "HF_", "XDG_", "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_", "ACCELERATE_")


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_PREFIXES)]:
            patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("HF_HOME", str(home / "huggingface"))
        for name in ("CONFIG", "DATA", "CACHE"):
            patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        yield


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_STORE", str(tmp_path / "verdicts.sqlite"))


@pytest.fixture(autouse=True)
def _records_go_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the plugin was installed in this process before or not: pytest hangs its own handler on a logger whose
    records do not go up, and a test that lets them go up would find each twice."""
    monkeypatch.setattr(logging.getLogger("lmms_eval_ja"), "propagate", True)
