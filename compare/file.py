"""`comparison.yaml`: what is to be compared, read and checked before anything starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lmms_eval_ja.compare.candidates import Candidate, candidates_of
from lmms_eval_ja.compare.faults import ComparisonError, in_words, unknown
from lmms_eval_ja.compare.model_args import ArgumentError, text_of
from lmms_eval_ja.jp_tasks.catalogue import groups, tasks

#: In place of a judge's name: only what needs no judge is computed.
NO_JUDGE = "none"


class Fields(BaseModel):
    """The fields of the file, as they stand there.

    Attributes:
        output: folder of the comparison, relative to the file.
        title: of the report.
        tasks: names of tasks and groups.
        judge: a judge of judge.toml or a built-in one; `none` for metrics without a judge; by default judge.toml's.
        repeats: how often each answer is judged; by default the judge's own.
        batch_size: lmms-eval's, for all models; by default `auto` for models of ours on GPUs.
        gen_kwargs: lmms-eval's, for all models.
        gpus: how many to use on this machine; by default all.
        models: ids of the catalogue, or entries in full.
        baseline: id of the model that the others are set against.
        published: whether published figures stand beside ours.
        mix_fingerprints: whether scores of different fingerprints are ranked against each other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    output: Path | None = None
    title: str | None = None
    tasks: Annotated[list[str], Field(min_length=1)]
    judge: str | None = None
    repeats: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | str | None = None
    gen_kwargs: dict[str, bool | int | float | str] = {}
    gpus: Annotated[int, Field(ge=0)] | None = None
    models: Annotated[list[Any], Field(min_length=1)]
    baseline: str | None = None
    published: bool = True
    mix_fingerprints: bool = False


@dataclass(frozen=True)
class Comparison:
    """A file that was found to hold together: `Fields`, with the output absolute, groups opened, models looked up."""

    path: Path
    output: Path
    fields: Fields
    tasks: tuple[str, ...]
    models: tuple[Candidate, ...]

    @property
    def title(self) -> str:
        """As stated, else the output folder's name."""
        return self.fields.title or self.output.name


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := [key for key, count in Counter(map(str, keys)).items() if count > 1]:
            line = node.start_mark.line + 1
            raise yaml.YAMLError(f"the key {twice[0]!r} stands twice in the entry that begins in line {line}")
        return super().construct_mapping(node, deep=deep)


def read_comparison(path: Path, output: Path | None = None) -> Comparison:
    """Read and check a file.

    Args:
        path: of the file.
        output: instead of the file's own.

    Raises:
        ComparisonError: not there, no mapping, an unknown or wrong field, task, model or environment, two entries of
            one name, no output, no checkpoint; names file and field, and the nearest valid name.
    """
    row = _read(path)
    try:
        fields = Fields.model_validate(row)
    except ValidationError as error:
        raise ComparisonError("\n".join(f"{path}: {in_words(fault, Fields)}" for fault in error.errors())) from None
    folder = path.resolve().parent
    if output is None:
        if fields.output is None:
            raise ComparisonError(f"{path}: output is missing: the folder that the comparison is written to")
        output = folder / fields.output.expanduser()
    models = tuple(candidates_of(fields.models, path))
    _check_names(path, models, fields)
    try:
        text_of(fields.gen_kwargs)
    except ArgumentError as error:
        raise ComparisonError(f"{path}: gen_kwargs: {error}") from None
    if isinstance(fields.batch_size, str) and fields.batch_size != "auto":
        raise ComparisonError(f"{path}: batch_size: expected a whole number from 1, or auto; got {fields.batch_size!r}")
    return Comparison(path, Path(output).absolute(), fields, _tasks(path, fields.tasks), models)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        row = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ComparisonError(f"{path}: {error}") from None
    if not isinstance(row, dict):
        raise ComparisonError(f"{path}: expected fields ({', '.join(Fields.model_fields)})")
    return {str(key): value for key, value in row.items()}


def _tasks(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    """The names of tasks, groups opened, each once."""
    known, members = {task.name for task in tasks()}, groups()
    for name in names:
        if name not in known and name not in members:
            raise ComparisonError(f"{path}: tasks: {unknown('task', name, [*members, *sorted(known)])}")
    return tuple(dict.fromkeys(task for name in names for task in members.get(name, [name])))


def _check_names(path: Path, models: Sequence[Candidate], fields: Fields) -> None:
    ids = [model.id for model in models]
    if twice := [name for name, count in Counter(ids).items() if count > 1]:
        raise ComparisonError(f"{path}: models: two entries are named {twice[0]!r}; give one of them another id")
    shown = Counter(model.label or model.id for model in models if model.series is None)
    if twice := [name for name, count in shown.items() if count > 1]:
        raise ComparisonError(f"{path}: models: two entries are shown as {twice[0]!r}; give one of them another label")
    if fields.baseline is not None and fields.baseline not in ids:
        raise ComparisonError(f"{path}: baseline: {unknown('model', fields.baseline, ids)}")
    known = {task.name for task in tasks()}
    for model in models:
        for task in model.entry.contaminated_tasks:
            if task not in known:
                fault = unknown("task", task, sorted(known))
                raise ComparisonError(f"{path}: models: {model.id}: contaminated_tasks: {fault}")
