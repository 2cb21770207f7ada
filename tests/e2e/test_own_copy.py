"""A benchmark of ours on the user's own copy of its data: three lines that take over the shipped YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.runner import write_answers
from e2e.worker import Worker
from lmms_eval_ja.jp_tasks import FOLDER
from support.suite import jgraph


def test_jgraphqa_is_run_on_ones_own_copy(worker: Worker, tmp_path: Path) -> None:
    data = tmp_path / "my_copy.parquet"
    data.write_bytes(jgraph.files()["data/train-00000-of-00001.parquet"])
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "my_jgraphqa.yaml").write_text(
        f"include: {FOLDER}/jgraphqa/jgraphqa.yaml\n"
        "task: my_jgraphqa\n"
        "dataset_path: parquet\n"
        f"dataset_kwargs: {{data_files: {{train: {data}}}}}\n",
        encoding="utf-8",
    )
    answers = write_answers(tmp_path / "answers.jsonl", jgraph.answers("my_jgraphqa"))
    done = worker.evaluate(["my_jgraphqa"], answers, include_path=tmp_path / "tasks")
    expected = jgraph.expected("my_jgraphqa")
    shown = done.scores("my_jgraphqa")
    assert {name: shown[name] for name in expected} == pytest.approx(expected)
