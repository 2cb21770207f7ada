"""A verdict: a score, or a named failure. Never a number for a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Failure = Literal["transport", "key", "budget", "refusal", "filter", "parse", "range", "generation", "picture"]
#: Failures that another run can mend: the task is incomplete.
PASSING_FAILURES = frozenset({"transport", "key", "budget", "generation"})
#: A document whose picture is gone from the web. It is no part of the benchmark as it can be run, and never judged.
NO_PICTURE: Failure = "picture"
#: Failures of reading a reply; the others are failures of getting one.
PARSE_FAILURES = frozenset({"parse", "range"})
_lock = threading.Lock()


@dataclass(frozen=True)
class Paid:
    """What a verdict made this run send: requests, and their price in US dollars (None: of an unknown price)."""

    requests: int = 0
    usd: float | None = 0.0


class Verdict(dict[str, Any]):
    """A dict that is filled in place when the judge has answered, so that it may be written as JSON as it is.

    Keys, once done: `score` and `reference_score` (mean over the runs, None on failure), `failure` (None or a
    `Failure`), `reason`, `protocol`, `judge` (the model asked), `models` (as the server reports them, sorted), `usage`
    (of all replies, whoever paid for them) and `runs` (per repeat; see `judges/content.py`). `paid` is no part of the
    content: it differs when the same verdict comes from the store. Pickling waits for the verdict.
    """

    def __init__(self) -> None:
        super().__init__(pending=True)
        self.done = False
        self.paid = Paid()
        self._waited_for: threading.Event | None = None  # made when somebody waits: making one takes its time

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the verdict is final; False when the time is over."""
        if self.done:
            return True
        with _lock:
            if self._waited_for is None:
                self._waited_for = threading.Event()
            if self.done:
                return True
        return self._waited_for.wait(timeout)

    def finish(self, content: dict[str, Any], paid: Paid | None = None) -> None:
        """Make the verdict final."""
        self.clear()
        self.update(content)
        if paid is not None:
            self.paid = paid
        with _lock:
            self.done = True
        if self._waited_for is not None:
            self._waited_for.set()

    def __reduce__(self) -> tuple[Callable[[dict[str, Any], Paid], Verdict], tuple[dict[str, Any], Paid]]:
        self.wait()
        return _restored, (dict(self), self.paid)


def _restored(content: dict[str, Any], paid: Paid) -> Verdict:
    verdict = Verdict()
    verdict.finish(content, paid)
    return verdict
