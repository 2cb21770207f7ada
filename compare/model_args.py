"""Arguments as lmms-eval reads them after `--model_args` and `--gen_kwargs`: `name=value` with commas in between."""

from __future__ import annotations

from collections.abc import Mapping

Value = bool | int | float | str
_OPENING, _CLOSING, _QUOTES = "{[", "}]", "\"'"


class ArgumentError(ValueError):
    """An argument that lmms-eval would read as something else; the message names it."""


def text_of(arguments: Mapping[str, Value]) -> str:
    """The arguments as one word, which lmms-eval reads back as the same values.

    It splits at commas outside of quotes, braces and brackets, strips what is between, and takes what looks like a
    number or a truth value for one (`lmms_eval.utils.simple_parse_args_string`, 0.7.3).

    Raises:
        ArgumentError: a value with such a comma, an odd quote, outer white space, or that changes its meaning; a name
            that is none.
    """
    for name, value in arguments.items():
        if not name or name != name.strip() or any(sign in name for sign in f"=,{_OPENING}{_CLOSING}{_QUOTES}"):
            raise ArgumentError(f"{name!r} is no name of an argument")
        if lack := _lack(value):
            raise ArgumentError(f"{name}: {lack}")
    return ",".join(f"{name}={value}" for name, value in arguments.items())


def _lack(value: Value) -> str | None:
    if not isinstance(value, str):
        return None
    if value != value.strip() or not value:
        return f"lmms-eval takes white space off the ends and drops what is empty; got {value!r}"
    depth, quote = 0, ""
    for position, sign in enumerate(value):
        if sign in _QUOTES and (position == 0 or value[position - 1] != "\\"):
            quote = ("" if sign == quote else quote) if quote else sign
        elif not quote:
            depth += (sign in _OPENING) - (sign in _CLOSING)
            if sign == "," and depth == 0:
                return f"lmms-eval splits arguments at commas, so a value cannot hold one; got {value!r}"
    if quote or depth:
        return f"lmms-eval pairs quotes, braces and brackets, and one in {value!r} has no partner"
    if (read := _read_back(value)) != value and str(read) != value:
        return f"lmms-eval reads {value!r} as {read!r}: write it without quotes if that is meant"
    return None


def _read_back(text: str) -> Value:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return int(text) if text.isnumeric() else float(text)
    except ValueError:
        return text
