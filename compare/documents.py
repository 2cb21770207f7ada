"""What was asked: the documents of a comparison's tasks, kept once, as a table of texts and a folder of pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmms_eval_ja.judges import Sample

if TYPE_CHECKING:
    from lmms_eval_ja.compare.results import Document

#: The folder of a comparison that holds them, and what is in it.
FOLDER, TABLE, IMAGES = "documents", "documents.parquet", "images"
#: Key of the table's metadata: JSON, by task what its rows were made of.
METADATA = b"lmms_eval_ja.documents"
_TEXTS = ("question_id", "question", "reference", "context", "category", "cluster")
#: Rubric and earlier turns; tables that were collected before there were any lack it.
_BESIDE = "beside"


class DocumentsError(Exception):
    """A table of documents that cannot be read; the message names file and column."""


def schema() -> Any:
    """The columns of the table, those of `Document`: a row for each task and doc_id.

    | column | type | what |
    |---|---|---|
    | task | string | name of the task |
    | doc_id | int32 | number of the document, as lmms-eval counts |
    | question_id, question, reference, context, category, cluster | string | "" where the data has none |
    | beside | string | JSON of the document's rubric and earlier turns, "" where it has none |
    | images | list of strings | names of files in `images/`, in the order of the document |
    """
    import pyarrow as pa

    texts = [(name, pa.string()) for name in (*_TEXTS, _BESIDE)]
    return pa.schema([("task", pa.string()), ("doc_id", pa.int32()), *texts, ("images", pa.list_(pa.string()))])


def table_of(folder: Path) -> Path | None:
    """The table of documents below a comparison's folder, or in the folder itself; None where there is none."""
    places = (folder / FOLDER / TABLE, folder / TABLE)
    return next((path for path in places if path.is_file()), None)


def read_documents(folder: Path) -> dict[str, dict[int, Document]]:
    """The documents of a comparison by task and doc_id; empty where none were collected.

    Args:
        folder: of the comparison, or its `documents/`.

    Raises:
        DocumentsError: the table cannot be read, or lacks a column.
    """
    from lmms_eval_ja.compare.results import Document

    path = table_of(folder)
    if path is None:
        return {}
    found: dict[str, dict[int, Document]] = {}
    for row in read_table(path).to_pylist():
        row["images"], row[_BESIDE] = tuple(row["images"] or ()), row[_BESIDE] or ""
        _check_beside(path, row)
        found.setdefault(row["task"], {})[row["doc_id"]] = Document(**row)
    return found


def fitting(references: Iterable[tuple[int, str | None]], collected: Mapping[int, Document]) -> dict[int, Document]:
    """The documents that were collected, without those of other data: their reference is not that of the samples.

    Args:
        references: doc_id and reference of each sample, None where the samples do not have it.
        collected: by doc_id.
    """
    return {
        id_: collected[id_] for id_, own in references if id_ in collected and own in (None, collected[id_].reference)
    }


def _check_beside(path: Path, row: Mapping[str, Any]) -> None:
    try:
        Sample("", "", "").with_beside(row[_BESIDE])
    except ValueError as error:
        raise DocumentsError(f"{path}: {_BESIDE} of document {row['doc_id']} of {row['task']}: {error}") from None


def read_table(path: Path) -> Any:
    """The table of documents with the columns of `schema()`; its metadata is the file's.

    Raises:
        DocumentsError: it cannot be read, or lacks a column.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DocumentsError(f"{path} cannot be read ({error}): delete it, and collect the documents again") from None
    wanted = schema()
    if _BESIDE not in table.column_names:
        table = table.append_column(_BESIDE, pa.array([""] * len(table), pa.string()))
    if missing := [name for name in wanted.names if name not in table.column_names]:
        raise DocumentsError(
            f"{path}: column {missing[0]!r} is missing; found {', '.join(table.column_names)}. Delete it, and collect "
            "the documents again"
        )
    try:
        return table.select(wanted.names).cast(wanted.with_metadata(table.schema.metadata))
    except (pa.ArrowException, ValueError) as error:
        raise DocumentsError(f"{path}: {error}") from None
