"""What is wrong with a comparison, in words that name the field and the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

#: How many valid names a message lists when none is near.
_LISTED = 30


class ComparisonError(Exception):
    """A comparison that cannot be carried out as it is; the message names file and field, and says what to do."""


def unknown(what: str, name: str, valid: Sequence[str]) -> str:
    """Such as "unknown task 'x'; did you mean y?", or the valid names where none is near."""
    near = difflib.get_close_matches(name.lower(), valid, n=2, cutoff=0.5)
    if near:
        return f"unknown {what} {name!r}; did you mean {' or '.join(near)}?"
    more = ", …" if len(valid) > _LISTED else ""
    return f"unknown {what} {name!r}; expected one of {', '.join(valid[:_LISTED])}{more}"


def in_words(fault: Any, model: type[BaseModel]) -> str:
    """One of pydantic's errors; fields that are unknown get the nearest of the model's."""
    field = ".".join(str(part) for part in fault["loc"] if not str(part).endswith("]") and part != "str")
    if fault["type"] == "extra_forbidden":
        return unknown("field", field, list(model.model_fields))
    if fault["type"] == "missing":
        return f"{field} is missing"
    if fault["type"] == "value_error":
        return str(fault["msg"]).removeprefix("Value error, ")
    return f"{field}: {fault['msg']}"
