"""`lmms-eval-ja export`: tasks and models of ours as lmms-eval's own, in a checkout of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from lmms_eval_ja.console import console


def export(
    names: Annotated[list[str], typer.Argument(metavar="TASK…", help="Tasks of ours, and models, by name.")],
    *,
    to: Annotated[Path, typer.Option(metavar="CHECKOUT", help="A checkout of lmms-eval.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: exit with 1 and name files not up to date or left over.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there and differ, edited ones too.")
    ] = False,
) -> None:
    """Write tasks and models into a checkout of lmms-eval, as its own: they need nothing of this package.

    A task gets a folder in lmms_eval/tasks with YAML, functions, data files and README, and a test in test/eval; judges
    are asked through lmms-eval's llm_judge. A model gets its chat class, an entry in the registry and a test in
    test/models. Files that are there and differ are replaced only with --overwrite. Needs black and isort, of the
    versions that lmms-eval's pre-commit has:
    `pip install black==25.1.0 isort==6.0.1`.

    For example:

    `lmms-eval-ja export heron_bench_ja llm_jp_vila --to ../lmms-eval`

    `lmms-eval-ja export heron_bench_ja ja_vg_vqa_500 --to ../lmms-eval --check`
    """
    from lmms_eval_ja.exporting.files import checked_checkout, differing, left_over, written
    from lmms_eval_ja.exporting.modules import ExportError

    try:
        checkout = checked_checkout(to.expanduser())
        files = {path: content for name in dict.fromkeys(names) for path, content in _exported(name, checkout).items()}
        changed = differing(files, checkout) if check else written(files, checkout, overwrite=overwrite)
        others = left_over(files, checkout) if check else []
    except (ExportError, OSError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    for path in files:
        if path in changed:
            console.print(escape(f"{'not up to date' if check else 'written'}: {path}"), soft_wrap=True)
    for path in others:
        console.print(escape(f"left over: {path}"), soft_wrap=True)
    if not changed and not others:
        console.print(f"up to date: {len(files)} files of {', '.join(dict.fromkeys(names))}")
    if check and (changed or others):
        raise typer.Exit(1)


def _exported(name: str, checkout: Path) -> dict[str, bytes]:
    """The files of a task or a model."""
    from lmms_eval_ja.exporting.models import MODELS, exported_model
    from lmms_eval_ja.exporting.modules import ExportError
    from lmms_eval_ja.exporting.tasks import described, exported_task

    if name in MODELS:
        return exported_model(name, checkout)
    if name not in described():
        raise ExportError(f"{name} cannot be exported: expected one of {', '.join([*described(), *MODELS])}")
    return exported_task(name)
