"""Several verdicts for each answer: repeats with their spread, a jury with its agreement, and what they cost."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from e2e.worker import Worker
from lmms_eval_ja.jp_tasks import FOLDER
from support.judge_server import JudgeServer, Reply, scripted_scores, user_text

TASK, ROWS = "ja_sample", 40
REPEATS = 5


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    folder = tmp_path / "answers"
    folder.mkdir()
    shutil.copy(FOLDER / "ja_sample" / "answers" / "flawed.jsonl", folder / f"{TASK}.jsonl")
    return folder


def settings(server: JudgeServer, folder: Path, **more: object) -> dict[str, str]:
    env = {"judge": "openai", "judge_base_url": server.base_url, "judge_deadline_s": 30}
    env |= {"store": folder / "verdicts.sqlite"} | more
    return {f"LMMS_EVAL_JA_{name.upper()}": str(value) for name, value in env.items()}


def likert(body: dict[str, Any], shift: int = 0) -> str | None:
    """1 to 5, by the request; None for a request of the other protocol."""
    first, _ = scripted_scores(body)
    return f"Score: {1 + (first + shift) % 5}" if "Score:" in user_text(body) else None


def pairwise(body: dict[str, Any]) -> str:
    first, second = scripted_scores(body)
    return json.dumps({"score_gpt": first, "score": second})


def test_five_repeats_give_mean_and_spread(worker: Worker, answers: Path, tmp_path: Path) -> None:
    arrived: Counter[str] = Counter()
    graded: dict[str, list[int]] = {}

    def reply(body: dict[str, Any]) -> str:
        text = user_text(body)
        arrived[text] += 1
        score = likert(body, arrived[text] * (len(text) % 3))
        if score is not None:
            graded.setdefault(text, []).append(int(score[-1]))
        return score or pairwise(body)

    with JudgeServer(reply) as server:  # one at a time, so that the n-th request of a text is that of the n-th run
        env = settings(server, tmp_path, judge_repeats=REPEATS, judge_concurrency=1)
        done = worker.evaluate([TASK], answers, env)
        row, facts = done.scores(TASK), done.facts(TASK)
        assert len(server.requests) == REPEATS * ROWS * 3  # vqa_likert, ja_pairwise in both orders
        again = worker.evaluate([TASK], answers, env)
        assert len(server.requests) == REPEATS * ROWS * 3
    runs = [fmean(scores[n] for scores in graded.values()) for n in range(REPEATS)]
    assert len(set(runs)) > 1
    score = facts["scores"]["judge_mean"]
    assert score["runs"] == pytest.approx(runs)
    assert row["judge_mean"] == score["value"] == pytest.approx(fmean(runs))
    assert row["judge_mean_run_sd"] == score["run_sd"] == pytest.approx(stdev(runs))
    assert facts["judging"]["vqa_likert"]["agreement"]["between_repeats"][""] < 1
    assert facts["judging"]["ja_pairwise"]["agreement"]["between_repeats"][""] == pytest.approx(1)
    assert again.facts(TASK)["scores"] == facts["scores"]
    assert f"{TASK}, vqa_likert: {REPEATS * ROWS} of {REPEATS * ROWS} replies were asked for now" in done.log
    assert f"{TASK}, vqa_likert: 0 of {REPEATS * ROWS} replies were asked for now" in again.log


def test_a_jury_of_three_gives_their_agreement(worker: Worker, answers: Path, tmp_path: Path) -> None:
    # Of each answer two judges say the same and the third 1 more or, from 5 on, 1 less: see the sum below.
    thirds = {"a": 0, "b": 0, "c": 1}

    def judge(add: int):
        def reply(body: dict[str, Any]) -> str:
            score = likert(body)
            if score is None:
                return pairwise(body)
            value = int(score[-1])
            return f"Score: {value + add if value < 5 else value - add}"

        return reply

    with ExitStack() as stack:
        servers = {name: JudgeServer(judge(add), model=f"{name}-1") for name, add in thirds.items()}
        prices = "price_input = 1.0\nprice_output = 2.0\n"
        tables = [
            f'[judges.{name}]\nmodel = "{name}"\nbase_url = "{stack.enter_context(server).base_url}"\n{prices}'
            for name, server in servers.items()
        ]
        tables.append('[judges.three]\nprovider = "jury"\nmembers = ["a", "b", "c"]\n')
        file = tmp_path / "judge.toml"
        file.write_text("\n".join(['judge = "three"', *tables]), encoding="utf-8")
        env = {"LMMS_EVAL_JA_JUDGE_FILE": str(file), "LMMS_EVAL_JA_STORE": str(tmp_path / "verdicts.sqlite")}
        done = worker.evaluate([TASK], answers, env | {"LMMS_EVAL_JA_JUDGE": ""})
        values = [int(likert(body)[-1]) for body in servers["a"].requests if likert(body)]
        sent = {name: len(server.requests) for name, server in servers.items()}
    assert sent == dict.fromkeys(thirds, 3 * ROWS)
    row, facts = done.scores(TASK), done.facts(TASK)
    third = [value + 1 if value < 5 else 4 for value in values]
    assert row["judge_mean"] == pytest.approx(fmean((2 * v + t) / 3 for v, t in zip(values, third, strict=True)))
    # Within each answer: ratings v, v, v ± 1, ordered pairs that differ by 1: 4; D_o = 40 * 4 / 2 / 120 = 2/3.
    pool = [*values, *values, *third]
    n = len(pool)
    expected = (2 * (n * sum(v * v for v in pool) - sum(pool) ** 2)) / (n * (n - 1))
    agreement = facts["judging"]["vqa_likert"]["agreement"]
    assert agreement["between_judges"] == pytest.approx(1 - (2 / 3) / expected)
    assert row["judge_alpha_vqa_likert"] == agreement["between_judges"]
    assert {name: own["scored"] for name, own in agreement["judges"].items()} == dict.fromkeys(thirds, ROWS)
    assert agreement["judges"]["c"]["mean"] == pytest.approx(fmean(third))
    assert facts["judging"]["vqa_likert"]["models"] == {name: [f"{name}-1"] for name in thirds}
    assert facts["judge"] == "jury (a, b, c)"
    assert [m["judge"] for m in facts["fingerprint"]["judging"][0]["members"].values()] == ["a", "b", "c"]
    usage = facts["judging"]["vqa_likert"]["usage"]
    assert usage["replies"] == usage["now"]["requests"] == 3 * ROWS
    assert usage["usd"] == pytest.approx((usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1e6)
    assert "agreement of the jury: alpha" in done.log


def test_a_name_that_stands_for_two_models_is_reported(worker: Worker, answers: Path, tmp_path: Path) -> None:
    def reply(body: dict[str, Any]) -> Reply:
        first, _ = scripted_scores(body)
        return Reply(likert(body) or pairwise(body), model=f"snapshot-{first % 2}")

    with JudgeServer(reply) as server:
        done = worker.evaluate([TASK], answers, settings(server, tmp_path))
    facts = done.facts(TASK)
    assert facts["fingerprint"]["judge_models"] == ["snapshot-0", "snapshot-1"]
    assert facts["judging"]["vqa_likert"]["models"] == {"gpt-5.1-2025-11-13": ["snapshot-0", "snapshot-1"]}
    assert "answered as snapshot-0, snapshot-1: its name stood for several models" in done.log


def test_a_budget_stops_cleanly_and_the_next_run_goes_on(worker: Worker, answers: Path, tmp_path: Path) -> None:
    prices = {"judge_price_input": 1.0, "judge_price_output": 1.0, "judge_max_tokens": 100}
    with JudgeServer(lambda body: likert(body) or pairwise(body)) as server:
        stopped = worker.evaluate([TASK], answers, settings(server, tmp_path, budget_usd=0.05, **prices))
        first = len(server.requests)
        assert 0 < first < 3 * ROWS
        assert stopped.facts(TASK)["failures"]["budget"]["count"] > 0
        assert "budget_usd" in stopped.facts(TASK)["failures"]["budget"]["example"]
        usages = [judging["usage"]["now"] for judging in stopped.facts(TASK)["judging"].values()]
        assert sum(usage["requests"] for usage in usages) <= first
        done = worker.evaluate([TASK], answers, settings(server, tmp_path, **prices))
        assert len(server.requests) == 3 * ROWS
    assert done.facts(TASK)["failures"] == {}


def test_a_budget_without_a_price_is_refused_at_the_start(worker: Worker, answers: Path, tmp_path: Path) -> None:
    with JudgeServer(lambda body: "Score: 1") as server:
        refused = worker.evaluate([TASK], answers, settings(server, tmp_path, budget_usd=1))
        assert server.requests == []
    assert "no price is known" in refused.exit
