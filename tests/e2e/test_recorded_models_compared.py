"""The three real models that Heron-Bench records, compared: every number against one computed here in plain Python."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from e2e import judging
from e2e.worker import Worker
from lmms_eval_ja.compare.compared import Compared
from lmms_eval_ja.compare.results import Results, load_results
from lmms_eval_ja.compare.statistics import compare
from support import benchmarks
from support.judge_server import JudgeServer, heron_reply

pytestmark = [benchmarks.needs_shared, pytest.mark.slow]
TASK = "heron_bench_ja"
MODELS = ("claude3", "gemini", "gpt4v")
METRICS = ("overall", "model_mean", *judging.CATEGORIES, "landmark", "anime")
RESAMPLES, SEED = 400, 3


@pytest.fixture(scope="module")
def folder(real_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of all three, written by lmms-eval and judged over HTTP in one warm process."""
    out = tmp_path_factory.mktemp("recorded")
    with JudgeServer(heron_reply) as judge, Worker(real_env, out / "empty") as worker:
        env = {
            "LMMS_EVAL_JA_JUDGE": "openai",
            "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
            "LMMS_EVAL_JA_STORE": str(out / "verdicts.sqlite"),
        }
        for model in MODELS:
            place = out / "results" / model
            done = worker.evaluate([TASK], judging.ANSWERS[model], env, output_path=place)
            assert done.results is not None, done.exit or done.failure
            (samples,) = place.rglob("*_samples_*.jsonl")
            record = {key: value for key, value in done.results.items() if key != "samples"}
            results = samples.with_name(samples.name.partition("_samples_")[0] + "_results.json")
            results.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    return out / "results"


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return load_results(folder)


@pytest.fixture(scope="module")
def compared(results: Results) -> Compared:
    return compare(results, resamples=RESAMPLES, seed=SEED)


def influences(metric: str) -> tuple[dict[str, list[float]], list[str]]:
    """What each question adds to a metric, by model, from the published texts and the script alone; the pictures."""
    rows = benchmarks.real_heron_rows()
    found = {name: judging.influences(rows, judging.scripted(judging.heron_messages(name)), metric) for name in MODELS}
    return {name: values for name, (values, _) in found.items()}, found[MODELS[0]][1]


def expected(metric: str) -> dict[tuple[str, str], tuple[float, float, float, float]]:
    """Difference, interval and p value of every pair: pictures are drawn one by one, in plain Python."""
    values, pictures = influences(metric)
    names = list(dict.fromkeys(pictures))
    found = {}
    for a, b in combinations(MODELS, 2):
        apart = [x - y for x, y in zip(values[a], values[b], strict=True)]
        sums = [math.fsum(d for d, picture in zip(apart, pictures, strict=True) if picture == name) for name in names]
        sizes = [pictures.count(name) for name in names]
        error = _error(sums, sizes)
        difference, freedom = fmean(apart), len(names) - 1
        half = stats.t.ppf(0.975, freedom) * error
        p = 2 * stats.t.sf(abs(difference) / error, freedom)
        found[a, b] = (difference, difference - half, difference + half, p)
    return found


def _error(sums: list[float], sizes: list[int]) -> float:
    groups = len(sums)
    if groups < 10:  # by the formula: the category anime has two pictures
        middle = sum(sums) / sum(sizes)
        squares = math.fsum((s - n * middle) ** 2 for s, n in zip(sums, sizes, strict=True))
        return math.sqrt(groups / (groups - 1) * squares) / sum(sizes)
    drawn = np.random.default_rng(SEED).integers(0, groups, (RESAMPLES, groups)).tolist()
    means = [math.fsum(sums[g] for g in row) / sum(sizes[g] for g in row) for row in drawn]
    middle = fmean(means)
    variance = math.fsum((m - middle) ** 2 for m in means) / (RESAMPLES - 1)
    return math.sqrt(variance * groups / (groups - 1))


def corrected(p: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Holm's: the smallest times 3, the next times 2, the largest as it is; none below the one before."""
    found: dict[tuple[str, str], float] = {}
    worst = 0.0
    for k, pair in enumerate(sorted(p, key=lambda pair: p[pair])):
        worst = max(worst, min(1.0, (len(p) - k) * p[pair]))
        found[pair] = worst
    return found


@pytest.mark.parametrize("metric", METRICS)
def test_values_are_those_of_a_plain_computation(compared: Compared, metric: str) -> None:
    rows = benchmarks.real_heron_rows()
    for model in MODELS:
        scores = judging.heron_scores(rows, judging.scripted(judging.heron_messages(model)))
        cell = compared.cell(model, TASK, metric)
        assert cell is not None
        assert cell.value == pytest.approx(scores[metric], abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_differences_intervals_and_p_values(compared: Compared, metric: str) -> None:
    wanted = expected(metric)
    adjusted = corrected({pair: values[3] for pair, values in wanted.items()})
    own = {(d.a, d.b): d for d in compared.differences if d.metric == metric}
    assert own.keys() == wanted.keys()
    for pair, (difference, low, high, p) in wanted.items():
        found = own[pair]
        assert (found.difference, found.ci_low, found.ci_high) == pytest.approx((difference, low, high), rel=1e-8)
        assert found.p == pytest.approx(p, rel=1e-6)
        assert found.p_adjusted == pytest.approx(adjusted[pair], rel=1e-6)
        assert found.significant == (adjusted[pair] < 0.05)
        assert found.n == len(influences(metric)[1])


@pytest.mark.parametrize("metric", METRICS)
def test_ranks_and_their_intervals(compared: Compared, metric: str) -> None:
    wanted = expected(metric)
    adjusted = corrected({pair: values[3] for pair, values in wanted.items()})
    values = {model: fmean(own) for model, own in influences(metric)[0].items()}
    for model in MODELS:
        better = worse = 0
        for (a, b), (difference, *_) in wanted.items():
            if model in {a, b} and adjusted[a, b] < 0.05:
                won = (difference > 0) == (model == a)
                worse, better = worse + won, better + (not won)
        cell = compared.cell(model, TASK, metric)
        assert cell is not None
        assert cell.rank == 1 + sum(other > values[model] for other in values.values())
        assert (cell.rank_low, cell.rank_high) == (1 + better, 3 - worse)
        assert cell.best == (better == 0)


def test_the_mean_rank_over_one_task_is_its_rank(compared: Compared) -> None:
    for one in compared.overall:
        cell = compared.cell(one.model, TASK)
        assert cell is not None
        assert (one.mean_rank, one.ci_low, one.ci_high) == (cell.rank, cell.rank_low, cell.rank_high)


def test_the_card_against_a_plain_count(compared: Compared) -> None:
    (card,) = compared.cards
    scores = [[m for m, _ in judging.scripted(judging.heron_messages(name))] for name in MODELS]
    dead = [n for n, own in enumerate(zip(*scores, strict=True)) if len(set(own)) == 1]
    assert list(card.dead_items) == dead
    assert list(card.ceiling_items) == [n for n in dead if scores[0][n] == 10]
    assert (card.items, card.pairs) == (103, 3)
    assert card.separated_share == sum(d.significant for d in compared.differences if d.metric == "overall") / 3


def test_what_was_asked_and_answered_is_read(results: Results) -> None:
    rows = benchmarks.real_heron_rows()
    assert [results.documents[TASK][n].category for n in range(103)] == [row["category"] for row in rows]
    assert len({document.cluster for document in results.documents[TASK].values()}) == 21
    own = [row for row in results.answers.to_pylist() if row["model"] == "gpt4v"]
    pairs = judging.scripted(judging.heron_messages("gpt4v"))
    assert [(row["original_score"], row["original_reference_score"]) for row in own] == pairs
    assert all(row["original_feedback"] for row in own)
    assert sum(row["chars"] for row in own) > 0
