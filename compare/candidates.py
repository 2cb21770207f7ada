"""The models of a comparison: ids of the catalogue, entries in full, and folders of training checkpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lmms_eval_ja.clients.settings import without_userinfo
from lmms_eval_ja.compare.faults import ComparisonError, in_words, unknown
from lmms_eval_ja.compare.model_args import ArgumentError, text_of
from lmms_eval_ja.models import MANIFESTS
from lmms_eval_ja.models.catalogue import Entry, Status, catalogue
from lmms_eval_ja.models.environments import names as environment_names

#: What an entry of a comparison may hold besides the fields of the catalogue.
MORE_FIELDS = ("label", "checkpoints")
#: A checkpoint's folder: its name ends in the step, as in checkpoint-1000, step_2000, global_step3000.
STEP = re.compile(r"(\d+)$")
REPLAY = "replay"
#: How arguments are named that hold a secret.
_SECRET = re.compile(r"(^|_)(api_?key|token|secret|password)$", re.IGNORECASE)
#: Arguments that name a file or folder.
_PATHS = ("answers", "pretrained", "chat_template", "offload_folder", "answer_log")


@dataclass(frozen=True)
class Candidate:
    """A model of a comparison, which becomes one run.

    Attributes:
        entry: how it is run; paths in it are absolute.
        label: how it is shown, if not by its id.
        series: id of the entry whose folder of checkpoints it is from.
        step: of training.
        args: as they stand in the file or the catalogue, by which a change is noticed; a path stays as it was written.
    """

    entry: Entry
    label: str | None = None
    series: str | None = None
    step: int | None = None
    args: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        """Of the model, of its run, and of the run's folder."""
        return self.entry.id

    @property
    def is_ours(self) -> bool:
        """Whether its plugin is one of this package."""
        return self.entry.plugin in MANIFESTS


def candidates_of(rows: Sequence[Any], path: Path) -> Iterator[Candidate]:
    """The models that a file lists, with a candidate for each checkpoint of a series.

    Args:
        rows: of the file's field `models`.
        path: the file, which relative paths are relative to.

    Raises:
        ComparisonError: an unknown id, field or environment; an entry that cannot be run; a folder without checkpoints.
    """
    for number, row in enumerate(rows, start=1):
        if isinstance(row, str):
            yield _known(row, f"{path}: models: {row}")
        elif isinstance(row, dict) and isinstance(row.get("id"), str):
            yield from _stated(row, path)
        else:
            raise ComparisonError(f"{path}: models: entry {number}: expected an id of the catalogue, or fields with id")


def _known(name: str, where: str) -> Candidate:
    entries = catalogue()
    if name not in entries:
        hint = "; a model that is not in the catalogue is stated in full (- id: …, plugin: …, args: …)"
        raise ComparisonError(f"{where}: {unknown('model', name, list(entries))}{hint}")
    entry = entries[name]
    _check_runs(entry, where)
    return Candidate(entry, args=dict(entry.args))


def _stated(row: Mapping[str, Any], path: Path) -> Iterator[Candidate]:
    where = f"{path}: models: {row['id']}"
    own = {name: value for name, value in row.items() if name not in MORE_FIELDS}
    base = catalogue().get(row["id"])
    if base is not None and "plugin" not in own:
        own = base.model_dump(exclude_unset=True) | own | {"args": base.args | (own.get("args") or {})}
    elif own.get("plugin") == REPLAY:
        own = {"gpus": 0} | own
    own = _marks_of_known(own) | own
    entry = _validated({"status": Status.TINY_ONLY} | own, where)
    _check_runs(entry, where)
    label = row.get("label")
    if label is not None and not isinstance(label, str):
        raise ComparisonError(f"{where}: label: expected a text, got {label!r}")
    if row.get("checkpoints") is None:
        yield _located(Candidate(entry, label, args=dict(entry.args)), path.resolve().parent, where)
    else:
        yield from _series(entry, label, row["checkpoints"], path.resolve().parent, where)


def _marks_of_known(own: Mapping[str, Any]) -> dict[str, Any]:
    """What the catalogue knows of the same model, by id or by repository, whatever runs it: above all contamination."""
    entries = catalogue()
    same_hub = (entry for entry in entries.values() if entry.hub and entry.hub == own.get("hub"))
    known = entries.get(own["id"]) or next(same_hub, None)
    names = ("contaminated_tasks", "flags", "licence", "params_b")
    return {name: getattr(known, name) for name in names} if known is not None else {}


def _validated(fields: Mapping[str, Any], where: str) -> Entry:
    try:
        return Entry.model_validate(fields)
    except ValidationError as error:
        faults = [_sentence(fault) for fault in error.errors()]
        raise ComparisonError("\n".join(f"{where}: {fault}" for fault in faults)) from None


def _sentence(fault: Any) -> str:
    if fault["loc"] == ("id",):
        return "id: it names a folder: expected lower-case letters, digits, dots, dashes and underscores"
    if fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1:
        return unknown("field", str(fault["loc"][0]), [*Entry.model_fields, *MORE_FIELDS])
    return in_words(fault, Entry)


def _check_runs(entry: Entry, where: str) -> None:
    if entry.status is Status.UNSUPPORTED:
        raise ComparisonError(f"{where}: it cannot be run: {entry.note}")
    if entry.env is not None and entry.env not in environment_names():
        raise ComparisonError(f"{where}: env: {unknown('environment', entry.env, environment_names())}")
    for name, value in entry.args.items():
        if _SECRET.search(name) or (isinstance(value, str) and without_userinfo(value) != value):
            raise ComparisonError(
                f"{where}: args: {name}: a secret does not belong in the file, which is copied and bundled; set the "
                "provider's variable instead (ja_api: OPENAI_API_KEY, or the one that api_key_env names)"
            )
    try:
        text_of(entry.model_args)
    except ArgumentError as error:
        raise ComparisonError(f"{where}: args: {error}") from None


def _located(candidate: Candidate, folder: Path, where: str) -> Candidate:
    """The same with absolute paths: answers always, others where the file's folder has them, or with a dot in front."""
    args = dict(candidate.entry.args)
    for name in _PATHS:
        value = args.get(name)
        if not isinstance(value, str):
            continue
        found = folder / Path(value).expanduser()
        if name == "answers" and not found.exists():
            raise ComparisonError(f"{where}: args: answers: there is no such file or folder: {found}")
        if found.exists() or value.startswith(("~", "./", "../")):
            args[name] = str(found.resolve())
    located = candidate.entry.model_copy(update={"args": args})
    _check_runs(located, where)
    return Candidate(located, candidate.label, candidate.series, candidate.step, candidate.args)


def _series(entry: Entry, label: str | None, stated: Any, base: Path, where: str) -> Iterator[Candidate]:
    """One candidate for each checkpoint, in the order of training."""
    name = "answers" if entry.plugin == REPLAY else "pretrained"
    if not isinstance(stated, str):
        raise ComparisonError(f"{where}: checkpoints: expected a folder, got {stated!r}")
    if name in entry.args or entry.hub is not None:
        raise ComparisonError(f"{where}: checkpoints take the place of {name} and hub: state either")
    folder = base / Path(stated).expanduser()
    if not folder.is_dir():
        raise ComparisonError(f"{where}: checkpoints: {folder} is no folder")
    found: dict[int, Path] = {}
    for part in sorted(folder.iterdir()):
        # A trainer writes into tmp-… or .… and renames it when it is whole.
        if not part.is_dir() or part.name.startswith((".", "tmp")) or not (match := STEP.search(part.name)):
            continue
        step = int(match[1])
        if step in found:
            raise ComparisonError(f"{where}: checkpoints: two folders of step {step}: {found[step]} and {part}")
        found[step] = part
    if not found:
        raise ComparisonError(
            f"{where}: checkpoints: {folder} holds no checkpoint, a folder whose name ends in its step "
            "(checkpoint-1000, step_2000)"
        )
    for step, part in sorted(found.items()):
        args = entry.args | {name: str(part.resolve())}
        one = entry.model_copy(update={"id": f"{entry.id}-{step}", "args": args})
        _check_runs(one, where)
        written = entry.args | {name: f"{stated.rstrip('/')}/{part.name}"}
        yield Candidate(one, label and f"{label} ({step:,})", entry.id, step, written)
