"""What a comparison says while it runs: a live table on a terminal, a line for each event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.compare.placing import Event
from lmms_eval_ja.compare.plan import Run

if TYPE_CHECKING:
    from typing_extensions import Self

_COLOURS = {"started": "cyan", "finished": "green", "failed": "red", "retry": "yellow"}
_Key = tuple[str, str]


class Progress:
    """Shows events of runs as they come; a context manager."""

    def __init__(self, console: Console, runs: Sequence[Run]) -> None:
        self._console = console
        self._runs = [run.id for run in runs]
        self._done = {(run.id, step.kind) for run in runs for step in run.steps if step.folder.exists()}
        self._began: dict[_Key, float] = {}
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=1, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        """Take in an event."""
        key = (event.step.run, event.step.kind)
        took = ""
        if event.kind == "started":
            self._began[key] = time.monotonic()
        else:
            self._began.pop(key, None)
        if event.kind == "finished":
            self._done.add(key)
            took = f" in {event.outcome.seconds / 60:.1f} min" if event.outcome is not None else ""
        text = (f" {event.text}" if event.kind == "started" else f": {event.text}") if event.text else ""
        now, colour = time.strftime("%H:%M:%S"), _COLOURS[event.kind]
        said = f"{now} {escape(event.step.name)} [{colour}]{event.kind}[/]{took}{escape(text)}"
        self._console.print(said, highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        """Runs that are under way, with their minutes so far, and how many are done."""
        done = sum((run, "judge") in self._done for run in self._runs)
        table = Table(Column("run", no_wrap=True), "generate", "judge", title=f"{done} of {len(self._runs)} runs done")
        for run in dict.fromkeys(run for run, _ in self._began):
            table.add_row(escape(run), self._cell((run, "generate")), self._cell((run, "judge")))
        return table

    def _cell(self, key: _Key) -> str:
        if key in self._began:
            return f"[cyan]for {(time.monotonic() - self._began[key]) / 60:.0f} min[/]"
        return "[green]done[/]" if key in self._done else ""
