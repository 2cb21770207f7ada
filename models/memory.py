"""Out of memory: how it is recognised, what is said, and freeing what can be freed."""

from __future__ import annotations

import gc

import torch

OUT_OF_MEMORY = (
    "out of memory with this document alone; try max_pixels (smaller images), dtype=bfloat16, fewer max_new_tokens, or "
    "device_map=auto over more GPUs"
)
#: CPUs, and devices whose errors are of no class of their own.
_TEXTS = ("out of memory", "can't allocate memory", "alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of a device or of the machine."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _TEXTS)


def is_device_lost(error: BaseException) -> bool:
    """Whether the GPU takes no more work in this process, as after an assertion in a kernel."""
    return isinstance(error, RuntimeError) and ("CUDA error" in str(error) or "device-side assert" in str(error))


def free_memory() -> None:
    """Give unused memory back, for a smaller batch to find."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
