"""The models that are known here: how each is run, what it needs, and which of its scores mean little."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

CATALOGUE = Path(__file__).parent / "catalogue.yaml"
#: Weights are in half precision as published; activations, the vision tower and the cache take about a quarter more.
BYTES_PER_PARAMETER = 2
OVERHEAD = 1.25

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Positive = Annotated[float, Field(gt=0)]


class CatalogueError(Exception):
    """A catalogue that cannot be used; the message names file, entry and field."""


class Status(Enum):
    """How far a model was tried."""

    #: Run here with its real weights.
    CHECKED = "checked"
    #: Its plugin passes its tests with tiny random weights or a stand-in; the real weights were not run.
    TINY_ONLY = "tiny_only"
    #: Cannot be run; the note says why.
    UNSUPPORTED = "unsupported"


class Entry(BaseModel):
    """A model; what nobody stated is None.

    Attributes:
        id: name of the entry.
        hub: its repository on the Hugging Face hub; None for an API model.
        revision: commit on the hub; None takes the newest, which the results then record.
        plugin: what stands after `--model`; None only if unsupported.
        args: what else stands after `--model_args`, besides `pretrained` and `revision`.
        env: environment of its family (`envs/`); None is the one that lmms-eval-ja is installed in.
        gpus: how many of 80 GB it takes at least; 0 for an API model.
        memory_gb: of GPU memory, measured; see `needed_gb` for an estimate.
        params_b: billions of parameters, as its name, its card or the LLM-jp-3 VILA paper's Table 7 says.
        minutes_estimate: of a run of `japanese_vlm` on `gpus`, measured.
        licence: of the weights.
        contaminated_tasks: tasks whose images or questions are in its training data: shown, never ranked.
        flags: weaker marks: `in_domain` (trained on another part of a benchmark's source), `teacher_is_judge`
            (trained on answers of the model that judged it in the paper).
        status: how far it was tried.
        note: what else there is to know; why it is unsupported.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: Name
    hub: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    revision: str | None = None
    plugin: str | None = None
    args: dict[str, bool | int | float | str] = {}
    env: str | None = None
    gpus: Annotated[int, Field(ge=0)] = 1
    memory_gb: Positive | None = None
    params_b: Positive | None = None
    minutes_estimate: Positive | None = None
    licence: str | None = None
    contaminated_tasks: tuple[str, ...] = ()
    flags: tuple[Literal["in_domain", "teacher_is_judge"], ...] = ()
    status: Status
    note: str = ""

    @model_validator(mode="after")
    def _holds_together(self) -> Entry:
        if self.status is Status.UNSUPPORTED:
            if not self.note:
                raise ValueError("note: say why it is unsupported")
        elif self.plugin is None:
            raise ValueError("plugin: state one, or status: unsupported")
        if self.revision is not None and self.hub is None:
            raise ValueError("revision: there is no hub repository that it could be of")
        return self

    @property
    def needed_gb(self) -> float | None:
        """GPU memory in GB: measured, else `params_b` times 2 bytes times 1.25; None if neither is known."""
        if self.memory_gb is not None or self.params_b is None:
            return self.memory_gb
        return self.params_b * BYTES_PER_PARAMETER * OVERHEAD

    @property
    def model_args(self) -> dict[str, bool | int | float | str]:
        """All that stands after `--model_args`; on several GPUs the layers are spread over them."""
        named = {"pretrained": self.hub, "revision": self.revision}
        spread = {"device_map": "auto"} if self.gpus > 1 else {}
        return {name: value for name, value in named.items() if value is not None} | spread | self.args

    @property
    def runs_remote_code(self) -> bool:
        """Whether its repository's own Python code is run."""
        return self.args.get("trust_remote_code") is True


def read_catalogue(path: Path = CATALOGUE) -> dict[str, Entry]:
    """Read a catalogue: a YAML list of entries.

    Returns:
        The entries by id, in the file's order.

    Raises:
        CatalogueError: not there, no list, an unknown or wrong field, an id that stands twice.
    """
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CatalogueError(f"{path}: {error}") from None
    if not isinstance(rows, list):
        raise CatalogueError(f"{path}: expected a list of entries (- id: …)")
    entries = [_entry(path, number, row) for number, row in enumerate(rows, start=1)]
    twice = [name for name, count in Counter(entry.id for entry in entries).items() if count > 1]
    if twice:
        raise CatalogueError(f"{path}: entry {twice[0]!r} stands twice")
    return {entry.id: entry for entry in entries}


@cache
def catalogue() -> dict[str, Entry]:
    """The entries that come with this package, by id."""
    return read_catalogue()


def _entry(path: Path, number: int, row: Any) -> Entry:
    name = repr(row["id"]) if isinstance(row, dict) and isinstance(row.get("id"), str) else f"number {number}"
    if not isinstance(row, dict):
        raise CatalogueError(f"{path}: entry {name}: expected fields ({', '.join(Entry.model_fields)})")
    try:
        return Entry.model_validate(row)
    except ValidationError as error:
        raise CatalogueError(
            "\n".join(f"{path}: entry {name}: {_problem(fault)}" for fault in error.errors())
        ) from None


def _problem(fault: Any) -> str:
    field = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"{field}: unknown field; expected some of {', '.join(Entry.model_fields)}"
    if fault["type"] == "value_error":
        return str(fault["msg"]).removeprefix("Value error, ")
    return f"{field}: {fault['msg']}"
