"""What the methods paragraph of a bundle says of judges that people should doubt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.clients import JudgeSettings
from lmms_eval_ja.compare.bundle.citing import methods
from lmms_eval_ja.compare.bundle.scored import scored_tasks
from lmms_eval_ja.judges.validity import warning_of
from support.comparisons import Shape, edit_results, facts_of, write_comparison

WILD = "ja_vlm_bench_in_the_wild"
UNKNOWN = "How far made-judge agrees with people on Japanese answers is not known."
NONE = "made-judge was measured against people on Japanese answers, and shows no agreement with them."


def _warning(tmp_path: Path, *, is_measured: bool) -> str | None:
    """Of an open judge: of which nothing is known, or which does not agree with people."""
    file = tmp_path / "eval.json"
    pearson = {"value": 0.1, "ci_low": -0.2, "ci_high": 0.3}
    judge = {"judge": "made-judge", "protocol": "", "agreement": {"n_clusters": 9, "statistics": {"pearson": pearson}}}
    file.write_text(json.dumps({"tasks": [WILD], "judges": [judge]}), encoding="utf-8")
    local = JudgeSettings(model="made-judge", base_url="http://127.0.0.1:8000/v1")
    return warning_of(local.model_copy(update={"agreement": str(file)}) if is_measured else local, "vqa_likert")


@pytest.mark.parametrize(
    ("warned", "english", "japanese"),
    [
        ({}, None, None),
        ({"model-01": False}, UNKNOWN, "分かっていない"),
        ({"model-01": True}, NONE, "一致を示していない"),
        ({"model-00": False, "model-01": True}, NONE, "一致を示していない"),
    ],
)
def test_a_doubt_of_any_models_results_is_said(
    tmp_path: Path, warned: dict[str, bool], english: str | None, japanese: str | None
) -> None:
    folder = write_comparison(tmp_path / "c", Shape(models=2, tasks=1, documents=6))
    for model in ("model-00", "model-01"):

        def warn(record: dict[str, Any], model: str = model) -> None:
            facts = facts_of(record, WILD)
            facts["fingerprint"]["judging"][0]["sampling"] = {"temperature": 0}
            if model in warned:
                facts["judging"]["vqa_likert"]["warnings"] = [_warning(tmp_path, is_measured=warned[model])]

        edit_results(folder, model, warn)
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.json*")]
    scored = list(scored_tasks(names, lambda name: (folder / name).read_bytes()))
    for text, wanted, sentences in (
        (methods(scored), english, (UNKNOWN, NONE)),
        (methods(scored, japanese=True), japanese, ("分かっていない", "一致を示していない")),
    ):
        assert [sentence for sentence in sentences if sentence in text] == ([wanted] if wanted else [])
