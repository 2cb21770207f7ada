"""Data as script files, since a page from disk may not fetch: each calls `Report.receive(name, value)`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

#: What could end a script element or a line of JavaScript within a string; each stands only within strings in JSON.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
#: Beyond this a float has no decimals to lose, and stays one.
_EXACT = 1e15


def as_script(name: str, value: Any) -> bytes:
    """Write a value as a call that a classic script may hold, in UTF-8.

    Text cannot break out of it: `<`, `>` and `&` are escaped, so are U+2028 and U+2029, and halves of surrogate pairs.

    Raises:
        ValueError: a number that JSON does not have (NaN, infinities); `number` turns these into null.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escape in _ESCAPES.items():
        if character in text:
            text = text.replace(character, escape)
    # json.dumps leaves a lone surrogate as it is; backslashreplace writes it as \ud800, as JSON would.
    return f"Report.receive({json.dumps(name)},{text});\n".encode(errors="backslashreplace")


def write_script(folder: Path, name: str, value: Any) -> int:
    """Write a value to `folder/<name>.js`; gives the number of bytes.

    Raises:
        ValueError: see `as_script`.
        OSError: it cannot be written.
    """
    path = folder / f"{name}.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(as_script(name, value))


def number(value: float | None, digits: int = 6) -> float | int | None:
    """A number in as few characters as `digits` significant ones need; None for what is no number."""
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < _EXACT else rounded
