"""A verdict: a score, or a named failure. Never a number for a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Literal

Failure = Literal["transport", "key", "refusal", "filter", "parse", "range", "generation"]
#: Failures that another run can mend: the task is incomplete.
PASSING_FAILURES = frozenset({"transport", "key", "generation"})
#: Failures of reading a reply; the others are failures of getting one.
PARSE_FAILURES = frozenset({"parse", "range"})


class Verdict(dict[str, Any]):
    """A dict that is filled in place when the judge has answered, so that it may be written as JSON as it is.

    Keys, once done: `score` and `reference_score` (mean over the runs, None on failure), `failure` (None or a
    `Failure`), `reason`, `protocol`, `judge` (the model asked), `models` (as the server reports them, sorted) and
    `runs` (per repeat: `score`, `reference_score`, `failure`, `reason`, `replies`). Pickling waits for the verdict.
    """

    def __init__(self) -> None:
        super().__init__(pending=True)
        self._done = threading.Event()

    @property
    def done(self) -> bool:
        """Whether the verdict is final."""
        return self._done.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the verdict is final; False when the time is over."""
        return self._done.wait(timeout)

    def finish(self, content: dict[str, Any]) -> None:
        """Make the verdict final."""
        self.clear()
        self.update(content)
        self._done.set()

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], Verdict], tuple[dict[str, Any]]]:
        self.wait()
        return _restored, (dict(self),)


def _restored(content: dict[str, Any]) -> Verdict:
    verdict = Verdict()
    verdict.finish(content)
    return verdict
