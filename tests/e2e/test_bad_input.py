"""What cannot succeed is refused before the model loads, with a message that says what to do."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.runner import free_port, swapped, without_column, write_answers
from e2e.worker import Worker
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.metrics import failed_generation
from support import benchmarks
from support.hub import Hub
from support.judge_server import JudgeServer, heron_reply

ANSWERS = FOLDER / "ja_sample" / "answers" / "terse.jsonl"
#: The model would refuse this file when it is built, so a message without its name came before.
NO_ANSWERS = "/nonexistent/answers.jsonl"
SECRET = "sk-a-key-that-nobody-may-see"


@pytest.fixture
def locked() -> Iterator[JudgeServer]:
    with JudgeServer(heron_reply, require_key="another") as server:
        yield server


def _refused(worker: Worker, env: dict[str, str], task: str = "ja_sample") -> str:
    """The message of a run that stopped before the model was built."""
    done = worker.evaluate([task], NO_ANSWERS, env)
    assert done.exit is not None, done.failure or done.log
    assert "there is no such file" not in done.exit + done.log
    return done.exit


def test_the_model_itself_would_have_complained(worker: Worker) -> None:
    done = worker.evaluate(["ja_sample"], NO_ANSWERS)
    assert done.exit == f"lmms-eval-ja: answers={NO_ANSWERS}: there is no such file or folder"


def test_an_unknown_judge(worker: Worker) -> None:
    message = _refused(worker, {"LMMS_EVAL_JA_JUDGE": "nobody"})
    assert "unknown judge 'nobody'; expected one of openai, overlap" in message


def test_a_judge_that_cannot_be_reached(worker: Worker) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    message = _refused(worker, {"LMMS_EVAL_JA_JUDGE": "openai", "LMMS_EVAL_JA_JUDGE_BASE_URL": url})
    assert f"the judge at {url} cannot be reached" in message
    assert "--predict_only" in message


def test_no_key(worker: Worker) -> None:
    message = _refused(worker, {"LMMS_EVAL_JA_JUDGE": "openai"})
    assert "wants a key: set OPENAI_API_KEY, or choose another judge" in message


def test_a_key_that_is_rejected_is_not_shown(worker: Worker, locked: JudgeServer) -> None:
    env = {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": locked.base_url,
        "OPENAI_API_KEY": SECRET,
        "LMMS_EVAL_JA_JUDGE_API_KEY_ENV": "OPENAI_API_KEY",
    }
    done = worker.evaluate(["ja_sample"], NO_ANSWERS, env)
    assert done.exit is not None
    assert "rejects the key in OPENAI_API_KEY (HTTP 401)" in done.exit
    assert "OPENAI_API_KEY is set" in done.log
    assert SECRET not in done.exit + done.log


def test_rules_that_are_not_the_benchmarks(worker: Worker, tmp_path: Path) -> None:
    placed = tmp_path / "heron_bench" / "rule.json"
    placed.parent.mkdir()
    placed.write_text("{}", encoding="utf-8")
    with JudgeServer(heron_reply) as judge:
        env = {
            "LMMS_EVAL_JA_JUDGE": "openai",
            "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
            "LMMS_EVAL_JA_ASSETS": str(tmp_path),
        }
        message = _refused(worker, env, "heron_bench_ja")
    assert f"{placed} is not the expected file" in message


def _broken(lines: list[str]) -> list[str]:
    return [*lines[:2], '{"question_id": "shop_hours_3", "answer": ', *lines[3:]]


def _without_third(lines: list[str]) -> list[str]:
    return [*lines[:2], *lines[3:]]


def _third_doubled(lines: list[str]) -> list[str]:
    return [*lines, lines[2]]


def _no_answer(lines: list[str]) -> list[str]:
    return [json.dumps({"question_id": json.loads(line)["question_id"], "note": "?"}) for line in lines]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_broken, "{file}, line 3: no JSON"),
        (_without_third, "{file}: no answer for id 'shop_hours_3' (39 answers in the file)"),
        (_third_doubled, "{file}: id 'shop_hours_3' stands twice, in lines 3 and 41"),
        (_no_answer, "{file}, line 1: no answer (answer, text, prediction, response, output)"),
    ],
)
def test_answers_files(worker: Worker, tmp_path: Path, change: Callable[[list[str]], list[str]], expected: str) -> None:
    file = tmp_path / "answers.jsonl"
    lines = ANSWERS.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(change(lines)), encoding="utf-8")
    done = worker.evaluate(["ja_sample"], file)
    assert done.results is None
    assert expected.format(file=file) in (done.exit or "")


def test_a_dataset_without_a_column(worker: Worker, hub: Hub) -> None:
    with swapped(hub, benchmarks.HERON_ID, without_column(benchmarks.heron_bench(), "context")):
        message = _refused(worker, {}, "heron_bench_ja_pairwise")
    assert "Silviase/Japanese-Heron-Bench: column 'context' is missing; found question_id, image, category" in message


def test_a_dataset_of_102_rows(worker: Worker, hub: Hub) -> None:
    files = benchmarks.heron_bench(benchmarks.synthetic_heron_rows()[:102])
    with swapped(hub, benchmarks.HERON_ID, files) as commit:
        message = _refused(worker, {"LMMS_EVAL_JA_ALLOW_CHANGED_DATA": "0"}, "heron_bench_ja_pairwise")
    assert "Silviase/Japanese-Heron-Bench is not the benchmark's data: 102 rows, expected 103" in message
    assert f"(revision {commit})" in message
    assert "LMMS_EVAL_JA_ALLOW_CHANGED_DATA=1" in message


def _one_text_changed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*rows[:50], rows[50] | {"text": rows[50]["text"] + "？"}, *rows[51:]]


@benchmarks.needs_shared
def test_one_changed_text_of_the_real_dataset(worker: Worker, hub: Hub) -> None:
    rows, strict = benchmarks.real_heron_rows(), {"LMMS_EVAL_JA_ALLOW_CHANGED_DATA": "0"}
    with swapped(hub, benchmarks.HERON_ID, benchmarks.heron_bench(_one_text_changed(rows))):
        message = _refused(worker, strict, "heron_bench_ja_pairwise")
    assert "is not the benchmark's data: texts have sha256 " in message
    with swapped(hub, benchmarks.HERON_ID, benchmarks.heron_bench(rows)):
        done = worker.evaluate(["heron_bench_ja_pairwise"], NO_ANSWERS, strict)
    assert "there is no such file" in (done.exit or "")  # the unchanged data passes, and the model is built


def test_changed_data_runs_when_allowed_under_another_fingerprint(
    worker: Worker, hub: Hub, heron_answers: Path
) -> None:
    task = "heron_bench_ja_pairwise"
    as_it_was = worker.evaluate([task], heron_answers).facts(task)["fingerprint"]
    changed = _one_text_changed(benchmarks.synthetic_heron_rows())
    with swapped(hub, benchmarks.HERON_ID, benchmarks.heron_bench(changed)) as commit:
        other = worker.evaluate([task], heron_answers).facts(task)["fingerprint"]
    again = worker.evaluate([task], heron_answers).facts(task)["fingerprint"]
    assert other["dataset"]["revision"] == commit
    assert as_it_was["id"] == again["id"] != other["id"]


def test_a_failed_generation_is_no_answer(worker: Worker, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in ANSWERS.read_text(encoding="utf-8").splitlines()]
    answers = {line["question_id"]: line["answer"] for line in lines}
    file = write_answers(tmp_path / "a.jsonl", answers | {"shop_hours_1": failed_generation("out of memory")})
    done = worker.evaluate(["ja_sample"], file)
    facts = done.facts("ja_sample")
    assert math.isnan(done.scores("ja_sample")["overall"])
    assert facts["scores"]["rouge_l_ja"]["why_none"] == "39 of 40 samples have a score; failures: 1 generation"
    assert facts["failures"]["generation"]["samples"] == ["shop_hours_1"]  # though two protocols judge it
    shown = done.scores("ja_sample")
    assert (shown["coverage"], shown["judge_failures"], shown["parse_failures"]) == (39 / 40, 0, 0)
    assert "out of memory" in facts["failures"]["generation"]["example"]
    assert "to resume, run the same command again" in done.log


@pytest.mark.skipif(importlib.util.find_spec("decord") is not None, reason="decord is installed here")
def test_a_model_class_that_wants_decord(worker: Worker) -> None:
    done = worker.evaluate(["ja_sample"], NO_ANSWERS, model="qwen2_5_vl")
    assert done.exit is not None, done.failure
    assert "lmms-eval's class for qwen2_5_vl imports decord" in done.exit
    assert 'pip install "lmms-eval-ja[video]"' in done.exit
