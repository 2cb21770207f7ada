from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from lmms_eval_ja.compare.parquet import read_parquet, write_parquet
from lmms_eval_ja.compare.results import Results, ResultsError


@pytest.fixture(scope="module")
def path(made_results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parquet(made_results, tmp_path_factory.mktemp("parquet") / "comparison.parquet")


def expected(results: Results) -> list[tuple]:
    rows = [row for row in results.answers.to_pylist() if row["task"] == "heron_bench_ja" and row["repeat"] == 0]
    models = sorted({row["model"] for row in rows})
    kept = [[row["overall_influence"] for row in rows if row["model"] == model] for model in models]
    kept = [[value for value in own if value is not None] for own in kept]
    return [(model, len(own), pytest.approx(sum(own) / len(own))) for model, own in zip(models, kept, strict=True)]


def test_pandas_reads_it(path: Path, made_results: Results):
    frame = pd.read_parquet(path)
    own = frame[(frame["task"] == "heron_bench_ja") & (frame["repeat"] == 0)]
    found = own.groupby("model")["overall_influence"].agg(["count", "mean"])
    assert list(found.itertuples(name=None)) == expected(made_results)
    assert frame["model"].dtype != "category"


def test_duckdb_reads_it(path: Path, made_results: Results):
    sql = (
        "SELECT model, count(overall_influence), avg(overall_influence) FROM read_parquet(?) "
        "WHERE task = 'heron_bench_ja' AND repeat = 0 GROUP BY model ORDER BY model"
    )
    assert duckdb.execute(sql, [str(path)]).fetchall() == expected(made_results)


def test_polars_reads_it(path: Path, made_results: Results):
    own = pl.read_parquet(path).filter((pl.col("task") == "heron_bench_ja") & (pl.col("repeat") == 0))
    column = pl.col("overall_influence")
    found = own.group_by("model").agg(column.count().alias("n"), column.mean().alias("mean")).sort("model")
    assert found.rows() == expected(made_results)


def test_it_comes_back_as_it_was(path: Path, made_results: Results):
    table = read_parquet(path)
    assert table.to_pylist() == made_results.answers.to_pylist()
    assert [str(table.schema.field(name).type) for name in ("model", "doc_id", "repeat", "chars")] == [
        "string",
        "int32",
        "int16",
        "int32",
    ]


def test_nothing_is_left_of_a_file_that_could_not_be_written(made_results: Results, tmp_path: Path):
    (tmp_path / "comparison.parquet").mkdir()
    with pytest.raises(OSError, match=r"comparison\.parquet"):
        write_parquet(made_results, tmp_path / "comparison.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["comparison.parquet"]


def test_files_that_are_none(tmp_path: Path):
    with pytest.raises(ResultsError, match="cannot be read"):
        read_parquet(tmp_path / "none.parquet")
    other = tmp_path / "other.parquet"
    parquet.write_table(pa.table({"a": [1]}), other)
    with pytest.raises(ResultsError, match="not a comparison of this version"):
        read_parquet(other)
