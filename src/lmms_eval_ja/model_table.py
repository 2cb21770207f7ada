"""`lmms-eval-ja models`: the catalogue as a table, and for one entry the command that runs it."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.console import console

if TYPE_CHECKING:
    from lmms_eval_ja.models.catalogue import Entry

_TASKS = "japanese_vlm"


def models(
    model: Annotated[str | None, typer.Argument(metavar="[ID]", help="Show this entry in full.")] = None,
) -> None:
    """List the catalogue of models, or one of them with the command that runs it.

    The environment of a family is made by `lmms-eval-ja env create`. `~` before the memory: estimated by parameters x 2
    bytes x 1.25. What a model was trained on marks its scores: contaminated tasks are shown, never ranked.

    For example:

    `lmms-eval-ja models`

    `lmms-eval-ja models llm-jp-3-vila-14b`
    """
    from lmms_eval_ja.models.catalogue import catalogue

    entries = catalogue()
    if model is None:
        console.print(_table(list(entries.values())))
        return
    if model not in entries:
        near = difflib.get_close_matches(model.lower(), entries, n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; see lmms-eval-ja models"
        typer.secho(f"error: unknown model {model!r}{hint}", fg="red", err=True)
        raise typer.Exit(1)
    for line in described(entries[model]):
        console.print(escape(line), highlight=False, soft_wrap=True)


def command(entry: Entry) -> list[str]:
    """The shell commands that evaluate a model, the last being lmms-eval's; empty where it is unsupported."""
    from lmms_eval_ja.models.catalogue import Status
    from lmms_eval_ja.models.environments import environment

    if entry.status is Status.UNSUPPORTED or entry.plugin is None:
        return []
    words = ["lmms-eval", "--model", entry.plugin]
    words += ["--model_args", ",".join(f"{name}={value}" for name, value in entry.model_args.items())]
    words += ["--tasks", _TASKS, *(["--batch_size", "auto"] if entry.gpus else [])]
    words += ["--log_samples", "--output_path", f"results/{entry.id}"]
    if entry.env is None:
        return [shlex.join(words)]
    inside = [str(environment(entry.env).python), "-m", "lmms_eval", *words[1:]]
    return [f"lmms-eval-ja env create {entry.env}", shlex.join(inside)]


def described(entry: Entry) -> Iterator[str]:
    """One line for each field of an entry, then how to run it."""
    unknown = "not known"
    width = max(len(name) for name in type(entry).model_fields)
    for name in type(entry).model_fields:
        value = getattr(entry, name)
        if name == "memory_gb":
            shown = _memory(entry) or unknown
        elif name == "status":
            shown = value.value
        elif isinstance(value, tuple):
            shown = ", ".join(value) or "none"
        elif isinstance(value, dict):
            shown = ", ".join(f"{key}={part}" for key, part in value.items()) or "none"
        elif name == "env" and value is None:
            shown = "this one"
        else:
            shown = unknown if value is None else str(value)
        if shown:
            yield f"{name:<{width}}  {shown}"
    yield ""
    lines = command(entry)
    if not lines:
        yield "It cannot be run; the note says why."
        return
    if entry.runs_remote_code:
        yield f"trust_remote_code=True lets Python code of {entry.hub} run on this machine: look at it first."
    yield from lines


def _table(entries: list[Entry]) -> Table:
    numbers = (Column("billions", justify="right"), Column("GB", justify="right"), Column("GPUs", justify="right"))
    table = Table(
        Column("id", no_wrap=True), Column("hub", overflow="fold"), "plugin", "env", *numbers, "status", "marks"
    )
    for entry in entries:
        size = "" if entry.params_b is None else f"{entry.params_b:g}"
        described_as = (entry.id, entry.hub or "", entry.plugin or "", entry.env or "")
        needs = (size, _memory(entry), str(entry.gpus) if entry.gpus else "API")
        table.add_row(*map(escape, (*described_as, *needs, entry.status.value, _marks(entry))))
    return table


def _memory(entry: Entry) -> str:
    if entry.needed_gb is None:
        return ""
    return f"{entry.memory_gb:.0f}" if entry.memory_gb is not None else f"~{entry.needed_gb:.0f}"


def _marks(entry: Entry) -> str:
    contaminated = [f"{', '.join(entry.contaminated_tasks)} (not ranked)"] if entry.contaminated_tasks else []
    return ", ".join([*contaminated, *entry.flags])
