"""Carrying out a run here, and what is recorded of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lmms_eval_ja.carrying import carry_out_here, note
from lmms_eval_ja.compare.attempt import Outcome
from lmms_eval_ja.compare.faults import ComparisonError
from lmms_eval_ja.compare.file import read_comparison
from lmms_eval_ja.compare.plan import Plan, plan_of
from lmms_eval_ja.compare.record import read_record
from lmms_eval_ja.compare.state import State, status
from support.comparison_file import GOOD, written


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Of one run, whose command says that memory is out."""
    plan = plan_of(read_comparison(written(tmp_path, GOOD)))
    words = ("/bin/sh", "-c", "echo 'torch.OutOfMemoryError: CUDA out of memory.'; exit 1")
    (run,) = plan.runs
    return replace(plan, runs=(replace(run, generate=replace(run.generate, words=words)),))


def test_a_step_that_fails_is_recorded_with_cause_and_log(plan: Plan) -> None:
    (run,) = plan.runs
    said: list[str] = []
    for number in (1, 2):
        outcome = carry_out_here(plan, run, said.append)
        assert not outcome.complete
        record = read_record(run.folder)
        assert record["failed"] == {
            "kind": "generate",
            "cause": outcome.cause,
            "log": f"attempts/generate-{number}/log.txt",
        }
        assert "memory" in record["failed"]["cause"]
        assert (record["attempts"], record["seconds"]) == ({"generate": number}, {})
        assert (run.folder / record["failed"]["log"]).is_file()
    assert said == ["qwen2-vl-7b-instruct: generate: started"] * 2
    assert (record["id"], record["plugin"], record["gpus"]) == ("qwen2-vl-7b-instruct", "ja_vlm", 1)
    assert status(run).state is State.FAILED
    assert (plan.comparison.output / "comparison.yaml").is_file()


def test_a_step_that_never_started_is_no_failure(plan: Plan) -> None:
    (run,) = plan.runs
    note(run, Outcome(run.judge, complete=False, cause="not started: …"))
    assert read_record(run.folder)["failed"] is None
    carry_out_here(plan, run, lambda _: None)
    note(run, Outcome(run.judge, complete=False, cause="not started: …"))
    assert read_record(run.folder)["failed"]["kind"] == "generate"


def test_a_step_that_was_lost_is_a_failure(plan: Plan) -> None:
    (run,) = plan.runs
    note(run, Outcome(run.generate, complete=False, cause="its machine or worker was lost 4 times: …"))
    assert (status(run).state, status(run).cause) == (State.FAILED, "its machine or worker was lost 4 times: …")


def test_answers_that_came_from_elsewhere_meanwhile_are_not_taken_for_these(plan: Plan) -> None:
    (run,) = plan.runs
    run.generate.folder.mkdir(parents=True)
    with pytest.raises(ComparisonError, match="its answers do not hold what the file asks for"):
        carry_out_here(plan, run, lambda _: None)
    assert read_record(run.folder) == {}


def test_seconds_are_those_of_the_attempt_that_was_put_in_its_place(plan: Plan) -> None:
    """Also of one that nobody lived to note."""
    (run,) = plan.runs
    run.generate.folder.mkdir(parents=True)
    for number, seconds, cause in ((1, 5.0, "out of memory"), (2, 7.0, None), (3, 9.0, None)):
        folder = run.folder / "attempts" / f"generate-{number}"
        folder.mkdir(parents=True)
        (folder / "attempt.json").write_text(json.dumps({"seconds": seconds, "cause": cause}))
    (run.folder / "attempts/generate-3/out").mkdir()  # it was slower than the second
    (run.folder / "attempts/generate-4").mkdir()  # killed
    note(run, Outcome(run.generate, complete=True))
    record = read_record(run.folder)
    assert (record["seconds"], record["attempts"]) == ({"generate": 7.0}, {"generate": 4})
