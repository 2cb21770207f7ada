"""Unicode's normal forms in a time that is proportional to the length of the text."""

from __future__ import annotations

import unicodedata
from typing import Literal

#: Long runs of accents cost the square of their length, so a text is normalised in pieces of so many characters.
_PIECE = 1000


def normal_form(form: Literal["NFKC", "NFKD"], text: str) -> str:
    """A text in a normal form; characters are not composed across the ends of the pieces, which no digit needs."""
    if len(text) <= _PIECE:
        return unicodedata.normalize(form, text)
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return "".join(unicodedata.normalize(form, piece) for piece in pieces)
