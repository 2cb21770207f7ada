"""`lmms-eval-ja check-task`: is a benchmark's folder what it should be, and if not, what to do."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from lmms_eval_ja.console import console

if TYPE_CHECKING:
    from lmms_eval_ja.doctor import Finding
    from lmms_eval_ja.task_files import TaskFile

_LAST_LINES = 3


def check_task(
    task: Annotated[str, typer.Argument(metavar="NAME|FOLDER", help="A task's folder, or the name of one of ours.")],
) -> None:
    """Check a benchmark's folder, and say for each finding what to do. Exits with 1 when something is broken.

    Looks at the YAML, the functions it names, README and licence; then loads the data, compares its rows, tries how
    answers are read, and runs three documents through lmms-eval with their own references for answers. No judge is
    asked: the one of the trial is `overlap`.

    For example:

    `lmms-eval-ja check-task my_bench_ja`

    `lmms-eval-ja check-task mecha_ja`
    """
    from lmms_eval_ja.doctor import Level
    from lmms_eval_ja.task_files import TaskFileError, find_tasks

    marks = {Level.OK: "[green]ok[/green]", Level.HINT: "[yellow]hint[/yellow]", Level.BROKEN: "[red]broken[/red]"}
    broken = False
    try:
        for found in find_tasks(task):
            table = Table("", "what", "found", "what to do", title=escape(found.name or found.path.name))
            for finding in examine_task(found):
                table.add_row(marks[finding.level], *map(escape, (finding.what, finding.found, finding.fix)))
                broken |= finding.level is Level.BROKEN
            console.print(table)
    except TaskFileError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(int(broken))


def examine_task(task: TaskFile) -> Iterator[Finding]:
    """Look at the files, and where these are right run three documents in a process of their own."""
    from lmms_eval_ja.doctor import Finding, Level
    from lmms_eval_ja.task_findings import examine_files

    broken = False
    for finding in examine_files(task):
        broken |= finding.level is Level.BROKEN
        yield finding
    if broken:
        yield Finding(Level.HINT, "run of three documents", "not tried", "mend what is broken, and check again")
        return
    yield from _tried(task)


def _tried(task: TaskFile) -> Iterator[Finding]:
    """What the trial finds (`task_trial`), in an empty folder, where no judge.toml lies."""
    from lmms_eval_ja.doctor import Finding, Level

    words = [sys.executable, "-m", "lmms_eval_ja.task_trial", str(task.path)]
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(words, cwd=empty, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 (ours)
    for line in done.stdout.splitlines():
        level, what, found, fix = json.loads(line)
        yield Finding(Level(level), what, found, fix)
    if done.returncode:
        last = " ".join(line.strip() for line in done.stderr.splitlines()[-_LAST_LINES:])
        again = "correct what it names; all of it: " + " ".join(["python", *words[1:-1], Path(words[-1]).name])
        yield Finding(Level.BROKEN, "run of three documents", last or f"exit status {done.returncode}", again)
