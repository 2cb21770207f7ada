"""Stand-in commands for the steps of a comparison: they write samples slowly, and can fail in several ways."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.step import ATTEMPT, Step

SAMPLES = 4
#: Writes SAMPLES lines, one every so many seconds, and notes each completed write in a file of all.
WRITER = """
import os, sys, time
out, ledger, name, seconds, samples = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5])
with open(out + "/samples.txt", "w") as file:
    for n in range(samples):
        time.sleep(seconds / samples)
        print(n, file=file, flush=True)
with open(out + "/gpus.txt", "w") as file:
    print(os.environ.get("CUDA_VISIBLE_DEVICES"), file=file)
with open(ledger, "a") as file:
    print(name, file=file)
"""


def why_incomplete(step: Step, out: Path) -> str | None:
    """The check of the stand-ins: all samples are there."""
    path = out / "samples.txt"
    found = len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0
    return None if found == SAMPLES else f"{found} of {SAMPLES} samples"


def writing(output: Path, run: str, seconds: float = 0.0, **facts: Any) -> Step:
    """A step that ends well after so many seconds."""
    kind = facts.pop("kind", "generate")
    folder = output / "runs" / run / {"generate": "answers", "judge": "scores"}[kind]
    words = (sys.executable, "-I", "-S", "-c", WRITER, ATTEMPT, str(output / "ledger.txt"), f"{run}-{kind}")
    return Step(run, kind, (*words, str(seconds), str(SAMPLES)), folder, **facts)


def judging(output: Path, run: str, seconds: float = 0.0, **facts: Any) -> Step:
    """A judge step after the run's generate step."""
    return writing(output, run, seconds, kind="judge", after=output / "runs" / run / "answers", **facts)


def saying(output: Path, run: str, script: str, **facts: Any) -> Step:
    """A step that runs a shell script; `{attempt}` in it stands for the folder to write into."""
    kind = facts.pop("kind", "generate")
    folder = output / "runs" / run / {"generate": "answers", "judge": "scores"}[kind]
    return Step(run, kind, ("sh", "-c", script), folder, **facts)


def written(output: Path) -> list[str]:
    """What the ledger of completed writes holds, sorted."""
    ledger = output / "ledger.txt"
    return sorted(ledger.read_text(encoding="utf-8").split()) if ledger.exists() else []
