"""How our models fail: one document by name, or the whole run with a message."""

from __future__ import annotations


class ModelError(SystemExit):
    """A model that cannot be run as asked. An exit: lmms-eval would report an exception and end with status 0."""

    def __init__(self, message: str) -> None:
        super().__init__(f"lmms-eval-ja: {message}")


class DocumentError(Exception):
    """One document that cannot be answered; the run goes on. The message says why, in one line."""
