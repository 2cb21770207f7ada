"""A reply as AlignMMBench's critic writes it (arXiv 2406.09295): JSON, `{"Rating": n, "Reason": "…"}`, n of 1 to 10."""

from __future__ import annotations

from lmms_eval_ja.judges.protocols.base import ReplyError, Score, within
from lmms_eval_ja.judges.protocols.reading import last_object, number, readable

LOW, HIGH = 1, 10


def read_critique(reply: str) -> Score:
    """The rating of the last JSON object that has one; the reason may be missing.

    Args:
        reply: the whole text of the judge; full-width forms, code fences, prose and thoughts are seen through.

    Raises:
        ReplyError: of kind "parse", no whole number is readable; of kind "range", it is not one of 1 to 10.
    """
    rating = within(LOW, HIGH, number(last_object(readable(reply), "Rating")["Rating"]))
    if not rating.is_integer():
        raise ReplyError("parse", f"{rating:g} is not one of the scale's whole numbers")
    return Score(rating)
