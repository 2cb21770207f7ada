"""A judge that answers badly: named failures, never numbers, and no headline when too many are missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from e2e.runner import write_answers
from e2e.worker import Evaluated, Worker
from support import benchmarks
from support.judge_server import JudgeServer, Reply, user_text

TASK = "ja_vlm_bench_in_the_wild"
ROWS = benchmarks.ja_vlm_rows()


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return write_answers(tmp_path / "answers.jsonl", {n: row["answer"] for n, row in enumerate(ROWS)})


def _score(n: int) -> int:
    return n % 5 + 1


def _judged(worker: Worker, answers: Path, failing: int, failure: Reply | str) -> tuple[Evaluated, JudgeServer]:
    """A run whose judge gives the first questions `failure` and the others their score."""

    def reply(body: Mapping[str, Any]) -> str | Reply:
        (n,) = [n for n, row in enumerate(ROWS) if f"\n{row['question']}\n" in user_text(body)]
        return failure if n < failing else f"Score: {_score(n)}"

    with JudgeServer(reply) as judge:
        env = {
            "LMMS_EVAL_JA_JUDGE": "openai",
            "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
            "LMMS_EVAL_JA_JUDGE_DEADLINE_S": "1",
            "LMMS_EVAL_JA_STORE": str(answers.parent / "verdicts.sqlite"),
        }
        return worker.evaluate([TASK], answers, env), judge


def test_two_unreadable_replies_of_fifty_are_missing(worker: Worker, answers: Path) -> None:
    done, judge = _judged(worker, answers, 2, "とても良い回答です。")
    shown = done.scores(TASK)
    assert shown["judge_mean"] == pytest.approx(fmean(_score(n) for n in range(2, 50)), abs=1e-9)
    assert (shown["coverage"], shown["parse_failures"], shown["judge_failures"]) == (0.96, 2, 0)
    assert done.facts(TASK)["failures"]["parse"]["samples"] == ["0", "1"]
    assert len(judge.requests) == 48 + 2 * 3  # asked, and asked again twice
    assert ["influence" in sample["judge_mean"] for sample in done.samples(TASK)[:3]] == [False, False, True]


def test_three_of_fifty_are_too_many(worker: Worker, answers: Path) -> None:
    done, _ = _judged(worker, answers, 3, "Score: 9")
    shown, facts = done.scores(TASK), done.facts(TASK)
    assert math.isnan(shown["judge_mean"])
    assert (shown["coverage"], shown["parse_failures"]) == (0.94, 3)
    assert facts["scores"]["judge_mean"]["why_none"] == "47 of 50 samples have a score; failures: 3 range"
    assert not math.isnan(shown["rouge_l_ja"])


def test_a_refusal_is_a_failure_of_the_judge(worker: Worker, answers: Path) -> None:
    done, _ = _judged(worker, answers, 1, Reply(None, refusal="採点できません。"))
    shown, facts = done.scores(TASK), done.facts(TASK)
    assert (shown["coverage"], shown["judge_failures"], shown["parse_failures"]) == (0.98, 1, 0)
    assert facts["failures"]["refusal"]["example"] == "採点できません。"
    assert not math.isnan(shown["judge_mean"])


def test_one_request_that_never_succeeds_leaves_the_task_incomplete(worker: Worker, answers: Path) -> None:
    done, _ = _judged(worker, answers, 1, Reply("overloaded", status=503))
    assert math.isnan(done.scores(TASK)["judge_mean"])
    assert done.scores(TASK)["judge_failures"] == 1
    assert "overloaded" in done.facts(TASK)["failures"]["transport"]["example"]
    assert "to resume, run the same command again" in done.log


def test_a_run_after_another_in_the_same_process_has_its_own_judge(worker: Worker, answers: Path) -> None:
    """The engine of the first run gave its judge up; the second run asks another one."""
    first, _ = _judged(worker, answers, 50, Reply("the key is gone", status=401))
    second, judge = _judged(worker, answers, 0, "")
    assert math.isnan(first.scores(TASK)["judge_mean"])
    assert second.scores(TASK)["judge_mean"] == pytest.approx(3)  # each of 1 to 5 ten times
    assert len(judge.requests) == 50


def test_a_part_of_the_questions_can_be_run(worker: Worker, answers: Path) -> None:
    done = worker.evaluate([TASK], answers, limit=7)
    assert done.facts(TASK)["scores"]["judge_mean"]["n"] == 7
    assert done.scores(TASK)["rouge_l_ja"] == 100
