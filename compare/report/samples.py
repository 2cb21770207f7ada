"""A task's samples as data files: what was asked with all scores in one, the answers in chunks of documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lmms_eval_ja.compare.report.asked import Asked, questions
from lmms_eval_ja.compare.report.script import number, write_script
from lmms_eval_ja.compare.results import Document

#: Bytes of text in a chunk, but for a document that has more alone; and documents in a chunk at most.
CHUNK_BYTES = 300_000
CHUNK_DOCUMENTS = 100
_VERDICT = ("score", "reference_score", "failure", "reason", "feedback")


def write_samples(
    folder: Path, place: int, those: Asked, known: Mapping[int, Document], picture: Callable[[str], Any]
) -> dict[str, Any]:
    """Write a task's files into the report's data folder.

    Args:
        folder: of the data.
        place: the task's place in the index; the files are named by it.
        those: the answers.
        known: what was asked, by doc_id, where the comparison has it.
        picture: of an image's file name, what the page needs to show it, or None.

    Returns:
        What the index says of the task: documents, measures, mean length of each model's answers in characters.
    """
    documents = questions(those, known)
    starts = list(_starts(those))
    measures = those.measures()
    chars = those.matrix("chars") if those.has("chars") else np.full((len(documents), those.models), np.nan)
    content = {
        "doc_id": [document.doc_id for document in documents],
        "question_id": [document.question_id for document in documents],
        "question": [document.question for document in documents],
        "category": [document.category for document in documents],
        "images": [[found for name in document.images if (found := picture(name))] for document in documents],
        "scores": {name: flat(those.matrix(column)) for name, column in measures.items()},
        "chars": flat(chars, 4),
        "states": "".join(map(str, those.states().ravel().tolist())),
        "starts": starts,
    }
    write_script(folder, f"tasks/{place}", content)
    for number_of_chunk, first in enumerate(starts):
        end = starts[number_of_chunk + 1] if number_of_chunk + 1 < len(starts) else len(documents)
        write_script(folder, f"answers/{place}-{number_of_chunk}", _chunk(those, documents, first, end))
    return {"documents": len(documents), "measures": list(measures), "chars": _means(chars)}


def flat(matrix: np.ndarray, digits: int = 5) -> list[float | int | None]:
    """A matrix as one list, row after row, each as `number` would give it; None where there is no number."""
    values = matrix.ravel().astype(float)
    known = np.isfinite(values)
    # Powers of ten are exact up to 1e22, so that a quotient by one is the float nearest to its decimal form.
    size = np.floor(np.log10(np.abs(values), where=known & (values != 0), out=np.zeros_like(values)))
    scale = 10.0 ** np.maximum(0, digits - 1 - size)
    short = np.round(np.where(known, values, 0) * scale) / scale
    found = short.astype(object)
    whole = short == np.trunc(short)
    found[whole] = short[whole].astype(np.int64)
    found[~known] = None
    listed: list[float | int | None] = found.tolist()
    return listed


def _means(chars: np.ndarray) -> list[float | int | None]:
    counts = np.isfinite(chars).sum(axis=0)
    sums = np.nansum(chars, axis=0)
    return [number(total / count, 4) if count else None for total, count in zip(sums, counts, strict=True)]


def _starts(those: Asked) -> Iterator[int]:
    """The first document of each chunk."""
    import pyarrow.compute as pc

    bytes_of_rows = np.zeros(len(those.table))
    for name in ("answer", *(f"{protocol}_feedback" for protocol in those.protocols)):
        if those.has(name):
            bytes_of_rows += pc.fill_null(pc.binary_length(those.table[name]), 0).to_numpy()
    sizes = np.bincount(those.document, weights=bytes_of_rows, minlength=len(those.documents))
    size, count = 0.0, 0
    for document, more in enumerate(sizes.tolist()):
        if count == 0 or size + more > CHUNK_BYTES or count == CHUNK_DOCUMENTS:
            yield document
            size, count = 0.0, 0
        size, count = size + more, count + 1


def _chunk(those: Asked, documents: Sequence[Document], first: int, end: int) -> dict[str, Any]:
    """The answers to the documents from `first` to before `end`, by columns; columns without anything are left out."""
    low, high = np.searchsorted(those.document, [first, end]).tolist()
    rows = those.table.slice(low, high - low)
    repeat = those.repeat[low:high]
    answers = rows["answer"].to_pylist()
    chunk: dict[str, Any] = {
        "reference": [document.reference for document in documents[first:end]],
        "context": [document.context for document in documents[first:end]],
        "document": (those.document[low:high] - first).tolist(),
        "model": those.model[low:high].tolist(),
        "answer": _once(answers, repeat.tolist()),
    }
    if repeat.any():
        chunk["repeat"] = repeat.tolist()
    if "generation_failure" in rows.column_names and rows["generation_failure"].null_count < len(rows):
        chunk["generation_failure"] = rows["generation_failure"].to_pylist()
    columns = {f"{protocol}_{field}" for protocol in those.protocols for field in _VERDICT}
    for name in rows.column_names:
        if (name in columns or name in those.unjudged) and rows[name].null_count < len(rows):
            chunk[name] = flat(rows[name].to_numpy()) if _is_number(rows[name].type) else rows[name].to_pylist()
    return chunk


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _once(answers: Sequence[str | None], repeats: Sequence[int]) -> list[str | bool | None]:
    """The answers; one that is judged again stands once, and then as true."""
    return [
        True if repeat and answer is not None and place and answer == answers[place - 1] else answer
        for place, (answer, repeat) in enumerate(zip(answers, repeats, strict=True))
    ]
