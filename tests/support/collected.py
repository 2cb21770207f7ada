"""A table of documents beside results, as `lmms-eval-ja compare` collects it: without pictures."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from lmms_eval_ja.compare.documents import FOLDER, TABLE, schema


def write_documents(results: Path, task: str, documents: int, categories: tuple[str, ...] = ("対話", "説明")) -> Path:
    """Documents 0, 1, … named q0, q1, …, two on each image, in these categories by turns."""
    path = results / FOLDER / TABLE
    path.parent.mkdir()
    rows = [
        {
            "task": task,
            "doc_id": at,
            "question_id": f"q{at}",
            "question": f"質問{at}",
            "reference": f"正答{at}",
            "context": "",
            "category": categories[at % len(categories)],
            "cluster": f"image{at // 2}",
            "images": [],
        }
        for at in range(documents)
    ]
    parquet.write_table(pa.Table.from_pylist(rows, schema()), path)
    return path
