"""The table of documents, read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lmms_eval_ja.compare.documents import DocumentsError, read_documents, schema, table_of
from lmms_eval_ja.compare.results import Document
from support.scored_sample import ROWS, write_documents


def test_documents_by_task_and_number(tmp_path: Path) -> None:
    path = write_documents(tmp_path)
    assert table_of(tmp_path) == table_of(path.parent) == path
    for folder in (tmp_path, path.parent):
        found = read_documents(folder)
        assert list(found) == ["ja_sample"]
        row = ROWS[3]
        assert found["ja_sample"][3] == Document(
            task="ja_sample",
            doc_id=3,
            question_id=row["question_id"],
            question=row["question"],
            reference=row["answer"],
            context=row["context"],
            category=row["category"],
            cluster=row["image_id"],
            images=(),
        )


def test_none_were_collected(tmp_path: Path) -> None:
    assert table_of(tmp_path) is None
    assert read_documents(tmp_path) == {}


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([], schema=schema()).drop(["context"])
    pq.write_table(table, tmp_path / "documents.parquet")
    with pytest.raises(DocumentsError, match=r"documents\.parquet: column 'context' is missing"):
        read_documents(tmp_path)


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "documents.parquet").write_bytes(b"PAR1 no table")
    with pytest.raises(DocumentsError, match=r"documents\.parquet cannot be read"):
        read_documents(tmp_path)
