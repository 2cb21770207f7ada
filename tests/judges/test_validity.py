from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from lmms_eval_ja.clients import JudgeSettings, SettingsError
from lmms_eval_ja.judge_eval import evaluate
from lmms_eval_ja.judges.validity import is_open, shows_no_agreement, warning_of, warnings_of

SCORES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] * 3
LOCAL = {"model": "qwen", "base_url": "http://127.0.0.1:8000/v1"}


def judge(**fields: object) -> JudgeSettings:
    return JudgeSettings.model_validate(LOCAL | fields)


def evaluation(path: Path, *, protocol: str = "ja_graded", tasks: tuple[str, ...] = (), **pearson: object) -> str:
    found = {"value": 0.7, "ci_low": 0.5, "ci_high": 0.8} | pearson
    of = {"judge": "qwen", "protocol": protocol, "agreement": {"n_clusters": 9, "statistics": {"pearson": found}}}
    path.write_text(json.dumps({"tasks": list(tasks), "judges": [of]}))
    return str(path)


def measured(path: Path, people: Sequence[float], judged: Sequence[float], image: str | None = None) -> str:
    """What `judge-eval` finds."""
    for name, scores in (("labels", people), ("qwen", judged)):
        rows = (
            {"model": "m", "task": "ja_sample", "doc_id": n, "score": score} | ({"image": image} if image else {})
            for n, score in enumerate(scores)
        )
        (path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = path / "eval.json"
    file.write_text(evaluate(path / "labels.jsonl", [path / "qwen.jsonl"]).as_json(), encoding="utf-8")
    return str(file)


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


@pytest.mark.parametrize("low", [-0.1, 0.0])
def test_no_agreement_is_said(tmp_path, low):
    warning = str(warning_of(judge(agreement=evaluation(tmp_path / "eval.json", ci_low=low)), "ja_graded"))
    assert "shows no agreement" in warning
    assert shows_no_agreement(warning)


def test_a_judge_that_agrees_in_every_answer_needs_no_warning(tmp_path):
    file = measured(tmp_path, SCORES, SCORES)
    assert warning_of(judge(agreement=file), "ja_graded") is None


@pytest.mark.parametrize(
    ("judged", "image", "reason"),
    [
        (SCORES, "one", "all answers are of one cluster"),
        ([min(10, score + score % 2) for score in SCORES], "one", "all answers are of one cluster"),
        ([7] * len(SCORES), None, "the judge scores every answer 7"),
    ],
)
def test_a_file_that_tells_nothing_says_why(tmp_path, judged, image, reason):
    warning = str(warning_of(judge(agreement=measured(tmp_path, SCORES, judged, image)), "ja_graded"))
    assert warning.endswith(
        f"does not tell how far the open judge qwen agrees with people on Japanese answers: {reason}"
    )
    assert not shows_no_agreement(warning)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        warning_of(judge(agreement=str(tmp_path / "absent.json")))
    (tmp_path / "other.json").write_text("[1]")
    for file in (str(tmp_path / "other.json"), evaluation(tmp_path / "text.json", ci_low="0.4")):
        with pytest.raises(SettingsError, match="no file of `lmms-eval-ja judge-eval --json`"):
            warning_of(judge(agreement=file))
