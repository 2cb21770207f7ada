"""Which devices are a process's own; GPUs are counted by a stand-in, since tests run without one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from lmms_eval_ja.models.arguments import ModelArguments
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.ranks import Place

Start = Callable[..., None]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """As torchrun starts a process: its number, how many there are on this machine, GPUs, ranks before this machine."""

    def started(local_rank: int, processes: int, gpus: int, *, before: int = 0, world: int | None = None) -> None:
        values = {
            "RANK": before + local_rank,
            "LOCAL_RANK": local_rank,
            "WORLD_SIZE": world or processes,
            "LOCAL_WORLD_SIZE": processes,
        }
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)

    return started


def place(**arguments: object) -> Place:
    return Place.of(ModelArguments("x", **arguments))


def test_one_process_takes_the_first_gpu(start: Start) -> None:
    start(0, 1, 4)
    assert place() == Place(0, 1, torch.device("cuda", 0), (0,))
    assert place(device="cuda:2") == Place(0, 1, torch.device("cuda:2"), (2,))
    assert place(device="cpu") == Place(0, 1, torch.device("cpu"))


def test_each_rank_takes_its_own_gpu(start: Start) -> None:
    start(3, 4, 4)
    assert place() == Place(3, 4, torch.device("cuda", 3), (3,))
    assert place(device="cuda") == place(device="cuda:0") == place()


def test_one_process_spreads_over_all_gpus(start: Start) -> None:
    start(0, 1, 4)
    assert place(device_map="auto").gpus == (0, 1, 2, 3)
    assert place(gpus_per_model=2).gpus == (0, 1)


def test_groups_of_gpus(start: Start) -> None:
    start(1, 2, 8)
    assert place(device_map="auto") == Place(1, 2, torch.device("cuda", 4), (4, 5, 6, 7))
    assert place(gpus_per_model=3).gpus == (3, 4, 5)


def test_the_second_machine_counts_its_own_gpus(start: Start) -> None:
    start(1, 2, 4, before=2, world=4)
    assert place(gpus_per_model=2) == Place(3, 4, torch.device("cuda", 2), (2, 3))


@pytest.mark.parametrize(("processes", "share"), [(4, 2), (5, None)])
def test_too_few_gpus(start: Start, processes: int, share: int | None) -> None:
    start(0, processes, 4)
    with pytest.raises(ModelError, match=f"{processes} processes of {share or 1} GPUs need .* and 4 are visible"):
        place(gpus_per_model=share)


def test_accelerate_s_variable_keeps_to_the_cpu(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    start(1, 2, 4)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    assert place() == Place(1, 2, torch.device("cpu"))


def test_without_a_gpu_it_is_the_cpu(start: Start) -> None:
    start(0, 1, 0)
    assert place().device == torch.device("cpu")
    with pytest.raises(ModelError, match="0 are visible"):
        place(device="cuda")
