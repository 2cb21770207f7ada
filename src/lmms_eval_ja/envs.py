"""`lmms-eval-ja env`: the environments of the model families, made, checked, removed and listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.console import console

app = typer.Typer(
    name="env",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help=(
        "Make, check, remove and list the environments of model families whose code needs another transformers.\n\n"
        "The first takes about 6.5 GB, further ones little, since uv links what it has. "
        "Example: `lmms-eval-ja env create sarashina2`"
    ),
)

_Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Of the family; see `lmms-eval-ja env list`.")]
_Folder = Annotated[
    Path | None, typer.Option(help="Holds the environments; by default a folder in the user's data folder.")
]


@app.command()
def create(names: _Names, folder: _Folder = None) -> None:
    """Make environments with uv; what is there and up to date stays, what is outdated is made anew.

    Example: `lmms-eval-ja env create sarashina2 sarashina22`
    """
    from lmms_eval_ja.models import environments

    with _told():
        for name in names:
            environments.create(name, folder, report=_say)


@app.command()
def check(names: _Names, folder: _Folder = None) -> None:
    """Import lmms-eval, transformers and this package in environments. Exits with 1 when one is missing or broken.

    Example: `lmms-eval-ja env check sarashina2`
    """
    from lmms_eval_ja.models import environments
    from lmms_eval_ja.models.uv import EnvironmentFault

    faults = 0
    for name in names:
        try:
            _say(f"{name}: {environments.check(name, folder)}")
        except EnvironmentFault as error:
            typer.secho(f"error: {error}", fg="red", err=True)
            faults += 1
    raise typer.Exit(int(faults > 0))


@app.command()
def remove(names: _Names, folder: _Folder = None) -> None:
    """Delete environments; what uv keeps in its cache stays.

    Example: `lmms-eval-ja env remove sarashina2`
    """
    from lmms_eval_ja.models import environments

    with _told():
        for name in names:
            _say(f"{name}: {'removed' if environments.remove(name, folder) else 'was not there'}")


@app.command("list")
def list_command(folder: _Folder = None) -> None:
    """List the environments with their transformers, what is made of them, and the models that need them.

    Example: `lmms-eval-ja env list`
    """
    from lmms_eval_ja.models import environments
    from lmms_eval_ja.models.catalogue import catalogue

    table = Table(Column("name", no_wrap=True), "transformers", "state", Column("models", overflow="fold"))
    for name in environments.names():
        found = environments.environment(name, folder)
        models = ", ".join(entry.id for entry in catalogue().values() if entry.env == name)
        table.add_row(name, found.pinned("transformers"), found.state().value, models)
    console.print(table)
    _say(f"In {folder or environments.default_folder()}")


def _say(line: str) -> None:
    console.print(escape(line), highlight=False, soft_wrap=True)


@contextmanager
def _told() -> Iterator[None]:
    from lmms_eval_ja.models.uv import EnvironmentFault

    try:
        yield
    except EnvironmentFault as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
