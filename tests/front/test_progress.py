"""What a comparison says while it runs, on a terminal and into a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from lmms_eval_ja.compare.attempt import Outcome
from lmms_eval_ja.compare.file import read_comparison
from lmms_eval_ja.compare.placing import Event
from lmms_eval_ja.compare.plan import Run, plan_of
from lmms_eval_ja.progress import Progress
from support.comparison_file import GOOD, written


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return plan_of(read_comparison(written(tmp_path, GOOD))).runs[0]


def said(run: Run, *, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=200, color_system=None)
    with Progress(console, [run]) as progress:
        progress.show(Event("started", run.generate, "on node [red]1"))
        progress.show(Event("retry", run.generate, "the machine was lost; try 2"))
        progress.show(Event("started", run.generate, "on node 2"))
        if terminal:
            progress._live.refresh()
        progress.show(Event("finished", run.generate, "", Outcome(run.generate, complete=True, seconds=90)))
        failed = Outcome(run.judge, complete=False, cause="no key", attempt=1)
        progress.show(Event("failed", run.judge, "no key", failed))
    return out.getvalue()


def test_lines_in_a_pipe(run: Run) -> None:
    lines = [line.partition(" ")[2] for line in said(run, terminal=False).splitlines()]
    assert lines == [
        "qwen2-vl-7b-instruct: generate started on node [red]1",
        "qwen2-vl-7b-instruct: generate retry: the machine was lost; try 2",
        "qwen2-vl-7b-instruct: generate started on node 2",
        "qwen2-vl-7b-instruct: generate finished in 1.5 min",
        "qwen2-vl-7b-instruct: judge failed: no key",
    ]


def test_a_table_on_a_terminal(run: Run) -> None:
    text = said(run, terminal=True)
    assert "0 of 1 runs done" in text
    assert "for 0 min" in text
    assert "qwen2-vl-7b-instruct: judge failed: no key" in text
