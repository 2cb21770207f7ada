"""Why a command failed, in one line, and what to do about it: from its log, its exit status and the disk.

The log's text is a model's or a server's: control characters are taken out, keys are hidden, and it is cut.
"""

from __future__ import annotations

import re
import shutil
import signal
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from lmms_eval_ja.compare.signs import SIGNALS, SIGNS

#: How much of a log's end is read, in bytes.
_TAIL = 512 * 1024
_LONGEST = 300
_LONGEST_LINE = 2000
#: With less than this left, the disk is what is wrong, in bytes.
_FULL = 20 * 1024 * 1024

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
_KEYS = re.compile(r"\b((?:sk|hf|pk|AIza)[-_]?)[A-Za-z0-9_-]{12,}")
_ERROR_LINE = re.compile(r"(?:^|[\s|])(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Fault|Exit)\b(?::.*|$)")
#: Lines that tell of no failure: a sign on one of them counts only where no line tells of any.
_HARMLESS = re.compile(r"\|\s*(?:WARNING|INFO|DEBUG|SUCCESS)\s*\||^\s*(?:WARNING|INFO|DEBUG)\b|Warning\b")
_SAYS_ERROR = re.compile(r"error|fail|fatal|cannot|can't|unable", re.IGNORECASE)


def cause(log: Path, status: int, *, lack: str | None = None, environment: str | None = None) -> str:
    """Say in one line why a command failed, and what to do.

    Args:
        log: what it wrote.
        status: its exit status; negative is the signal that ended it.
        lack: what is missing of what it should have written, where that was looked at.
        environment: the family whose environment it ran in, None for this one.
    """
    lines = list(_lines(_tail(log)))
    if status in {-signal.SIGKILL, -signal.SIGTERM}:
        return SIGNALS[signal.Signals(-status)]
    loud = [line for line in lines if not _HARMLESS.search(line)]
    said = _last_error(loud)
    if found := _explained(loud, environment) or (not said and _explained(lines, environment)):
        return found
    if shutil.disk_usage(log.parent).free < _FULL:
        return f"the disk is full: free some space at {log.parent}, then run it again"
    said = said or (clean(lines[-1]) if lines else "it said nothing")
    return f"{lack or _ended(status)}: {said}"


def clean(text: str, longest: int = _LONGEST) -> str:
    """A text from outside as a line that can be shown: no control characters, no keys, cut."""
    plain = _ESCAPES.sub("", text[:_LONGEST_LINE])
    plain = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in plain)
    plain = _KEYS.sub(r"\1…", " ".join(plain.split()))
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL))
        return file.read().decode("utf-8", errors="replace")


def _lines(text: str) -> Iterator[str]:
    """The lines of a log, without what merely looks good on a terminal."""
    for line in re.split(r"[\r\n]+", _ESCAPES.sub("", text)):
        if line.strip() and not line.startswith("# "):
            yield line


def _explained(lines: Sequence[str], environment: str | None) -> str | None:
    place = f"in the environment {environment}" if environment else "where lmms-eval-ja is, or state an env that has it"
    for line in reversed(lines):
        for sign in SIGNS:
            if found := sign.pattern.search(line[:_LONGEST_LINE]):
                caught = next((group for group in found.groups() if group), "")
                meaning = sign.meaning.format(clean(sign.finds(caught))) if caught else sign.plainly
                return ": ".join(filter(None, (meaning, sign.advice.format(place=place))))
    return None


def _last_error(lines: Sequence[str]) -> str | None:
    """The last line that looks like an exception, else that speaks of an error."""
    for pattern in (_ERROR_LINE, _SAYS_ERROR):
        if line := next((line for line in reversed(lines) if pattern.search(line[:_LONGEST_LINE])), None):
            return clean(line)
    return None


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        number = signal.Signals(-status)
    except ValueError:
        return f"ended by signal {-status}"
    return SIGNALS.get(number, f"crashed ({number.name})")
