"""A rubric: what an answer is judged for, and what each of the five scores means (arXiv 2401.06591)."""

from __future__ import annotations

from dataclasses import dataclass

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
