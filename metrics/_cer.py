"""Character error rate of read text."""

import re

from rapidfuzz.distance import Levenshtein

from lmms_eval_ja.metrics._nfkc import nfkc
from lmms_eval_ja.metrics._reasoning import strip_reasoning

CER_VARIANTS = ("evalmm", "unfenced")

_BLANKS = re.compile(r"[ \t]+")
_FENCE = re.compile(r"```[\w-]{0,20}\n(.*?)\n?```", re.DOTALL)


def cer(reference: str, prediction: str, *, variant: str = "evalmm") -> float:
    r"""Insertions, deletions and substitutions that make the reference of the prediction, for each of its characters.

    Args:
        reference: The text that stands in the image.
        prediction: What a model read.
        variant: How both are normalised. "evalmm", as llm-jp-eval-mm (593860a) does for JaWildText's handwriting: NFKC;
            a literal `\n` and CRLF are line breaks; lines without outer white space, single blanks; small letters. Line
            breaks count as characters. "unfenced": besides, a code fence around the text is taken off.

    Returns:
        0.0 and up; above 1 where the prediction is much longer. Against an empty reference 0.0 for an empty prediction,
        else infinity.

    Raises:
        ValueError: The variant is not known.
    """
    wanted, read = _normalized(reference, prediction, variant)
    if not wanted:
        return float("inf") if read else 0.0
    return Levenshtein.distance(wanted, read) / len(wanted)


def cer_similarity(reference: str, prediction: str, *, variant: str = "evalmm") -> float:
    """1 − CER, not below 0: JaWildText's score for handwriting.

    Args:
        reference: The text that stands in the image.
        prediction: What a model read, with its thoughts in tags, which are removed.
        variant: See `cer`.

    Returns:
        0.0 to 1.0. Two empty texts have 1.0, an empty reference and some prediction 0.0.

    Raises:
        ValueError: The variant is not known.
    """
    wanted, read = _normalized(reference, prediction, variant)
    if not wanted:
        return 0.0 if read else 1.0
    if len(read) >= 2 * len(wanted):
        return 0.0  # the lengths alone differ by as much as the reference is long
    distance = Levenshtein.distance(wanted, read, score_cutoff=len(wanted))
    return max(0.0, 1 - distance / len(wanted))


def _normalized(reference: str, prediction: str, variant: str) -> tuple[str, str]:
    """Both texts as a variant compares them."""
    if variant not in CER_VARIANTS:
        raise ValueError(f"unknown variant {variant!r}; expected one of {', '.join(map(repr, CER_VARIANTS))}")
    read = strip_reasoning(prediction)
    if variant == "unfenced" and (fence := _FENCE.fullmatch(read)):
        read = fence[1]
    return _lines(reference), _lines(read)


def _lines(text: str) -> str:
    """A text in NFKC and small letters, its lines without outer white space, with single blanks."""
    lines = nfkc(text).replace("\\n", "\n").replace("\r\n", "\n").split("\n")
    return "\n".join(_BLANKS.sub(" ", line.strip()) for line in lines).lower()
