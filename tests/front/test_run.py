"""What is said and checked before a run."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.ja_sample.task import process_docs as sample_docs
from lmms_eval_ja.jp_tasks.perception_bench.task import process_docs
from lmms_eval_ja.judges import score_rubric
from lmms_eval_ja.run import CheckFailedError, Run, _announce_anchors, checked_data
from support.suite import perception

METRICS = [{"metric": name} for name in ("overall", "anchor_x", "anchor_y")]


def _said(caplog: pytest.LogCaptureFixture, subset: Any = None, *, predict_only: bool = False, **env: str) -> str:
    settings = load_settings({f"LMMS_EVAL_JA_{name}": value for name, value in env.items()})
    tasks: dict[str, Any] = {"t": {"metric_list": METRICS}, "plain": {"metric_list": METRICS[:1]}}
    logger = logging.getLogger("lmms_eval_ja")
    before = logger.propagate
    logger.propagate = True  # the plugin, once installed, hands our records to lmms-eval's logger
    try:
        with caplog.at_level(logging.INFO, logger="lmms_eval_ja"):
            _announce_anchors(
                Run(tasks, settings, {name: {"rows": 103} for name in tasks}, predict_only, False, subset)  # noqa: FBT003
            )
    finally:
        logger.propagate = before
    return caplog.text


@pytest.mark.parametrize(
    ("subset", "documents"),
    [
        (None, 103),
        ({"limit": 7, "offset": 0}, 7),
        ({"limit": 7.0, "offset": 100}, 3),
        ({"limit": 0.1, "offset": 0}, 11),  # 10.3, rounded up as lmms-eval does
        ({"limit": None, "offset": 3}, 100),
        ({"limit": -1, "offset": 200}, 0),
    ],
)
def test_recorded_answers_are_announced(caplog: pytest.LogCaptureFixture, subset: Any, documents: int) -> None:
    said = _said(caplog, subset)
    assert f"t: 2 × {documents} recorded answers are judged too, as anchors (LMMS_EVAL_JA_ANCHORS=0" in said
    assert "plain" not in said


def test_what_costs_nothing_is_not_announced(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    assert _said(caplog, ANCHORS="0") == ""
    assert _said(caplog, JUDGE="overlap") == ""
    assert _said(caplog, predict_only=True) == ""


def test_a_rubric_that_cannot_be_used_is_seen_before_the_model_is_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # lmms-eval builds the model before it makes the documents
    for name, value in {"ALLOW_CHANGED_DATA": "1", "ASSETS": tmp_path, "STORE": tmp_path / "store"}.items():
        monkeypatch.setenv(f"LMMS_EVAL_JA_{name}", str(value))
    perception.place(tmp_path)
    rows = perception.rows()
    rows[2]["orig_score4_description"] = ""
    (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    config = {
        "task": "perception_bench",
        "yaml_path": str(FOLDER / "perception_bench" / "perception_bench.yaml"),
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"train": str(tmp_path / "rows.json")}},
        "test_split": "train",
        "process_docs": process_docs,
        "process_results": score_rubric,
    }
    with pytest.raises(DatasetError, match="row 2: a rubric does not describe score 4"):
        checked_data({"perception_bench": config}, load_settings(), predict_only=True)


def test_a_task_of_ours_without_rubrics_is_not_judged_by_them() -> None:
    # as `lmms-eval-ja judge --protocol rubric` asks for
    folder = FOLDER / "ja_sample"
    config = {
        "task": "ja_sample",
        "yaml_path": str(folder / "ja_sample.yaml"),
        "dataset_path": "parquet",
        "dataset_kwargs": {"data_files": {"test": [str(path) for path in sorted(folder.rglob("*.parquet"))]}},
        "test_split": "test",
        "process_docs": sample_docs,
        "process_results": score_rubric,
    }
    with pytest.raises(CheckFailedError, match="task ja_sample: no column rubric, by which the protocol rubric judges"):
        checked_data({"ja_sample": config}, load_settings(), predict_only=True)
