"""Which results lie in a folder, of which model: a comparison's own layout, or lmms-eval's files as they lie about."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.finished import JUDGED
from lmms_eval_ja.compare.results import Model, ResultsError
from lmms_eval_ja.models.catalogue import Entry, catalogue

RUNS, SCORES, RUN = "runs", "scores", "run.json"
#: Keys of run.json that are taken as they are.
_TAKEN = ("hub", "plugin", "params_b", "licence", "series", "step", "gpus", "revision")
#: Arguments of a model plugin that name what it loads: lmms-eval's own, vLLM's, and those of models behind an API.
_NAMES = ("pretrained", "model", "model_version")


@dataclass(frozen=True)
class TaskFile:
    """A task's samples file, with the results file beside it."""

    task: str
    samples: Path
    results: Path
    record: Mapping[str, Any] = field(repr=False)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Our section about the task; empty where there is none."""
        found: Mapping[str, Any] = (self.record.get("lmms_eval_ja") or {}).get("tasks", {}).get(self.task) or {}
        return found


@dataclass(frozen=True)
class Found:
    """A model and its files by task; none where it has no results yet."""

    model: Model
    files: Mapping[str, TaskFile]


def find_models(folder: Path) -> list[Found]:
    """The models below a folder, in the order of their ids.

    Args:
        folder: a comparison's OUTPUT (with `runs/`), or any folder with results of lmms-eval. Folders that begin with
            "judged-" are left out, unless `folder` is one.

    Raises:
        ResultsError: no results, half-written ones, two of one task by one model.
    """
    if not folder.is_dir():
        raise ResultsError(f"{folder}: no such folder")
    if (folder / RUNS).is_dir():
        found = [_of_run(path) for path in sorted((folder / RUNS).iterdir()) if path.is_dir()]
    else:
        found = _of_plain(folder)
    if not any(one.files for one in found):
        raise ResultsError(
            f"{folder}: no results found; expected a comparison's folder (runs/<model>/scores), or results that "
            "lmms-eval wrote with --log_samples and --output_path"
        )
    return found


def _of_run(folder: Path) -> Found:
    """A run of a comparison; without a folder of scores it is not complete."""
    stated = _run_json(folder / RUN)
    files: dict[str, TaskFile] = {}
    for file in _files(folder / SCORES):
        if file.task in files:
            raise ResultsError(
                f"two samples files of {file.task} in one run: move one away\n  {files[file.task].samples}\n"
                f"  {file.samples}"
            )
        files[file.task] = file
    return Found(_model(folder.name, stated, files), files)


def _run_json(path: Path) -> dict[str, Any]:
    try:
        stated = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from None
    if not isinstance(stated, dict):
        raise ResultsError(f'{path}: expected an object such as {{"id": "my-model"}}')
    return stated


def _model(id_: str, stated: Mapping[str, Any], files: Mapping[str, TaskFile]) -> Model:
    entries = list(_entries(id_, stated))
    failed = stated.get("failed")
    cause = None if not failed else f"{failed.get('kind')}: {failed.get('cause')}"
    if cause is None and not files:
        cause = "it has no scores yet: start the comparison again"
    known = {name: stated[name] for name in _TAKEN if stated.get(name) is not None}
    return Model(
        id=id_,
        label=str(stated.get("label") or stated.get("id") or id_),
        contaminated_tasks=_together(stated.get("contaminated_tasks"), *(one.contaminated_tasks for one in entries)),
        flags=_together(stated.get("flags"), *(one.flags for one in entries)),
        seconds={k: v for k, v in (stated.get("seconds") or {}).items() if v is not None},
        failed=None if files else cause,
        **known,
    )


def _entries(id_: str, stated: Mapping[str, Any]) -> Iterator[Entry]:
    """The catalogue's entries of a model, by its id and by its repository: their marks hold whatever a file says."""
    arguments = stated.get("args")
    args = arguments if isinstance(arguments, dict) else {}
    names = [stated.get("hub"), *(args.get(name) for name in _NAMES)]
    found = [catalogue().get(str(stated.get("id") or id_)), *(_entries_by_hub().get(str(name)) for name in names)]
    yield from (entry for entry in found if entry is not None)


def _together(*parts: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for part in parts for value in part or ()))


def _files(folder: Path) -> Iterator[TaskFile]:
    """The samples files below a folder that belong to tasks which our results files describe.

    Raises:
        ResultsError: a results file that cannot be read, a file of the two without the other.
    """
    records = {path: _record(path) for path in _below(folder, "*_results.json")}
    expected = set()
    for path, record in records.items():
        for task in (record.get("lmms_eval_ja") or {}).get("tasks") or {}:
            samples = path.with_name(f"{path.name.removesuffix('_results.json')}_samples_{task}.jsonl")
            if not samples.is_file():
                raise ResultsError(
                    f"{samples} is missing, though {path.name} has scores of {task}: the folder is half-written; run "
                    "that model again (with --log_samples)"
                )
            expected.add(samples)
            yield TaskFile(task, samples, path, record)
    for path in _below(folder, "*_samples_*.jsonl"):
        if path in expected:
            continue
        results = path.with_name(f"{path.stem.partition('_samples_')[0]}_results.json")
        if results not in records:
            raise ResultsError(
                f"{path}: {results.name} is missing beside it: the folder is half-written; run that model again"
            )
        if _is_unjudged(records[results]):
            raise ResultsError(
                f"{path}: answers without scores; score them first: lmms-eval-ja judge {path.parent} --output FOLDER"
            )


def _is_unjudged(record: Mapping[str, Any]) -> bool:
    arguments = record["config"].get("resolved_cli_args") or {}
    return bool(arguments.get("predict_only"))


def _below(folder: Path, pattern: str) -> Iterator[Path]:
    for path in sorted(folder.rglob(pattern)):
        if not any(part.startswith(JUDGED) for part in path.relative_to(folder).parts[:-1]):
            yield path


def _record(path: Path) -> Mapping[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: half-written ({error}); run that model again") from None
    if not isinstance(record, dict) or not isinstance(record.get("config"), dict):
        raise ResultsError(f"{path}: not lmms-eval's results: it has no config")
    return record


def _of_plain(folder: Path) -> list[Found]:
    """Files of one model are those with the same model and arguments; where a task is there twice, of one folder."""
    by_model: dict[tuple[str, ...], list[TaskFile]] = defaultdict(list)
    for file in _files(folder):
        by_model[_said(file)].append(file)
    groups: list[list[TaskFile]] = []
    for files in by_model.values():
        if _twice(files) is None:
            groups.append(files)
            continue
        by_folder: dict[Path, list[TaskFile]] = defaultdict(list)
        for file in files:
            by_folder[file.samples.parent].append(file)
        groups += by_folder.values()
    for group in groups:
        if (pair := _twice(group)) is not None:
            raise ResultsError(
                f"two samples files of {pair[0].task} by the same model: name the folder of one run, or move the other "
                f"away\n  {pair[0].samples}\n  {pair[1].samples}"
            )
    named = zip(_names(folder, groups), groups, strict=True)
    return sorted((_plain(name, group) for name, group in named), key=lambda found: found.model.id)


def _said(file: TaskFile) -> tuple[str, ...]:
    return tuple(str(file.record["config"].get(name)) for name in ("model", "model_args"))


def _twice(files: Iterable[TaskFile]) -> tuple[TaskFile, TaskFile] | None:
    seen: dict[str, TaskFile] = {}
    for file in files:
        if file.task in seen:
            return seen[file.task], file
        seen[file.task] = file
    return None


def _names(folder: Path, groups: Sequence[Sequence[TaskFile]]) -> list[str]:
    """A name for each group: the folder below `folder`, else the folder the files lie in, else the model's name."""

    def top(file: TaskFile) -> str:
        return (file.samples.relative_to(folder).parts[:-1] or (folder.name,))[0]

    def sanitized(file: TaskFile) -> str:
        return str(file.record.get("model_name_sanitized") or file.record["config"].get("model"))

    ways = (top, lambda file: file.samples.parent.name, sanitized)
    options = [[_only({way(file) for file in group}) for group in groups] for way in ways]
    counts = [Counter(names) for names in options]
    chosen: list[str] = []
    for n, group in enumerate(groups):
        own = (names[n] for names, count in zip(options, counts, strict=True) if count[names[n]] == 1)
        name = next((name for name in own if name is not None and name not in chosen), None)
        if name is None:
            raise ResultsError(
                f"{group[0].samples}: no name tells this model from the others: put each model into a folder of its "
                f"own below {folder}"
            )
        chosen.append(name)
    return chosen


def _only(names: set[str]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


def _plain(name: str, files: Sequence[TaskFile]) -> Found:
    hub = _hub(files[0].record)
    entry = _entries_by_hub().get(hub) if hub else None
    stated: dict[str, Any] = {"id": name, "hub": hub, "plugin": files[0].record["config"].get("model")}
    if entry is not None:
        stated |= {
            "params_b": entry.params_b,
            "licence": entry.licence,
            "contaminated_tasks": entry.contaminated_tasks,
            "flags": entry.flags,
            "gpus": entry.gpus,
        }
    by_task = {file.task: file for file in files}
    return Found(_model(name, stated, by_task), by_task)


def _hub(record: Mapping[str, Any]) -> str | None:
    """The repository on the hub that `--model_args` names, as far as it can be seen."""
    arguments = record["config"].get("model_args")
    if isinstance(arguments, str):
        pairs = (part.partition("=") for part in arguments.split(","))
        arguments = {name.strip(): value.strip() for name, _, value in pairs}
    given = {name: str(value) for name in _NAMES if (value := (arguments or {}).get(name))}
    # A name without an owner is that of a model behind an API.
    return next((value for name, value in given.items() if name == _NAMES[0] or "/" in value), None)


@cache
def _entries_by_hub() -> dict[str, Entry]:
    entries = [entry for entry in catalogue().values() if entry.hub is not None]
    return {str(entry.hub): entry for entry in reversed(entries)}
