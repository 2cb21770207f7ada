"""`lmms-eval-ja compare` before anything runs: the plan, what stands in its way, how far it is, shell lines."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from typer.testing import CliRunner, Result

from lmms_eval_ja.cli import app
from lmms_eval_ja.compare.record import read_record, update_record
from lmms_eval_ja.jp_tasks import FOLDER
from support.comparison_file import GOOD, written
from support.judge_server import JudgeServer

ANSWERS = FOLDER / "ja_sample" / "answers"
TERSE = {"id": "terse", "plugin": "replay", "args": {"answers": str(ANSWERS / "terse.jsonl")}}
VERBOSE = {"id": "verbose", "plugin": "replay", "args": {"answers": str(ANSWERS / "verbose.jsonl")}}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2 << 40, 1 << 40, 1 << 40))


def compare(folder: Path, *words: str, **fields: Any) -> Result:
    """The command on a file with two recorded answer sets, unless fields say otherwise."""
    return call(str(written(folder, GOOD | {"models": [TERSE, VERBOSE]} | fields)), *words)


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["compare", *words])


def failed(done: Result, *says: str) -> None:
    assert done.exit_code == 1, done.output
    for text in says:
        assert text in done.output


def test_the_plan_is_shown_and_nothing_is_started(tmp_path: Path) -> None:
    done = compare(tmp_path, "--dry-run", models=[TERSE, "qwen2-vl-7b-instruct"])
    assert done.exit_code == 0, done.output
    # 7 billion parameters: 7 × 2 × 1.25 GB of GPU memory, 14 GB to download, 2 + 40 × (0.5 + 0.2 × 7) / 60 minutes.
    row = next(line for line in done.output.splitlines() if "qwen2-vl-7b-instruct" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "qwen2-vl-7b-instruct", "ja_vlm", "this one", "1", "~18", "~14", "~3", "to do",
    ]  # fmt: skip
    assert "2 runs, 0 done. GPUs: 1." in done.output
    assert "Judge: overlap." in done.output
    assert not (tmp_path / "out").exists()


def test_what_a_judge_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 documents, one request for vqa_likert and two for ja_pairwise (both orders): 120 for each of two runs."""
    with JudgeServer(lambda _: "Score: 3") as server:
        monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_BASE_URL", server.base_url)
        monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_PRICE_INPUT", "1")
        monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_PRICE_OUTPUT", "1")
        monkeypatch.setenv("LMMS_EVAL_JA_BUDGET_USD", "20")
        done = compare(tmp_path, "--dry-run", judge="openai")
    assert done.exit_code == 0, done.output
    assert "Judge: openai, 240 requests if none is stored yet, about $" in done.output
    assert "budget_usd holds for each model's judging: at most $20.00 a model." in done.output


def test_what_stands_in_the_way_is_named_before_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    huge = {"id": "huge", "hub": "org/huge", "plugin": "ja_vlm", "params_b": 1e9, "gpus": 4}
    typo = {"id": "typo", "plugin": "qwen2_vll", "args": {"pretrained": "x"}}
    done = compare(tmp_path, models=[TERSE, "sarashina2-vision-8b", huge, typo])
    failed(
        done,
        "nothing was started:",
        "- huge needs 4 GPUs, and here there is 1: state gpus in its entry (0 runs it on the CPU), leave it out by",
        "- typo: plugin: unknown model of lmms-eval 'qwen2_vll'; did you mean qwen2_vl",
        "- the environments sarashina2 are still to be made: uv is not installed",
        "- the disk is too small:",
    )
    assert not (tmp_path / "out").exists()
    failed(compare(tmp_path, "--gpus", "8"), "gpus is 8, and this machine has 1: state at most 1")
    failed(compare(tmp_path, "--gpus", "0", models=["qwen2-vl-7b-instruct"]), "needs 1 GPU, and here there is none")


def test_a_judge_that_cannot_be_asked(tmp_path: Path) -> None:
    failed(compare(tmp_path, judge="openai"), "OPENAI_API_KEY", "With judge: none only metrics without a judge")
    failed(compare(tmp_path, judge="nobody"), "judge: unknown judge 'nobody'; expected one of openai, overlap")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "state either a file (comparison.yaml) or --reproduce NAME"),
        (("a.yaml", "--reproduce", "paper"), "state either a file"),
        (("--reproduce", "papers"), "--reproduce: unknown comparison 'papers'; did you mean paper"),
        (("nowhere.yaml",), "nowhere.yaml"),
    ],
)
def test_words_that_do_not_fit(words: tuple[str, ...], says: str) -> None:
    failed(call(*words), says)


def test_models_that_are_picked(tmp_path: Path) -> None:
    done = compare(tmp_path, "--dry-run", "--only", "verbose")
    assert done.exit_code == 0
    assert "1 runs, 0 done" in done.output
    failed(compare(tmp_path, "--only", "verbos"), "unknown model 'verbos'; did you mean verbose")


def test_the_status_names_failures_with_cause_and_log(tmp_path: Path) -> None:
    update_record(
        tmp_path / "out/runs/terse", failed={"kind": "generate", "cause": "out of memory", "log": "a/log.txt"}
    )
    done = compare(tmp_path, "--status")
    failed(
        done,
        f"terse failed: out of memory (log: {tmp_path}/out/runs/terse/a/log.txt)",
        "What failed is skipped by the same command; --retry-failed tries it again.",
    )
    assert "failed, skipped" in compare(tmp_path, "--dry-run").output
    assert "failed, tried again" in compare(tmp_path, "--dry-run", "--retry-failed").output


def test_what_failed_before_is_not_started_again(tmp_path: Path) -> None:
    cause = {"kind": "generate", "cause": "out of memory", "log": None}
    for name in ("terse", "verbose"):
        update_record(tmp_path / "out/runs" / name, failed=cause)
    failed(compare(tmp_path), "terse failed: out of memory", "No run has scores yet: there is nothing to compare.")
    assert not list((tmp_path / "out").rglob("attempts"))
    assert read_record(tmp_path / "out/runs/terse")["failed"] == cause
    assert (tmp_path / "out/comparison.yaml").read_text() == (tmp_path / "comparison.yaml").read_text()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "out/runs/terse").mkdir(parents=True)
    with FileLock(tmp_path / "out/.lock"):
        failed(compare(tmp_path), "a comparison is at work on", "wait for it, or end it first")
    with FileLock(tmp_path / "out/runs/terse/.lock"):
        failed(compare(tmp_path), "run terse is at work on")
        failed(compare(tmp_path, "--run", "terse"), "run terse is at work on")


def test_a_half_written_run_is_refused(tmp_path: Path) -> None:
    answers = tmp_path / "out/runs/terse/answers"
    answers.mkdir(parents=True)
    (answers / "1_results.json").write_text(json.dumps({"config": {}}))
    for words in ((), ("--print-commands",), ("--run", "terse"), ("--status",), ("--collect",)):
        failed(compare(tmp_path, *words), "its answers do not hold what the file asks for: ", "remove ")


def test_shell_lines_are_plain(tmp_path: Path) -> None:
    done = compare(tmp_path, "--print-commands", "--only", "verbose", "--output", "else where")
    assert done.exit_code == 0
    comment, line, _, last = done.stdout.splitlines()
    assert comment == "# verbose: no GPU, about 0 minutes"
    assert line.endswith(f"--output '{tmp_path}/else where' --run verbose")
    assert last.endswith("--collect")


@pytest.mark.parametrize(("name", "models"), [("paper", 12), ("paper-rouge", 11)])
def test_ready_comparisons_are_planned(name: str, models: int, tmp_path: Path) -> None:
    done = call("--reproduce", name, "--print-commands")
    assert done.exit_code == 0, done.output
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert len(lines) == models + 1
    assert all(f"--output {tmp_path}/reproduce-{name}" in line for line in lines)
