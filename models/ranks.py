"""Which process this is among those of a run, and which devices are its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch

from lmms_eval_ja.models.arguments import ModelArguments
from lmms_eval_ja.models.failures import ModelError

#: Ranks wait for the slowest; the usual ten minutes would end a run whose documents are of unequal length.
PATIENCE = timedelta(days=7)


@dataclass(frozen=True)
class Place:
    """This process in its run.

    Attributes:
        rank: number of this process.
        world_size: number of processes.
        device: where the inputs of the model go.
        gpus: indices of the GPUs that the model may use; empty on the CPU.
    """

    rank: int
    world_size: int
    device: torch.device
    gpus: tuple[int, ...] = ()

    @classmethod
    def of(cls, arguments: ModelArguments) -> Place:
        """Read the variables that torchrun and accelerate launch set, and share out the visible GPUs.

        Without a device map each rank takes one GPU; with one, `gpus_per_model` of them or an equal share.

        Raises:
            ModelError: fewer GPUs than are asked for.
        """
        rank, world_size, local_rank = (_number(n, d) for n, d in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
        if _wants_cpu(arguments.device):
            return cls(rank, world_size, torch.device("cpu"))
        if arguments.device and not arguments.device.startswith("cuda"):
            return cls(rank, world_size, torch.device(arguments.device))
        count, local = torch.cuda.device_count(), _number("LOCAL_WORLD_SIZE", 1)
        if ":" in (arguments.device or "") and world_size == 1 and not arguments.is_sharded:
            device = torch.device(str(arguments.device))
            return cls(rank, world_size, device, (int(device.index),))
        share = arguments.gpus_per_model or (max(1, count // local) if arguments.is_sharded else 1)
        if local * share > count:
            raise ModelError(
                f"{local} processes of {share} GPUs need {local * share}, and {count} are visible: start fewer "
                "processes or lower gpus_per_model"
            )
        gpus = tuple(range(local_rank * share, (local_rank + 1) * share))
        return cls(rank, world_size, torch.device("cuda", gpus[0]), gpus)


def accelerator_of(place: Place) -> Any:
    """What lmms-eval gathers and waits with when there are several ranks."""
    from accelerate import Accelerator
    from accelerate.utils import InitProcessGroupKwargs

    return Accelerator(cpu=not place.gpus, kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)])


def _wants_cpu(device: str | None) -> bool:
    if device is not None:
        return device == "cpu"
    wanted = os.environ.get("ACCELERATE_USE_CPU", "").lower() in {"1", "true", "yes"}
    return wanted or not torch.cuda.is_available()


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name, default))
