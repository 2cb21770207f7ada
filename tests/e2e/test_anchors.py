"""The answers that come with Heron-Bench, judged beside the answers under test."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e import judging
from e2e.runner import Ended, evaluate, write_answers
from e2e.worker import Worker
from support import benchmarks
from support.judge_server import JudgeServer, Reply, heron_reply, scripted_scores, user_text

ORIGINAL, PAIRWISE = "heron_bench_ja", "heron_bench_ja_pairwise"
ANCHORS = {"anchor_claude_3": "claude3", "anchor_gemini": "gemini", "anchor_gpt_4v": "gpt4v"}
ON = {"LMMS_EVAL_JA_ANCHORS": "1"}


def _env(judge: JudgeServer, store: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
        "LMMS_EVAL_JA_JUDGE_DEADLINE_S": "5",
        "LMMS_EVAL_JA_STORE": str(store),
        "COLUMNS": "300",
    } | dict(more or {})


def _pairwise_reply(body: Mapping[str, Any]) -> str:
    first, second = scripted_scores(body)
    return json.dumps({"score_gpt": first, "score": second})


# --- the benchmark's real texts ---


@pytest.fixture(scope="module")
def real_worker(real_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker(real_env, tmp_path_factory.mktemp("real_worker") / "empty") as worker:
        yield worker


@benchmarks.needs_shared
def test_anchors_score_as_their_answers_do_under_test_and_cost_once(real_worker: Worker, tmp_path: Path) -> None:
    with JudgeServer(heron_reply) as judge:
        env = _env(judge, tmp_path / "verdicts.sqlite")
        first = real_worker.evaluate([ORIGINAL], judging.ANSWERS["claude3"], env | ON)
        # Those of Claude 3 are under test as well: the same requests.
        assert len(judge.requests) == 3 * 103
        line = "heron_bench_ja: 3 × 103 recorded answers are judged too, as anchors (LMMS_EVAL_JA_ANCHORS=0"
        assert line in first.log
        shown = first.scores(ORIGINAL)
        assert shown["anchor_claude_3"] == shown["overall"]
        assert shown["anchor_gemini_stderr_clustered"] > 0
        assert shown["anchor_gemini_ci_low"] < shown["anchor_gemini"] < shown["anchor_gemini_ci_high"]
        for metric, name in ANCHORS.items():
            under_test = real_worker.evaluate([ORIGINAL], judging.ANSWERS[name], env)
            assert metric not in under_test.scores(ORIGINAL)
            assert "recorded answers" not in under_test.log
            expected = judging.heron_scores(
                benchmarks.real_heron_rows(), judging.scripted(judging.heron_messages(name))
            )
            assert shown[metric] == pytest.approx(under_test.scores(ORIGINAL)["overall"], rel=0, abs=1e-9)
            assert shown[metric] == pytest.approx(expected["overall"], rel=0, abs=1e-9)
        again = real_worker.evaluate([ORIGINAL], judging.ANSWERS["gpt4v"], env | ON)
        assert len(judge.requests) == 3 * 103
        assert {m: again.scores(ORIGINAL)[m] for m in ANCHORS} == {m: shown[m] for m in ANCHORS}
        assert again.facts(ORIGINAL)["fingerprint"] == first.facts(ORIGINAL)["fingerprint"]


@benchmarks.needs_shared
def test_a_part_of_the_questions_has_the_anchors_of_that_part(real_worker: Worker, tmp_path: Path) -> None:
    with JudgeServer(heron_reply) as judge:
        env = _env(judge, tmp_path / "verdicts.sqlite", ON)
        done = real_worker.evaluate([ORIGINAL], judging.ANSWERS["gemini"], env, limit=7)
    assert len(judge.requests) == 3 * 7
    assert "heron_bench_ja: 3 × 7 recorded answers" in done.log
    assert {done.facts(ORIGINAL)["scores"][metric]["n"] for metric in ANCHORS} == {7}


@benchmarks.needs_shared
@pytest.mark.slow
def test_two_ranks_give_the_same_samples_as_one_process(real_env: dict[str, str], tmp_path: Path) -> None:
    with JudgeServer(heron_reply) as judge:
        env = real_env | _env(judge, tmp_path / "verdicts.sqlite", ON)
        one = evaluate(tmp_path / "one", ORIGINAL, judging.ANSWERS["gpt4v"], env)
        two = evaluate(tmp_path / "two", ORIGINAL, judging.ANSWERS["gpt4v"], env, way="torchrun")
    assert (one.returncode, two.returncode) == (0, 0), two.output[-4000:]
    assert one.samples(ORIGINAL) == two.samples(ORIGINAL)
    (first, *_) = two.samples(ORIGINAL)
    assert first["anchor_gemini"].keys() == {"cluster", "category", "verdict", "influence"}
    values = {metric: two.scores(ORIGINAL)[metric] for metric in ANCHORS}
    assert values == {metric: one.scores(ORIGINAL)[metric] for metric in ANCHORS}


# --- made-up texts ---


def test_an_anchor_without_verdicts_is_no_number_and_leaves_the_score_complete(
    worker: Worker, heron_answers: Path, tmp_path: Path
) -> None:
    def reply(body: Mapping[str, Any]) -> str | Reply:
        refused = "（gemini-1.0-pro-vision-latestの回答" in user_text(body)
        return Reply(None, refusal="採点できません。") if refused else _pairwise_reply(body)

    with JudgeServer(reply) as judge:
        env = _env(judge, tmp_path / "verdicts.sqlite")
        plain = worker.evaluate([PAIRWISE], heron_answers, env)
        done = worker.evaluate([PAIRWISE], heron_answers, env | ON)
    shown = done.scores(PAIRWISE)
    assert math.isnan(shown["anchor_gemini"])
    assert not math.isnan(shown["anchor_claude_3"])
    anchors = tuple(ANCHORS)
    assert {k: v for k, v in shown.items() if not k.startswith(anchors)} == plain.scores(PAIRWISE)
    ours, before = done.facts(PAIRWISE), plain.facts(PAIRWISE)
    assert {k: v for k, v in ours["scores"].items() if k not in ANCHORS} == before["scores"]
    assert {name: ours[name] for name in ("fingerprint", "failures", "answers_cut")} == {
        name: before[name] for name in ("fingerprint", "failures", "answers_cut")
    }
    why = ours["scores"]["anchor_gemini"]["why_none"]
    assert why == "0 of 103 samples have a score; failures: 103 refusal"
    assert "no complete score" not in done.log


@pytest.fixture(scope="module")
def predicted(hub_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A run without a judge; its answers lie in `answers.jsonl` beside the folder of results."""
    folder = tmp_path_factory.mktemp("predicted")
    rows = benchmarks.synthetic_heron_rows()
    answers = write_answers(folder / "answers.jsonl", {row["question_id"]: row["text"] for row in rows})
    done = evaluate(folder, ORIGINAL, answers, hub_env, "--predict_only")
    assert done.returncode == 0, done.output[-4000:]
    return done


def test_rejudging_has_them_too(worker: Worker, predicted: Ended, tmp_path: Path) -> None:
    words = ("judge", str(predicted.folder), "--protocol")
    with JudgeServer(_pairwise_reply) as judge:
        env = _env(judge, tmp_path / "verdicts.sqlite", ON)
        status, output = worker.command(*words, "ja_pairwise", "--dry-run", env=env)
        assert status == 0, output
        assert f"{103 * 2 * 4}" in output  # both orders of four answers
        assert "Among them 309 answers that come with the benchmarks" in output
        status, output = worker.command(*words, "vqa_likert", "--dry-run", env=env)
        assert (status, "Among them" in output, " 103 " in output) == (0, False, True), output

        out = tmp_path / "out"
        status, output = worker.command(*words, "ja_pairwise", "--output", str(out), env=env)
        assert status == 0, output
        assert len(judge.requests) == 103 * 2 * 4
        scores = Ended(0, "", out).scores(ORIGINAL)
        in_place = worker.evaluate([PAIRWISE], predicted.folder.parent / "answers.jsonl", env)
        assert len(judge.requests) == 103 * 2 * 4
        status, output = worker.command(*words, "ja_pairwise", "--output", f"{out}2", "--judge", "overlap", env=env)
        assert status == 0, output
    for metric in ANCHORS:
        assert scores[metric] == pytest.approx(in_place.scores(PAIRWISE)[metric], rel=0, abs=1e-12)
    _check_link(worker, Ended(0, "", out), Ended(0, "", tmp_path / "out2"), tmp_path / "link.json")


def _check_link(worker: Worker, old: Ended, new: Ended, file: Path) -> None:
    """`lmms-eval-ja judge-link` on what was written: every judged metric is shifted by the difference of the scores."""
    status, output = worker.command("judge-link", str(old.folder), str(new.folder), "--json", str(file))
    assert status == 0, output
    (task,) = json.loads(file.read_text(encoding="utf-8"))["tasks"]
    before, after = old.scores(ORIGINAL), new.scores(ORIGINAL)
    shifts = {shift["metric_old"]: shift for shift in task["shifts"]}
    assert {"overall", "conv", "landmark", "model_mean", "reference_mean", *ANCHORS} <= shifts.keys()
    for metric, shift in shifts.items():
        assert (shift["old"], shift["new"]) == (pytest.approx(before[metric]), pytest.approx(after[metric]))
        assert shift["shift"] == pytest.approx(after[metric] - before[metric], abs=1e-9)
        assert shift["ci_low"] <= shift["shift"] <= shift["ci_high"]
    assert (shifts["overall"]["n"], shifts["overall"]["clusters"]) == (103, 21)
    (agreement,) = task["agreements"]
    assert (agreement["protocol_new"], agreement["n"], agreement["left_out"]) == ("ja_pairwise", 103, 0)
