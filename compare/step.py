"""A step of a run: one command to be carried to its end, wherever there is room for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["generate", "judge"]
#: Stands in a step's words for the folder that the attempt writes into.
ATTEMPT = "{attempt}"


@dataclass(frozen=True)
class Step:
    """What to start, what it takes, and where what it wrote belongs once it is complete.

    Attributes:
        run: id of the run (of its model), a folder of `runs/`.
        kind: generate (the model answers) or judge (the answers are scored).
        words: the command; `{attempt}` in a word stands for the folder to write into.
        folder: where the attempt's folder is renamed to when it is complete: its existence says that the step is done.
        tasks: names of the tasks whose samples must be there.
        environ: variables on top of the caller's.
        environment: family whose locked environment must be there first; None is this one.
        gpus: how many it takes; 0 for none.
        cpus: how many it takes.
        memory_gb: of main memory; None is unknown.
        minutes: how long it is expected to take; longer ones start first. None is unknown.
        after: folder that must be there before it starts; None for none.
    """

    run: str
    kind: Kind
    words: tuple[str, ...]
    folder: Path
    tasks: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    environment: str | None = None
    gpus: int = 0
    cpus: int = 1
    memory_gb: float | None = None
    minutes: float | None = None
    after: Path | None = None

    @property
    def name(self) -> str:
        """Run and kind, such as "qwen2-vl-7b-instruct: generate"."""
        return f"{self.run}: {self.kind}"
