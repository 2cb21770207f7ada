"""F1 over the characters of read text, in whatever order: CC-OCR's measure for Japanese."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lmms_eval_ja.metrics._nfkc import nfkc
from lmms_eval_ja.metrics._reasoning import strip_reasoning

CHARACTER_F1_VARIANTS = ("evalmm", "nfkc")

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class CharacterOverlap:
    """How many characters two texts have in common.

    Attributes:
        common: Σ over characters of the smaller of the two counts.
        reference: Characters of the reference.
        prediction: Characters of the prediction.
    """

    common: int
    reference: int
    prediction: int

    @property
    def f1(self) -> float:
        """2 · common / (reference + prediction), 0.0 to 1.0; 0.0 for two empty texts."""
        total = self.reference + self.prediction
        return 2 * self.common / total if total else 0.0


def character_overlap(reference: str, prediction: str, *, variant: str = "evalmm") -> CharacterOverlap:
    """Count the characters that two texts have in common; sums of the counts give the micro F1.

    Args:
        reference: The text that stands in the image.
        prediction: What a model read, with its thoughts in tags, which are removed.
        variant: "evalmm", as CC-OCR's evaluation and llm-jp-eval-mm (9f450a5) count: small letters, without white space
            and the marks ### and ***; full and half width differ. "nfkc": besides, both in NFKC.

    Returns:
        The counts.

    Raises:
        ValueError: The variant is not known.
    """
    if variant not in CHARACTER_F1_VARIANTS:
        raise ValueError(f"unknown variant {variant!r}; expected one of {', '.join(map(repr, CHARACTER_F1_VARIANTS))}")
    wanted, read = (_counted(text, variant) for text in (reference, strip_reasoning(prediction)))
    return CharacterOverlap((wanted & read).total(), wanted.total(), read.total())


def character_f1(reference: str, prediction: str, *, variant: str = "evalmm") -> float:
    """F1 over characters.

    The peers add 1e-9 to each denominator, so that their figures for equal texts are some 1e-9 below 1.

    Args:
        reference: The text that stands in the image.
        prediction: What a model read.
        variant: See `character_overlap`.

    Returns:
        0.0 to 1.0; 0.0 for two empty texts.

    Raises:
        ValueError: The variant is not known.
    """
    return character_overlap(reference, prediction, variant=variant).f1


def micro_character_f1(overlaps: Sequence[CharacterOverlap]) -> float:
    """F1 over all characters of many documents.

    Args:
        overlaps: Of each document, shape (n,).

    Returns:
        0.0 to 1.0; 0.0 for no characters at all.
    """
    return CharacterOverlap(
        sum(overlap.common for overlap in overlaps),
        sum(overlap.reference for overlap in overlaps),
        sum(overlap.prediction for overlap in overlaps),
    ).f1


def _counted(text: str, variant: str) -> Counter[str]:
    """Count the characters that are compared."""
    text = nfkc(text) if variant == "nfkc" else text
    return Counter(_SPACE.sub("", text.replace("###", "").replace("***", "")).lower())
