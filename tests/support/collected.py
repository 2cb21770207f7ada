"""A table of documents beside results, as `lmms-eval-ja compare` collects it: without pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from lmms_eval_ja.compare.documents import FOLDER, TABLE, schema


def write_documents(results: Path, task: str, documents: int, categories: tuple[str, ...] = ("対話", "説明")) -> Path:
    """Documents 0, 1, … named q0, q1, …, two on each image, in these categories by turns; references as sampled."""
    path = results / FOLDER / TABLE
    path.parent.mkdir()
    samples = next(results.rglob(f"*_samples_{task}.jsonl")).read_text(encoding="utf-8").splitlines()
    references = {row["doc_id"]: row["target"] for row in map(json.loads, samples)}
    rows = [
        {
            "task": task,
            "doc_id": at,
            "question_id": f"q{at}",
            "question": f"質問{at}",
            "reference": references[at],
            "context": "",
            "category": categories[at % len(categories)],
            "cluster": f"image{at // 2}",
            "images": [],
        }
        for at in range(documents)
    ]
    parquet.write_table(pa.Table.from_pylist(rows, schema()), path)
    return path
