"""The shell lines of a comparison: what they hold, and what they must not."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from lmms_eval_ja.compare.file import read_comparison
from lmms_eval_ja.compare.plan import Plan, plan_of
from lmms_eval_ja.compare.shell import shell_lines
from support.comparison_file import GOOD, written

REPLAY = {"id": "r", "plugin": "replay", "args": {"answers": "../a b"}}
MODELS = ["qwen2-vl-7b-instruct", "sarashina2-vision-8b", REPLAY]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    (folder := tmp_path / "it's here").mkdir()
    (tmp_path / "a b").mkdir()
    return plan_of(read_comparison(written(folder, GOOD | {"models": MODELS})))


def test_a_line_for_each_run_and_one_to_collect(plan: Plan) -> None:
    lines = list(
        shell_lines(plan, plan.runs, ["--output", "/x y"], environ={"HF_HOME": "/a b", "HF_TOKEN": "hf_secret"})
    )
    assert lines[::2] == [
        "# qwen2-vl-7b-instruct: 1 GPU, about 3 minutes",
        "# sarashina2-vision-8b: 1 GPU, about 3 minutes, environment sarashina2",
        "# r: no GPU, about 0 minutes",
        "# After the last of them, once: tables and report.",
    ]
    first, *_, last = map(shlex.split, lines[1::2])
    assert first[0] == "env"
    assert "HF_HOME=/a b" in first
    assert first[-6:] == ["compare", str(plan.comparison.path), "--output", "/x y", "--run", "qwen2-vl-7b-instruct"]
    assert last[-1] == "--collect"
    assert "secret" not in "".join(lines)


def test_the_last_line_has_its_own_options(plan: Plan) -> None:
    *_, last = shell_lines(plan, plan.runs, ["--output", "/x"], collecting=["--output", "/x", "--only", "r"])
    assert shlex.split(last)[-6:] == [str(plan.comparison.path), "--output", "/x", "--only", "r", "--collect"]
    *_, last = shell_lines(plan, plan.runs, ["--output", "/x"], reproduce="paper")
    assert shlex.split(last)[-6:] == ["compare", "--reproduce", "paper", "--output", "/x", "--collect"]


def test_what_is_done_is_left_out(plan: Plan) -> None:
    plan.runs[0].judge.folder.mkdir(parents=True)
    plan.runs[1].generate.folder.mkdir(parents=True)
    comments = list(shell_lines(plan, plan.runs))[::2]
    assert comments[:2] == ["# sarashina2-vision-8b: only judging is left, no GPU", "# r: no GPU, about 0 minutes"]


def test_an_address_with_a_password_is_not_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_BASE_URL", "https://me:hidden@judge/v1")
    plan = plan_of(read_comparison(written(tmp_path, GOOD)))
    first, *lines = shell_lines(plan, plan.runs)
    assert first.endswith("set it where the lines run: LMMS_EVAL_JA_JUDGE_BASE_URL")
    assert "hidden" not in "".join(lines)


def test_sh_reads_the_lines_as_they_are_meant(plan: Plan) -> None:
    lines = shell_lines(plan, plan.runs, environ={"HF_HOME": "/a 'b' $HOME"})
    script = "\n".join(line.replace("env ", "printf '%s\\n' ", 1) for line in lines)
    done = subprocess.run(["/bin/sh", "-eu"], input=script, capture_output=True, text=True, check=True)
    assert done.stdout.count("HF_HOME=/a 'b' $HOME\n") == 4
    assert done.stdout.count(f"{plan.comparison.path}\n") == 4
