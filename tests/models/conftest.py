"""What the tests of the plugins share: tiny checkpoints, and models that load them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.vlm_requests import documents


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint by its family, made when it is first asked for."""
    from support.tiny_vlms import MAKERS

    folder, made = tmp_path_factory.mktemp("tiny"), dict[str, Path]()

    def checkpoint(family: str) -> Path:
        if family not in made:
            made[family] = MAKERS[family](folder / family)
        return made[family]

    return checkpoint


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads of torch that wait for each other on a busy machine would take most of the time."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def vlm(tiny: Callable[[str], Path], one_thread: None) -> Callable[..., Any]:
    """Loads a tiny checkpoint as `ja_vlm` (or `cls`), with documents of task t and without an answer log."""
    from lmms_eval_ja.models.chat_vlm import ChatVlm

    def load(family: str = "llava_next", *, cls: type[ChatVlm] = ChatVlm, docs: int = 7, **arguments: Any) -> ChatVlm:
        given = {"answer_log": "off", "dtype": "float32", "device": "cpu"} | arguments
        model = cls(str(tiny(family)), **given)
        model.task_dict["t"] = {"test": documents(docs)}
        return model

    return load
