"""`run.json`: what a run is made of, how long it took and why it failed. It is written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lmms_eval_ja.clients.whole_file import whole_file
from lmms_eval_ja.compare.plan import Run

NAME = "run.json"
#: What moves a model's answers. The tasks are not among them: what lacks is seen in the answers.
MOVES_ANSWERS = ("hub", "revision", "plugin", "args", "env", "gen_kwargs", "image")


def record_of(run: Run) -> dict[str, Any]:
    """What the file says of a run, as it is recorded before its first attempt."""
    candidate, entry = run.candidate, run.candidate.entry
    fields = ("id", "hub", "revision", "plugin", "env", "gpus", "params_b", "licence")
    return {name: getattr(entry, name) for name in fields} | {
        "args": dict(candidate.args or {}),
        "contaminated_tasks": list(entry.contaminated_tasks),
        "flags": list(entry.flags),
        "label": candidate.label,
        "series": candidate.series,
        "step": candidate.step,
        "tasks": list(run.generate.tasks),
        "gen_kwargs": dict(run.gen_kwargs),
        "image": run.image,
    }


def read_record(folder: Path) -> dict[str, Any]:
    """The record in a run's folder; empty where there is none, or none that can be read."""
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def update_record(folder: Path, **changed: Any) -> None:
    """Write a run's record with some fields changed, beside its place first; the folder is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    content = read_record(folder) | changed
    with whole_file(folder / NAME) as partial:
        partial.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
