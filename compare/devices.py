"""The GPUs of this machine, without a library for them."""

from __future__ import annotations

import os
import shutil
import subprocess

_LONGEST_S = 30


def gpus_here() -> int:
    """How many GPUs this process may use: those of CUDA_VISIBLE_DEVICES, else those that nvidia-smi lists."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = [name.strip() for name in visible.split(",")]
        # CUDA stops at the first that is no device.
        usable = next((place for place, name in enumerate(names) if not name or name[0] == "-"), len(names))
        return 0 if visible == "NoDevFiles" else usable
    if (command := shutil.which("nvidia-smi")) is None:
        return 0
    try:
        listed = subprocess.run([command, "-L"], capture_output=True, text=True, check=True, timeout=_LONGEST_S)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
