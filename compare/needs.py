"""What a comparison needs of the machine, estimated before it starts: disk and time."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lmms_eval_ja.jp_tasks.catalogue import groups, tasks
from lmms_eval_ja.models import environments
from lmms_eval_ja.models.catalogue import BYTES_PER_PARAMETER, Entry
from lmms_eval_ja.models.environments import State

#: Disk in GB of the first environment and of each further one, whose files are linked (models/envs/README.md).
FIRST_ENVIRONMENT_GB, FURTHER_ENVIRONMENT_GB = 6.5, 0.3
#: Assumed where nobody measured: seconds a document, on the GPUs that an entry asks for, and minutes to load a model.
SECONDS_A_DOCUMENT, SECONDS_A_DOCUMENT_AND_BILLION = 0.5, 0.2
MINUTES_TO_LOAD = 2.0
#: What an entry's own estimate is of.
_ESTIMATED_ON = "japanese_vlm"
_GB = 1e9


@dataclass(frozen=True)
class Disk:
    """What is to come onto a disk, and what is free there, in GB; `parts` are the folders with what each needs."""

    parts: Mapping[Path, float]
    free_gb: float

    @property
    def needed_gb(self) -> float:
        """In all."""
        return sum(self.parts.values())

    @property
    def lack(self) -> str | None:
        """What to do if it does not fit, in a sentence."""
        if self.needed_gb <= self.free_gb:
            return None
        folders = " and ".join(f"{folder} (about {needed:,.1f} GB)" for folder, needed in self.parts.items())
        return (
            f"the disk is too small: {self.free_gb:,.1f} GB are free, and about {self.needed_gb:,.1f} GB are to come "
            f"into {folders}: free some space, or move them (HF_HOME for weights, XDG_DATA_HOME for environments)"
        )


def minutes_of(entry: Entry, names: Sequence[str]) -> float:
    """How long a model is expected to take for its answers to tasks: by its measured minutes, else by its size."""
    rows = _rows(names)
    if entry.minutes_estimate is not None:
        return entry.minutes_estimate * rows / _rows(groups()[_ESTIMATED_ON])
    seconds = SECONDS_A_DOCUMENT + SECONDS_A_DOCUMENT_AND_BILLION * (entry.params_b or 0.0)
    return MINUTES_TO_LOAD * (entry.params_b is not None) + rows * seconds / 60


def weights_gb(entry: Entry) -> float | None:
    """What has to be downloaded of a model: none where its weights are in the cache or in a folder; None is unknown."""
    if entry.hub is None or "pretrained" in entry.args or is_cached(entry.hub):
        return 0.0
    return None if entry.params_b is None else entry.params_b * BYTES_PER_PARAMETER


def is_cached(hub: str) -> bool:
    """Whether weights of a repository are in the hub's cache; all of them or a part."""
    snapshots = hub_cache() / f"models--{hub.replace('/', '--')}" / "snapshots"
    return any(True for end in ("safetensors", "bin") for _ in snapshots.glob(f"*/**/*.{end}"))


def hub_cache() -> Path:
    """Where huggingface_hub keeps what it downloads."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()


def missing_environments(entries: Iterable[Entry]) -> list[str]:
    """The families' environments that are still to be made, or made anew."""
    wanted = sorted({entry.env for entry in entries if entry.env is not None})
    return [name for name in wanted if environments.environment(name).state() is not State.READY]


def disks(entries: Sequence[Entry]) -> list[Disk]:
    """What weights and environments of these models still need, by disk."""
    missing = missing_environments(entries)
    made = any(environments.environment(name).state() is State.READY for name in environments.names())
    several = FURTHER_ENVIRONMENT_GB * len(missing)
    needed = {
        hub_cache(): sum({e.hub: weights_gb(e) or 0.0 for e in entries}.values()),
        environments.default_folder(): several + (FIRST_ENVIRONMENT_GB if missing and not made else 0.0),
    }
    by_disk: dict[int, dict[Path, float]] = defaultdict(dict)
    for folder, size in needed.items():
        if size:
            by_disk[_existing(folder).stat().st_dev][folder] = size
    return [Disk(parts, shutil.disk_usage(_existing(next(iter(parts)))).free / _GB) for parts in by_disk.values()]


def _rows(names: Sequence[str]) -> int:
    rows = {task.name: task.rows for task in tasks()}
    return sum(rows[name] for name in names)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
