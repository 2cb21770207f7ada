from __future__ import annotations

import json
from pathlib import Path

import pytest

from lmms_eval_ja.clients import JudgeSettings, SettingsError
from lmms_eval_ja.judges.validity import is_open, warning_of, warnings_of

LOCAL = {"model": "qwen", "base_url": "http://127.0.0.1:8000/v1"}


def judge(**fields: object) -> JudgeSettings:
    return JudgeSettings.model_validate(LOCAL | fields)


def evaluation(path: Path, *, low: float | None = 0.5, protocol: str = "ja_graded", tasks: tuple[str, ...] = ()) -> str:
    pearson = {"value": 0.7, "ci_low": low, "ci_high": 0.8}
    of = {"judge": "qwen", "protocol": protocol, "agreement": {"statistics": {"pearson": pearson}}}
    path.write_text(json.dumps({"tasks": list(tasks), "judges": [of]}))
    return str(path)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (JudgeSettings(), False),
        (JudgeSettings(provider="overlap", model="overlap"), False),
        (JudgeSettings(provider="azure", base_url="https://r.openai.azure.com", api_version="2024-10-21"), False),
        (JudgeSettings(provider="transformers", model="org/judge"), True),
        (judge(), True),
    ],
)
def test_who_is_open(settings, expected):
    assert is_open(settings) is expected
    assert bool(warning_of(settings)) is expected


def test_the_warning_says_what_to_do():
    [warning] = warnings_of([JudgeSettings(), judge()], "ja_graded")
    assert warning.startswith("how far the open judge qwen agrees with people on Japanese answers is not known: ")
    assert "judge-eval" in warning
    assert "agreement" in warning


def test_a_meta_evaluation_of_the_judge_takes_it_away(tmp_path):
    file = evaluation(tmp_path / "eval.json", tasks=("ja_sample",))
    assert warning_of(judge(agreement=file), "ja_graded") is None
    assert "by protocol rubric is not known" in str(warning_of(judge(agreement=file), "rubric"))
    assert "is not known, since" in str(warning_of(judge(agreement=file, model="other"), "ja_graded"))


@pytest.mark.parametrize("tasks", [("perception_bench",), ("ja_sample", "perception_bench")])
def test_agreement_in_another_language_counts_for_nothing(tmp_path, tasks):
    file = evaluation(tmp_path / "eval.json", tasks=tasks)
    assert "is not known, since" in str(warning_of(judge(agreement=file), "ja_graded"))


@pytest.mark.parametrize("low", [None, -0.1, 0.0])
def test_no_agreement_is_said(tmp_path, low):
    file = evaluation(tmp_path / "eval.json", low=low)
    assert "shows no agreement" in str(warning_of(judge(agreement=file), "ja_graded"))


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        warning_of(judge(agreement=str(tmp_path / "absent.json")))
    (tmp_path / "other.json").write_text("[1]")
    with pytest.raises(SettingsError, match="no file of `lmms-eval-ja judge-eval --json`"):
        warning_of(judge(agreement=str(tmp_path / "other.json")))
