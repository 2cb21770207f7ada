"""Recorded answers to the real Heron-Bench through lmms-eval's command line, judged by a scripted server."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from e2e import judging
from e2e.runner import Ended, evaluate
from support import benchmarks
from support.judge_server import JudgeServer, heron_reply, user_text

pytestmark = benchmarks.needs_shared
TASK = "heron_bench_ja"
#: Every run, the answers it replays and the way lmms-eval is started.
RUNS = {
    "claude3": ("claude3", "lmms-eval"),
    "gemini": ("gemini", "lmms-eval eval"),
    "gpt4v": ("gpt4v", "python -m lmms_eval"),
    "claude3, two ranks": ("claude3", "torchrun"),
}
MODELS = ("claude3", "gemini", "gpt4v")
METRICS = (*judging.CATEGORIES, "anime", "art", "culture", "food", "landmark", "landscape", "traffic")
METRICS += ("overall", "model_mean", "reference_mean")


@pytest.fixture(scope="module")
def judged() -> Iterator[dict[str, JudgeServer]]:
    """A scripted judge for each run."""
    servers = {name: JudgeServer(heron_reply) for name in RUNS}
    yield servers
    for server in servers.values():
        server.close()


@pytest.fixture(scope="module")
def runs(
    judged: dict[str, JudgeServer], real_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Ended]:
    """All runs, two at a time."""

    def run(name: str) -> Ended:
        answers, way = RUNS[name]
        folder = tmp_path_factory.mktemp("heron")
        env = real_env | {
            "LMMS_EVAL_JA_JUDGE_BASE_URL": judged[name].base_url,
            "LMMS_EVAL_JA_STORE": str(folder / "verdicts.sqlite"),
        }
        return evaluate(folder, TASK, judging.ANSWERS[answers], env, way=way)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(RUNS, pool.map(run, RUNS), strict=True))


@pytest.mark.parametrize("name", RUNS)
def test_scores_equal_a_plain_computation(runs: dict[str, Ended], name: str) -> None:
    run = runs[name]
    assert run.returncode == 0, run.output[-4000:]
    rows = benchmarks.real_heron_rows()
    expected = judging.heron_scores(rows, judging.scripted(judging.heron_messages(RUNS[name][0])))
    shown = run.scores(TASK)
    assert {metric: shown[metric] for metric in METRICS} == pytest.approx(expected, rel=0, abs=1e-9)
    assert expected.keys() == set(METRICS)
    assert (shown["coverage"], shown["judge_failures"], shown["parse_failures"]) == (1, 0, 0)
    recorded = run.results["lmms_eval_ja"]["tasks"][TASK]["scores"]
    assert {metric: recorded[metric]["value"] for metric in METRICS} == {metric: shown[metric] for metric in METRICS}


@pytest.mark.parametrize("name", RUNS)
def test_every_question_is_asked_once_in_the_published_words(
    runs: dict[str, Ended], judged: dict[str, JudgeServer], name: str
) -> None:
    assert runs[name].returncode == 0
    asked = Counter(user_text(body) for body in judged[name].requests)
    assert asked == Counter(judging.heron_messages(RUNS[name][0]))
    assert len(asked) == 103


@pytest.mark.parametrize("metric", ["overall", "conv", "detail", "complex", "model_mean", "landmark", "anime"])
@pytest.mark.parametrize("name", ["gemini", "claude3, two ranks"])
def test_the_harness_shows_the_error_of_each_metric(runs: dict[str, Ended], name: str, metric: str) -> None:
    pairs = judging.scripted(judging.heron_messages(RUNS[name][0]))
    values, pictures = judging.influences(benchmarks.real_heron_rows(), pairs, metric)
    shown = runs[name].scores(TASK)
    assert shown[f"{metric}_stderr_clt"] == pytest.approx(judging.clt_error(values), rel=1e-9)
    assert shown[f"{metric}_stderr_clustered"] == pytest.approx(judging.clustered_error(values, pictures), rel=1e-9)


@pytest.mark.parametrize("name", RUNS)
def test_samples_hold_verdict_and_influence_in_order(runs: dict[str, Ended], name: str) -> None:
    rows = benchmarks.real_heron_rows()
    pairs = judging.scripted(judging.heron_messages(RUNS[name][0]))
    samples = runs[name].samples(TASK)
    assert [sample["doc_id"] for sample in samples] == list(range(103))
    verdicts = [sample["verdict_original"] for sample in samples]
    assert [(v["score"], v["reference_score"]) for v in verdicts] == pairs
    assert {(v["failure"], v["judge"], *v["models"]) for v in verdicts} == {
        (None, "gpt-5.1-2025-11-13", judged_model())
    }
    for metric in ("overall", "conv", "landmark"):
        values, _ = judging.influences(rows, pairs, metric)
        shown = [sample[metric]["influence"] for sample in samples if metric in sample]
        assert shown == pytest.approx(values, rel=1e-9)
    pictures = {sample["doc_id"]: sample["overall"]["cluster"] for sample in samples}
    assert len(set(pictures.values())) == len({row["image"] for row in rows}) == 21


def judged_model() -> str:
    return "scripted-judge-2026-01-01"


def test_two_ranks_give_the_same_section_as_one_process(runs: dict[str, Ended]) -> None:
    one, two = (_portable(runs[name].results["lmms_eval_ja"]) for name in ("claude3", "claude3, two ranks"))
    assert one == two
    assert one["tasks"][TASK]["fingerprint"]["id"]


def test_two_ranks_give_the_same_scores_and_samples_to_the_last_bit(runs: dict[str, Ended]) -> None:
    one, two = runs["claude3"], runs["claude3, two ranks"]
    errors = ("_stderr_clt", "_stderr_clustered")  # the harness sums these in the order of the ranks
    first, second = ({k: v for k, v in run.scores(TASK).items() if not k.endswith(errors)} for run in (one, two))
    assert first == second
    assert one.samples(TASK) == two.samples(TASK)


def test_the_section_says_what_was_judged_with_what(runs: dict[str, Ended], real_hub: Any) -> None:
    section = runs["claude3"].results["lmms_eval_ja"]
    fingerprint = section["tasks"][TASK]["fingerprint"]
    (judging_,) = fingerprint["judging"]
    assert (judging_["protocol"], judging_["judge"]) == ("original", "gpt-5.1-2025-11-13")
    assert judging_["sampling"] == {"temperature": 0, "max_tokens": 1024}
    assert fingerprint["judge_models"] == [judged_model()]
    assert fingerprint["dataset"]["rows"] == 103
    assert fingerprint["dataset"]["changed"] == []
    assert fingerprint["dataset"]["revision"] == real_hub.repository("datasets", benchmarks.HERON_ID).main
    assert section["settings"]["judge"]["key"].startswith("none is sent")
    assert section["packages"]["lmms-eval"]


@pytest.fixture(scope="module")
def interrupted(
    real_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Ended, Ended, JudgeServer, JudgeServer]:
    """A run whose judge is gone after 40 verdicts, and the same command again when the judge is back."""
    folder = tmp_path_factory.mktemp("interrupted")
    with JudgeServer(heron_reply, stop_after=40) as judge:
        env = real_env | {
            "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
            "LMMS_EVAL_JA_JUDGE_CONCURRENCY": "4",
            "LMMS_EVAL_JA_JUDGE_DEADLINE_S": "2",
            "LMMS_EVAL_JA_STORE": str(folder / "verdicts.sqlite"),
        }
        first = evaluate(folder / "first", TASK, judging.ANSWERS["claude3"], env)
    with JudgeServer(heron_reply, port=judge.port) as back:
        second = evaluate(folder / "second", TASK, judging.ANSWERS["claude3"], env)
    return first, second, judge, back


def test_a_judge_that_dies_leaves_no_headline_and_status_1(
    interrupted: tuple[Ended, Ended, JudgeServer, JudgeServer],
) -> None:
    first, _, judge, _ = interrupted
    assert (first.returncode, judge.served) == (1, 40)
    assert math.isnan(first.scores(TASK)["overall"])
    assert first.scores(TASK)["judge_failures"] == 63
    facts = first.results["lmms_eval_ja"]["tasks"][TASK]
    assert facts["scores"]["overall"]["value"] is None
    assert facts["scores"]["overall"]["why_none"] == "40 of 103 samples have a score; failures: 63 transport"
    assert facts["failures"]["transport"]["count"] == 63
    assert "to resume, run the same command again" in first.output
    errors = [v for k, v in first.scores(TASK).items() if k.startswith(("overall_stderr_cl", "overall_ci"))]
    assert len(errors) == 4
    assert all(math.isnan(value) for value in errors)
    verdicts = [sample["verdict_original"] for sample in first.samples(TASK)]
    assert Counter(v["failure"] for v in verdicts) == {None: 40, "transport": 63}
    assert all((v["score"] is None) == (v["failure"] is not None) for v in verdicts)


def test_the_same_command_asks_only_what_is_missing(
    interrupted: tuple[Ended, Ended, JudgeServer, JudgeServer], runs: dict[str, Ended]
) -> None:
    _, second, judge, back = interrupted
    assert second.returncode == 0, second.output[-4000:]
    assert len(back.requests) == 63
    whole = runs["claude3"].scores(TASK)
    assert {k: v for k, v in second.scores(TASK).items() if k in METRICS} == {k: whole[k] for k in METRICS}
    assert second.samples(TASK) == runs["claude3"].samples(TASK)
    assert judge.port == back.port


def _portable(section: dict[str, Any]) -> dict[str, Any]:
    """The section without what belongs to this machine's run: the address of the judge and the store's place."""
    settings = dict(section["settings"], store=None)
    settings["judge"] = {k: v for k, v in settings["judge"].items() if k != "base_url"}
    return dict(section, settings=settings)


def test_the_answers_are_where_the_tests_expect_them() -> None:
    assert all(isinstance(path, Path) and path.is_file() for path in judging.ANSWERS.values())
