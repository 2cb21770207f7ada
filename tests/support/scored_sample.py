"""Scored runs of `ja_sample` without lmms-eval: its documents through our scoring, written as lmms-eval writes them.

What is imitated is lmms-eval's files. Verdicts, items, aggregations and facts are made by the code that makes them in a
run, with the judge of the environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.compare.documents import FOLDER, METADATA, TABLE, schema
from lmms_eval_ja.jp_tasks import FOLDER as TASKS
from lmms_eval_ja.jp_tasks.catalogue import _configs
from lmms_eval_ja.jp_tasks.ja_sample.task import process_results
from lmms_eval_ja.judges import AGGREGATIONS, reset_engine, score_original
from lmms_eval_ja.results import add_facts

TASK = "ja_sample"
DATE = "20260801_120000"
ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (TASKS / TASK / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]
_SCORING = {TASK: process_results, "ja_sample_original": score_original}


def recorded_answers(name: str) -> list[str]:
    """An answer set that ships with the package, in the order of the documents."""
    lines = (TASKS / TASK / "answers" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    by_id = {row["question_id"]: row["answer"] for row in map(json.loads, lines)}
    return [by_id[row["question_id"]] for row in ROWS]


def write_run(
    folder: Path, run: str, answers: Sequence[str], record: Mapping[str, Any] | None = None, task: str = TASK
) -> Path:
    """Score answers by the judge of the environment; gives the samples file in `runs/<run>/scores`."""
    config = next(dict(one) for one in _configs() if one["task"] == task) | {"process_results": _SCORING[task]}
    reset_engine()
    scored = [_SCORING[task](row, [answer]) for row, answer in zip(ROWS, answers, strict=True)]
    scores = {
        f"{entry['metric']},none": AGGREGATIONS[entry["aggregation"]](
            [row[entry["metric"]] for row in scored if entry["metric"] in row]
        )
        for entry in config["metric_list"]
    }
    samples = [
        {"doc_id": n, "target": row["answer"], "filtered_resps": answer, "input": row["question"]} | items
        for n, (row, answer, items) in enumerate(zip(ROWS, answers, scored, strict=True))
    ]
    data = {"name": TASK, "revision": None, "rows": len(ROWS), "texts_sha256": None, "changed": ()}
    results: dict[str, Any] = {"results": {task: scores}, "samples": {task: samples}}
    add_facts(results, {task: config}, load_settings(), {task: data})
    reset_engine()
    out = folder / "runs" / run / "scores"
    out.mkdir(parents=True)
    path = out / f"{DATE}_samples_{task}.jsonl"
    lines = [json.dumps(sample, ensure_ascii=False) for sample in results.pop("samples")[task]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    written = results | {
        "config": {"model": "replay", "model_args": f"answers={run}", "limit": None},
        "configs": {
            task: {name: config[name] for name in ("metric_list", "generation_kwargs", "metadata") if name in config}
        },
        "higher_is_better": {task: {entry["metric"]: True for entry in config["metric_list"]}},
        "n-samples": {task: {"original": len(ROWS), "effective": len(ROWS)}},
        "model_name_sanitized": run,
        "date": DATE,
    }
    (out / f"{DATE}_results.json").write_text(json.dumps(written, ensure_ascii=False), encoding="utf-8")
    (out.parent / "run.json").write_text(json.dumps({"id": run} | dict(record or {})), encoding="utf-8")
    return path


def write_documents(folder: Path, task: str = TASK) -> Path:
    """The table of documents of a comparison, without pictures."""
    path = folder / FOLDER / TABLE
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = ("question_id", "question", "context", "category")
    rows = [
        {"task": task, "doc_id": n, "reference": row["answer"], "cluster": row["image_id"], "images": []}
        | {name: row[name] for name in texts}
        for n, row in enumerate(ROWS)
    ]
    facts = {task: {"asked": None, "revision": None}}
    table = pa.Table.from_pylist(rows, schema=schema()).replace_schema_metadata({METADATA: json.dumps(facts)})
    pq.write_table(table, path)
    return path
