"""Unicode NFKC in a time that is proportional to the length of the text."""

import re
import unicodedata

#: Long runs of accents cost the square of their length, so a text is normalised in pieces of about so many characters.
_PIECE = 250
#: A piece ends before one of these, which compose with nothing before them: the result is that of the whole text.
_SAFE = re.compile(r"[\x00-\x7f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]")
_HOW_FAR = 100


def nfkc(text: str) -> str:
    """A text in NFKC.

    Equal to `unicodedata.normalize("NFKC", text)` but for texts with a run of more than 100 characters that are neither
    ASCII nor kana nor Han: there a composition across the ends of two pieces may be left out.

    Args:
        text: Any text.

    Returns:
        The normalised text.
    """
    if text.isascii():
        return text
    if len(text) <= _PIECE:
        return unicodedata.normalize("NFKC", text)
    pieces, start = [], 0
    while start < len(text):
        safe = _SAFE.search(text, start + _PIECE, start + _PIECE + _HOW_FAR)
        end = safe.start() if safe else start + _PIECE + _HOW_FAR
        pieces.append(unicodedata.normalize("NFKC", text[start:end]))
        start = end
    return "".join(pieces)
