"""A small comparison to label: three models, four documents on two pictures, what was asked in a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from lmms_eval_ja.compare.documents import FOLDER, IMAGES, METADATA, TABLE, schema
from support.comparisons import Shape, write_comparison

MODELS = ("azure", "beech", "cedar")
WILD, HERON = "ja_vlm_bench_in_the_wild", "heron_bench_ja"


def write_results(folder: Path, *, tasks: int = 1, documents: int = 4) -> Path:
    """A comparison of three models with documents and pictures; its first task is rated 1 to 5, its second 1 to 10."""
    write_comparison(folder, Shape(names=MODELS, tasks=tasks, documents=documents))
    images = folder / FOLDER / IMAGES
    images.mkdir(parents=True)
    for number, colour in enumerate(("#a04030", "#3060a0")):
        Image.new("RGB", (320, 200), colour).save(images / f"picture{number}.png")
    rows: list[dict[str, Any]] = []
    for path in sorted((folder / "runs" / MODELS[0]).rglob("*_samples_*.jsonl")):
        task = path.stem.partition("_samples_")[2]
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            rows.append(
                {
                    "task": task,
                    "doc_id": row["doc_id"],
                    "question_id": f"q{row['doc_id']}",
                    "question": row["input"],
                    "reference": row["target"],
                    "context": "晴れた日の町の写真です。",
                    "category": ("conv", "detail", "complex")[row["doc_id"] % 3],
                    "cluster": f"picture-{row['doc_id'] % 2}",
                    "images": [f"picture{row['doc_id'] % 2}.png"],
                }
            )
    facts = {row["task"]: {"asked": None, "revision": None} for row in rows}
    table = pa.Table.from_pylist(rows, schema=schema()).replace_schema_metadata({METADATA: json.dumps(facts)})
    pq.write_table(table, folder / FOLDER / TABLE)
    return folder
