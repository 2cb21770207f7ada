"""What is rated: an answer, or two texts side by side; and what a rater sees beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Target = Literal["answers", "pairs", "feedback", "references"]
TARGETS: tuple[Target, ...] = ("answers", "pairs", "feedback", "references")
#: Targets that show two texts.
OF_TWO: tuple[Target, ...] = ("pairs", "feedback")
#: The name under which a benchmark's own answer stands in a file of labels.
REFERENCE = "reference"
#: More values than keys cannot be rated: 1 to 9 and 0.
MOST_VALUES = 10
Scale = tuple[int, int]


class LabelError(Exception):
    """What stands in the way of labelling; the message names it and says what to do."""


@dataclass(frozen=True)
class Item:
    """One thing to rate.

    Attributes:
        task: name of the task.
        doc_id: number of the document.
        names: whose the texts are: a model, two models, or two judges. They never leave this process.
        texts: one for each name.
        of: feedback: the model whose answer it is about; else "".
        answer: feedback: that answer; else "".
        category: of the document; "" where there is none.
        image: what documents on the same picture share.
    """

    task: str
    doc_id: int
    names: tuple[str, ...]
    texts: tuple[str, ...] = field(repr=False, compare=False)
    of: str = ""
    answer: str = field(default="", repr=False, compare=False)
    category: str = field(default="", compare=False)
    image: str = field(default="", compare=False)


@dataclass(frozen=True)
class Shown:
    """What was asked: texts, names of pictures, the rubric (`Rubric.as_doc`), the turns before the question."""

    question: str
    reference: str = ""
    context: str = ""
    images: tuple[str, ...] = ()
    rubric: Mapping[str, Any] | None = None
    history: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Labelling:
    """All that is rated in one go.

    Attributes:
        target: what kind of rating it is.
        title: of the page.
        items: in the order of the results.
        shown: by task and doc_id.
        scales: by task, lowest and highest value; empty for two texts.
        images: folder of the pictures.
        seed: of the order and the sides; both also depend on the rater.
    """

    target: Target
    title: str
    items: Sequence[Item]
    shown: Mapping[tuple[str, int], Shown]
    scales: Mapping[str, Scale]
    images: Path | None = None
    seed: int = 0

    def values(self, item: Item) -> list[int | str]:
        """What a rater may say of an item, in the order of the keys."""
        if self.target in OF_TWO:
            return ["left", "tie", "right"]
        low, high = self.scales[item.task]
        return list(range(low, high + 1))


def whole_scale(low: float, high: float, of: str) -> Scale:
    """A scale that can be rated with keys.

    Raises:
        LabelError: its ends are no whole numbers, or it has more than ten values.
    """
    if low != int(low) or high != int(high) or not 1 <= high - low < MOST_VALUES:
        raise LabelError(
            f"the scale of {of}, {low:g} to {high:g}, is not rated with keys: they need two to ten whole numbers, such "
            "as --scale 1-5 or 1-10"
        )
    return int(low), int(high)
