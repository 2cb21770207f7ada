"""What a comparison runs: for each model one run with all its tasks, in two steps."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmms_eval_ja.clients import Settings, SettingsError, load_settings
from lmms_eval_ja.clients.settings import PREFIX
from lmms_eval_ja.compare.candidates import Candidate
from lmms_eval_ja.compare.faults import ComparisonError, unknown
from lmms_eval_ja.compare.file import NO_JUDGE, Comparison
from lmms_eval_ja.compare.model_args import text_of
from lmms_eval_ja.compare.needs import minutes_of
from lmms_eval_ja.compare.step import ATTEMPT, Step
from lmms_eval_ja.jp_tasks.catalogue import without_judge
from lmms_eval_ja.models.catalogue import Entry
from lmms_eval_ja.models.environments import environment

#: `lmms-eval-ja judge` makes its folder itself.
SCORED = "results"
#: Main memory in GB: of a judging process; of a process that loads weights onto GPUs, a shard at a time.
_JUDGING_GB, _LOADING_GB = 2.0, 8.0


@dataclass(frozen=True)
class Run:
    """A model with all its tasks.

    Attributes:
        candidate: the model.
        folder: of the run, with run.json and what its steps made.
        generate: the step in which the model answers.
        judge: the step in which the answers are scored.
        judge_name: of judge.toml or built-in; None when no judge is asked.
        repeats: how often each answer is judged; None when no judge is asked.
        gen_kwargs: lmms-eval's.
        image: what of its pictures the model is shown, by the settings.
    """

    candidate: Candidate
    folder: Path
    generate: Step
    judge: Step
    judge_name: str | None
    repeats: int | None
    gen_kwargs: Mapping[str, Any]
    image: str

    @property
    def id(self) -> str:
        """Of the model."""
        return self.candidate.id

    @property
    def steps(self) -> tuple[Step, Step]:
        """In their order."""
        return self.generate, self.judge


@dataclass(frozen=True)
class Plan:
    """All runs of a comparison, in the file's order."""

    comparison: Comparison
    settings: Settings
    runs: tuple[Run, ...]

    @property
    def judge_name(self) -> str | None:
        """The judge that is asked; None for none."""
        return self.runs[0].judge_name

    def only(self, ids: Collection[str]) -> tuple[Run, ...]:
        """The runs of these models, or of these series; all of them if none is named.

        Raises:
            ComparisonError: an id that the file does not have.
        """
        known = {run.id for run in self.runs} | {run.candidate.series for run in self.runs} - {None}
        for name in ids:
            if name not in known:
                raise ComparisonError(f"{self.comparison.path}: {unknown('model', name, sorted(map(str, known)))}")
        return tuple(run for run in self.runs if not ids or run.id in ids or run.candidate.series in ids)


def plan_of(comparison: Comparison, *, python: str = sys.executable) -> Plan:
    """What a comparison runs. Looks at settings and tasks; starts and writes nothing.

    Args:
        comparison: as read from its file.
        python: the interpreter that judges, and generates for models without an environment of their own.

    Raises:
        ComparisonError: the judge's settings cannot be used; a task that cannot be scored without a judge.
    """
    fields = comparison.fields
    settings = _settings(comparison)
    environ = _variables(settings)
    if fields.judge == NO_JUDGE:
        _check_unjudged(comparison)
    # A judge in the process itself is loaded onto a GPU, where the comparison has some at all.
    judges_on_gpus = int(settings.judge.provider == "transformers" and any(m.entry.gpus for m in comparison.models))
    runs = []
    for candidate in comparison.models:
        folder = comparison.output / "runs" / candidate.id
        judging = _judging(comparison, settings)
        runs.append(
            Run(
                candidate,
                folder,
                _generate(candidate, comparison, folder, python=python, environ=environ),
                Step(
                    run=candidate.id,
                    kind="judge",
                    words=(python, *_words_of_judge(folder, judging)),
                    folder=folder / "scores",
                    tasks=comparison.tasks,
                    environ=environ,
                    gpus=judges_on_gpus,
                    memory_gb=_JUDGING_GB,
                    after=folder / "answers",
                ),
                judge_name=None if fields.judge == NO_JUDGE else settings.judge_name,
                repeats=None if fields.judge == NO_JUDGE else (fields.repeats or settings.judge.repeats),
                gen_kwargs=fields.gen_kwargs,
                image=settings.image,
            )
        )
    return Plan(comparison, settings, tuple(runs))


def _settings(comparison: Comparison) -> Settings:
    judge = comparison.fields.judge
    named = {} if judge in {None, NO_JUDGE} else {f"{PREFIX}JUDGE": str(judge)}
    try:
        settings = load_settings(os.environ | named)
    except SettingsError as error:
        raise ComparisonError(f"{comparison.path}: judge: {error}; or none, for metrics without a judge") from None
    if judge == NO_JUDGE and comparison.fields.repeats not in {None, 1}:
        raise ComparisonError(f"{comparison.path}: repeats is how often a judge is asked, and judge is none")
    return settings


def _variables(settings: Settings) -> dict[str, str]:
    """What the steps must find as this process found it: settings of ours, never a provider's key.

    A step is started elsewhere, so what is relative to the current folder is made absolute.
    """
    found = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    found[f"{PREFIX}STORE"] = str(settings.store.absolute())
    if settings.source is not None:
        found[f"{PREFIX}JUDGE_FILE"] = str(settings.source.absolute())
    if settings.assets is not None:
        found[f"{PREFIX}ASSETS"] = str(settings.assets.absolute())
    return found


def _check_unjudged(comparison: Comparison) -> None:
    for task in comparison.tasks:
        if not without_judge(task):
            raise ComparisonError(
                f"{comparison.path}: tasks: {task} has no metric that needs no judge, and judge is none: name a judge, "
                "or leave the task out"
            )


def _generate(
    candidate: Candidate, comparison: Comparison, folder: Path, *, python: str, environ: Mapping[str, str]
) -> Step:
    entry, fields = candidate.entry, comparison.fields
    python = python if entry.env is None else str(environment(entry.env).python)
    words = [python, "-m", "lmms_eval", "--model", str(entry.plugin)]
    if entry.model_args:
        words += ["--model_args", text_of(entry.model_args)]
    words += ["--tasks", ",".join(comparison.tasks), "--predict_only", "--output_path", ATTEMPT]
    batch_size = fields.batch_size or ("auto" if candidate.is_ours and entry.gpus else None)
    if batch_size is not None:
        words += ["--batch_size", str(batch_size)]
    if fields.gen_kwargs:
        words += ["--gen_kwargs", text_of(fields.gen_kwargs)]
    return Step(
        run=candidate.id,
        kind="generate",
        words=tuple(words),
        folder=folder / "answers",
        tasks=comparison.tasks,
        environ=environ,
        environment=entry.env,
        gpus=entry.gpus,
        memory_gb=_main_memory(entry),
        minutes=minutes_of(entry, comparison.tasks),
    )


def _main_memory(entry: Entry) -> float | None:
    """Where the weights stay in main memory, all of them; on GPUs they pass through it."""
    return _LOADING_GB if entry.gpus else entry.needed_gb


def _judging(comparison: Comparison, settings: Settings) -> Sequence[str]:
    """The options that say who judges, and how often."""
    fields = comparison.fields
    if fields.judge == NO_JUDGE:
        return ("--protocol", NO_JUDGE)
    repeats = () if fields.repeats is None else ("--repeats", str(fields.repeats))
    wait = ("--wait",) if settings.judge.mode == "batch" else ()
    return ("--judge", settings.judge_name, *repeats, *wait)


def _words_of_judge(folder: Path, judging: Sequence[str]) -> tuple[str, ...]:
    output = ("--output", f"{ATTEMPT}/{SCORED}")
    return ("-m", "lmms_eval_ja", "judge", str(folder / "answers"), *output, *judging)
