"""What is said before a run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.run import Run, _announce_anchors

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
