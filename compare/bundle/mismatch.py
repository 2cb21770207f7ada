"""What does not come out as it is recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

#: Recorded and recomputed numbers are equal within this share of the larger one, or of 1.
TOLERANCE = 1e-9
_SHOWN = 60


@dataclass(frozen=True)
class Mismatch:
    """One thing that is not as recorded: in which file, of which model, task and document, what, and both values."""

    file: str
    what: str
    recorded: Any
    found: Any
    model: str | None = None
    task: str | None = None
    doc_id: int | None = None

    def __str__(self) -> str:
        doc = None if self.doc_id is None else str(self.doc_id)
        named = [f"{k} {v}" for k, v in (("model", self.model), ("task", self.task), ("doc_id", doc)) if v]
        where = f"{', '.join(named)}: " if named else ""
        return f"{self.file}: {where}{self.what}: recorded {_shown(self.recorded)}, comes out as {_shown(self.found)}"


def equal(recorded: Any, found: Any) -> bool:
    """Whether two values are the same: numbers within `TOLERANCE`, NaN as None."""
    recorded, found = _plain(recorded), _plain(found)
    if isinstance(recorded, float) and isinstance(found, float):
        return recorded == found or abs(recorded - found) <= TOLERANCE * max(1.0, abs(recorded), abs(found))
    return bool(recorded == found)


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        number = float(value)
    except OverflowError:  # a whole number that no float holds is equal to itself alone
        return value
    return None if math.isnan(number) else number


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
