"""A stand-in's data as `datasets` gives it, without a hub."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
from datasets import Dataset, concatenate_datasets

from support.suite.repository import Features, Rows, parquet


def dataset(features: Features, rows: Rows) -> Dataset:
    """Rows as a dataset, its pictures encoded until they are asked for."""
    return Dataset(pq.read_table(io.BytesIO(parquet(features, rows))))


def of_files(files: dict[str, bytes], folder: str) -> Dataset:
    """All Parquet files of a repository's folder."""
    found = [content for path, content in files.items() if path.startswith(f"{folder}/") and path.endswith(".parquet")]
    return concatenate_datasets([Dataset(pq.read_table(io.BytesIO(content))) for content in found])
