"""What the protocols share in reading a judge's reply: its text without thoughts, and the JSON object in it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from lmms_eval_ja.judges.protocols.base import ReplyError
from lmms_eval_ja.judges.protocols.normal_form import normal_form

#: The thoughts that some judges write before their reply, also where the reply was cut before their end, or where the
#: opening mark is part of the judge's chat template.
_THOUGHTS = re.compile(r"^.*</think>|<think>.*$", re.DOTALL | re.IGNORECASE)
#: Only this much of a reply's end is searched, since each brace that opens nothing costs time in proportion to it.
_SEARCHED = 20_000
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def readable(reply: str) -> str:
    """The reply in NFKC, after the thoughts: a number that the judge only considered is no score."""
    return _THOUGHTS.sub("", normal_form("NFKC", reply)).strip()


def last_object(text: str, *keys: str) -> dict[str, Any]:
    """The last JSON object that holds the keys, in a code fence or in prose; one inside another is not looked for.

    Args:
        text: of a reply, as `readable` gives it; of a long one, only the end is searched.
        keys: all of them must be there; there may be others.

    Returns:
        The object; all its numbers are floats.

    Raises:
        ReplyError: of kind "parse".
    """
    for candidate in _objects(text[-_SEARCHED:])[::-1]:
        if set(keys) <= candidate.keys():
            return candidate
    wanted = " and ".join(f'"{key}"' for key in keys)
    raise ReplyError("parse", f"no JSON object with {wanted}: {text[:80]!r}")


def number(value: object) -> float:
    """A number that stands in a JSON object, as such or in a string of digits.

    Raises:
        ReplyError: of kind "parse".
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, float) and not math.isnan(value):
        return value
    raise ReplyError("parse", f"{value!r} is not a score")


def _objects(text: str) -> list[dict[str, Any]]:
    """All JSON objects that stand in a text, in order, not looking inside those found."""
    # Integers as floats: those of many hundred digits raise otherwise, here or later.
    decoder, at = json.JSONDecoder(strict=False, parse_int=float), text.find("{")
    found: list[dict[str, Any]] = []
    while at != -1:
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            end = at + 1
        else:
            if isinstance(value, dict):
                found.append(value)
        at = text.find("{", end)
    return found
