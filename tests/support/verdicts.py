"""Verdicts that say when somebody waits for them."""

from __future__ import annotations

import threading

from lmms_eval_ja.judges import Verdict


class WatchedVerdict(Verdict):
    """Sets `waited_for` when somebody begins to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_for = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_for.set()
        return super().wait(timeout)
