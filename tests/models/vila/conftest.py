"""Models that are loaded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.tiny_vila import make_vila
from support.vila_golden import CHECKPOINT


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    del one_thread


@pytest.fixture(scope="session")
def golden() -> tuple[Any, Any]:
    """Model and processor of the reference's checkpoint."""
    from lmms_eval_ja.models.vila.loading import load_vila

    return load_vila(CHECKPOINT)


@pytest.fixture(scope="session")
def tiny_vila(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint by its projector; not to be changed."""
    made: dict[str, Path] = {}

    def checkpoint(projector: str = "mlp2x_gelu") -> Path:
        if projector not in made:
            made[projector] = make_vila(tmp_path_factory.mktemp("vila"), projector=projector)
        return made[projector]

    return checkpoint


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A tiny checkpoint of one's own, to break."""
    return make_vila(tmp_path / "vila")
