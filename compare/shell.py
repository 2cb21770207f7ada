"""A comparison as shell lines, one a run, for whoever has a scheduler of their own."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lmms_eval_ja.clients.settings import without_userinfo
from lmms_eval_ja.compare.plan import Plan, Run

#: Variables besides ours that say where data, weights and environments are. Tokens and keys are never printed.
_PLACES = (
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_DATASETS_CACHE",
    "HF_ENDPOINT",
    "HF_HUB_OFFLINE",
    "HF_DATASETS_OFFLINE",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "UV_CACHE_DIR",
)


def shell_lines(
    plan: Plan,
    runs: Sequence[Run],
    options: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    *,
    collecting: Sequence[str] | None = None,
    reproduce: str | None = None,
) -> Iterator[str]:
    """A line for each run that has no scores yet, each with a comment before it; the last line collects the results.

    A line carries out the steps of one run on the machine where it is started, in any folder, as often as wanted: what
    is complete is not done again. It makes the run's environment, and uses the GPUs of CUDA_VISIBLE_DEVICES.

    Args:
        plan: of the comparison.
        runs: that are wanted.
        options: of the command, repeated in every line, such as `--output`.
        collecting: options of the last line; those of every line if None.
        reproduce: the ready comparison that this is, which the last line names instead of its file.
        environ: where the variables of places are looked up; this process's if None.
    """
    found = os.environ if environ is None else environ
    variables = {name: found[name] for name in _PLACES if name in found} | dict(plan.runs[0].judge.environ)
    secret = sorted(name for name, value in variables.items() if without_userinfo(value) != value)
    if secret:
        yield f"# Not printed, since it holds a password; set it where the lines run: {', '.join(secret)}"
    words = ["env", *(f"{name}={value}" for name, value in sorted(variables.items()) if name not in secret)]
    words += [sys.executable, "-m", "lmms_eval_ja", "compare"]
    for run in runs:
        if not run.judge.folder.exists():
            yield f"# {run.id}: {_takes(run)}"
            yield shlex.join([*words, *_file(plan), *options, "--run", run.id])
    yield "# After the last of them, once: tables and report."
    named = _file(plan) if reproduce is None else ("--reproduce", reproduce)
    yield shlex.join([*words, *named, *(options if collecting is None else collecting), "--collect"])


def _file(plan: Plan) -> tuple[str]:
    return (str(Path(plan.comparison.path).resolve()),)


def _takes(run: Run) -> str:
    step = run.generate
    if step.folder.exists():
        return "only judging is left, no GPU"
    gpus = f"{step.gpus} GPU{'s' * (step.gpus > 1)}" if step.gpus else "no GPU"
    environment = f", environment {step.environment}" if step.environment else ""
    return f"{gpus}, about {step.minutes or 0:.0f} minutes{environment}"
