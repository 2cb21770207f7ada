"""Records of ours without the fields that an exported task has no use for; they stand for ours where it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from datasets import Dataset


@dataclass(frozen=True)
class Asset:
    """A file of another project, never shipped."""

    url: str
    sha256: str


@dataclass(frozen=True)
class Sample:
    """One answer of the model under test, with its question.

    Attributes:
        sample_id: Unique in its task; results are ordered by it.
        question: As the model saw it.
        answer: The model's; may be empty, which is an answer.
        reference: The answer that it is compared with.
        context: What the image shows, for a judge that does not see it.
        category: Picks the rule of a protocol, and the category of the score.
        cluster: Samples that share it are not independent: they are about the same image.
    """

    sample_id: str
    question: str
    answer: str
    reference: str
    context: str = ""
    category: str = ""
    cluster: str = ""


@dataclass(frozen=True)
class DatasetSpec:
    """What a benchmark's data is known to be.

    Attributes:
        name: On the hub.
        rows: Number of rows as published, before flattening; a range where it was published rounded.
        columns: Those that scoring needs.
        texts: Gives the texts that make the benchmark, from a dataset; None where no checksum is known.
        texts_sha256: Of those texts (see `checksum`).
    """

    name: str
    rows: int | range
    columns: Sequence[str]
    texts: Callable[[Dataset], Iterable[str]] | None = None
    texts_sha256: str | None = None

    @property
    def known_rows(self) -> str:
        """The number of rows, for a message."""
        return str(self.rows) if isinstance(self.rows, int) else f"{self.rows[0]} to {self.rows[-1]}"
