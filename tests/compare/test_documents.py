"""The table of documents, read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lmms_eval_ja.compare.documents import DocumentsError, read_documents, schema, table_of
from lmms_eval_ja.compare.results import Document
from lmms_eval_ja.judges import Rubric, Sample, Turn
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


def test_rubric_and_earlier_turns_stand_beside(tmp_path: Path) -> None:
    sample = Sample("q", "何？", "", rubric=Rubric("色。", tuple("一二三四五")), history=(Turn("誰？", "猫。"),))
    row = {"task": "t", "doc_id": 0, "beside": sample.beside()}
    pq.write_table(pa.Table.from_pylist([row], schema=schema()), tmp_path / "documents.parquet")
    found = read_documents(tmp_path)["t"][0]
    assert Sample("q", "何？", "").with_beside(found.beside) == sample


def test_a_table_from_before_has_nothing_beside(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([{"task": "t", "doc_id": 0}], schema=schema()).drop(["beside"])
    pq.write_table(table, tmp_path / "documents.parquet")
    assert read_documents(tmp_path)["t"][0].beside == ""


def test_what_stands_beside_must_be_readable(tmp_path: Path) -> None:
    row = {"task": "t", "doc_id": 7, "beside": '{"rubric": 3}'}
    pq.write_table(pa.Table.from_pylist([row], schema=schema()), tmp_path / "documents.parquet")
    with pytest.raises(DocumentsError, match=r"documents\.parquet: beside of document 7 of t: no rubric"):
        read_documents(tmp_path)
