"""A rubric: what an answer is judged for, and what each of the five scores means (arXiv 2401.06591)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Scores are 1 to this many.
LEVELS = 5


@dataclass(frozen=True)
class Rubric:
    """A criterion and the descriptions of scores 1 to 5, in this order.

    Raises:
        ValueError: the criterion or a description is missing or empty; the message names it.
    """

    criteria: str
    levels: tuple[str, ...]
    name: str = ""

    def __post_init__(self) -> None:
        of = f"rubric {self.name!r}" if self.name else "a rubric"
        if not self.criteria.strip():
            raise ValueError(f"{of} has no criteria")
        for score in range(1, LEVELS + 1):
            if len(self.levels) < score or not self.levels[score - 1].strip():
                raise ValueError(f"{of} does not describe score {score}: each of 1 to {LEVELS} needs a description")
        if len(self.levels) > LEVELS:
            raise ValueError(f"{of} describes {len(self.levels)} scores, expected {LEVELS}")

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> Rubric:
        """The rubric that a document's column states.

        Raises:
            ValueError: no mapping with `criteria` and `levels`, or a text is missing; the message names it.
        """
        criteria, levels, name = (stated.get(key) for key in ("criteria", "levels", "name"))
        if isinstance(levels, str) or not isinstance(levels, Sequence):
            found = type(levels).__name__
            raise ValueError(f"a rubric's levels are a list of {LEVELS} texts, not {found}")  # noqa: TRY004 (of data)
        return cls(str(criteria or ""), tuple(str(level or "") for level in levels), str(name or ""))

    def as_doc(self) -> dict[str, Any]:
        """As it stands in a document's column `rubric`."""
        return {"criteria": self.criteria, "levels": list(self.levels), "name": self.name}

    @property
    def label(self) -> str:
        """For results: its name, and 12 digits of the SHA-256 of its texts, which tell it from any other."""
        text = json.dumps([self.criteria, *self.levels], ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return f"{self.name}:{digest}" if self.name else digest


def rubrics_problem(column: Iterable[Any]) -> str | None:
    """What is wrong with the first rubric that cannot be used, in a sentence that names its row; None if nothing is."""
    for row, stated in enumerate(column):
        if not isinstance(stated, Mapping):
            return f"row {row} has no rubric"
        try:
            Rubric.of(stated)
        except ValueError as error:
            return f"row {row}: {error}"
    return None
