"""A finished run of lmms-eval, as its files tell of it: samples by task, and what the results files say."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmms_eval_ja.clients.settings import IMAGE_SETTINGS
from lmms_eval_ja.jp_tasks.catalogue import groups
from lmms_eval_ja.models.answers import Answers, read_answers

#: How the folders begin that are written beside the original, and are no originals themselves.
JUDGED = "judged-"


class SamplesError(Exception):
    """Samples that cannot be judged as asked; the message names file, task or row."""


@dataclass(frozen=True)
class Finished:
    """A finished run: its samples by task, and what its results files say, by task as well."""

    folder: Path
    samples: Mapping[str, Answers]
    records: Mapping[str, Mapping[str, Any]]

    @property
    def config(self) -> Mapping[str, Any]:
        """Model, limit and offset, which are the same for all tasks."""
        config: Mapping[str, Any] = next(iter(self.records.values()))["config"]
        return config

    @property
    def image(self) -> str:
        """What of its pictures the model was shown; runs from before there was a choice were given them.

        Raises:
            SamplesError: tasks were run in different ways.
        """
        shown = {
            task: str(((record.get("lmms_eval_ja") or {}).get("settings") or {}).get("image", IMAGE_SETTINGS[0]))
            for task, record in self.records.items()
        }
        first, *others = shown
        if different := [task for task in others if shown[task] != shown[first]]:
            raise SamplesError(
                f"{self.folder}: {first} was run with image = {shown[first]!r}, {different[0]} with "
                f"{shown[different[0]]!r}; name the folder of one run, or --tasks"
            )
        return shown[first]

    def revision(self, task: str) -> str | None:
        """The revision of the dataset that the run recorded for a task, if it did."""
        section = self.records[task].get("lmms_eval_ja") or {}
        judged = section.get("tasks", {}).get(task, {}).get("fingerprint", {}).get("dataset") or {}
        revision: str | None = judged.get("revision") or section.get("data", {}).get(task, {}).get("revision")
        return revision


def find_samples(folder: Path, wanted: Sequence[str] = ()) -> dict[str, Path]:
    """The samples file of each task, or of the tasks and groups that are named; never one of an earlier judging.

    Raises:
        SamplesError: none, a name without a file, two files for one task.
    """
    found = samples_files(folder)
    if not found:
        raise SamplesError(
            f"{folder}: no samples found (*_samples_<task>.jsonl); lmms-eval writes them with --log_samples or "
            "--predict_only, and --output_path"
        )
    names = list(dict.fromkeys(task for name in wanted for task in groups().get(name, [name]))) or sorted(found)
    if unknown := [name for name in names if name not in found]:
        raise SamplesError(
            f"{folder}: no samples of task {unknown[0]!r}; there are those of {', '.join(sorted(found))}"
        )
    for name in names:
        if len(found[name]) > 1:
            paths = "\n  ".join(map(str, found[name]))
            raise SamplesError(
                f"{len(found[name])} samples files of {name}: name the folder of one run, or move the others away\n"
                f"  {paths}"
            )
    return {name: found[name][0] for name in names}


def samples_files(folder: Path) -> dict[str, list[Path]]:
    """All samples files below a folder by task, but none of an earlier judging below it."""
    found = defaultdict(list)
    for path in sorted(folder.rglob("*_samples_*.jsonl")):
        if not any(part.startswith(JUDGED) for part in path.relative_to(folder).parts[:-1]):
            found[path.stem.partition("_samples_")[2]].append(path)
    return dict(found)


def read_samples(path: Path) -> tuple[Answers, dict[str, Any]]:
    """The samples of a task, and the results file that lmms-eval wrote beside them.

    Raises:
        SamplesError, AnswersError: no samples file, a broken line, no results file.
    """
    samples = read_answers(path, "doc_id")
    if samples.kind != "doc_id" or not samples.origin:
        raise SamplesError(f"{path}: not lmms-eval's samples: the first line has no filtered_resps")
    results = path.with_name(f"{path.stem.partition('_samples_')[0]}_results.json")
    try:
        record: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SamplesError(f"{path}: its results file cannot be read: {error}") from None
    if "config" not in record:
        raise SamplesError(f"{results}: not lmms-eval's results: it has no config")
    return samples, record


def read_run(folder: Path, files: Mapping[str, Path]) -> Finished:
    """Samples, and the results files that lmms-eval wrote beside them.

    Raises:
        SamplesError, AnswersError: no samples file, a broken line, no results file, tasks of different models.
    """
    samples, records = {}, {}
    for task, path in files.items():
        samples[task], records[task] = read_samples(path)
    runs = {
        task: tuple(str(record["config"].get(name)) for name in ("model", "model_args", "limit", "offset"))
        for task, record in records.items()
    }
    first, *others = runs
    if different := [task for task in others if runs[task] != runs[first]]:
        raise SamplesError(
            f"{folder}: the samples are of different runs: {first} of {runs[first]}, {different[0]} of "
            f"{runs[different[0]]} (model, its arguments, limit, offset); name the folder of one, or --tasks"
        )
    return Finished(folder, samples, records)
