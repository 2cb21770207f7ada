"""A checkpoint that is loaded once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.tiny_original_llava import make_original_llava


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads of torch that wait for each other on a busy machine would take most of the time."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in two .bin files; not to be changed."""
    return make_original_llava(tmp_path_factory.mktemp("original") / "small")


@pytest.fixture(scope="session")
def loaded(small: Path) -> tuple[Any, Any]:
    """Its model and processor."""
    from lmms_eval_ja.judges.original_llava.loading import load_original

    return load_original(small, device_map="cpu")


@pytest.fixture(scope="session")
def picture() -> Image.Image:
    """Wider than high, so that resizing, cropping and padding differ."""
    return Image.linear_gradient("L").resize((70, 50)).convert("RGB")
