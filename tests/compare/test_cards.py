from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from scipy import stats

from lmms_eval_ja.compare.compared import Compared
from lmms_eval_ja.compare.results import load_results
from lmms_eval_ja.compare.statistics import compare
from support.comparisons import Shape, edit_samples, write_comparison

VQA, HERON = "ja_vlm_bench_in_the_wild", "heron_bench_ja"


def compared(folder: Path, shape: Shape | None = None) -> Compared:
    return compare(load_results(write_comparison(folder / "out", shape)), resamples=300)


def card_of(found: Compared, task: str):
    return next(card for card in found.cards if card.task == task)


def test_a_task_separates_models_that_are_far_apart_and_not_equal_ones(tmp_path: Path):
    far, equal = (compared(tmp_path / name, Shape(gaps=gaps, models=4)) for name, gaps in (("far", 2), ("equal", 0)))
    assert (card_of(far, HERON).separated_share, card_of(far, HERON).pairs) == (1.0, 6)
    assert card_of(equal, HERON).separated_share < 0.5
    assert card_of(far, HERON).split_half_reliability > 0.98
    assert card_of(far, HERON).items == 60


def test_the_share_is_that_of_the_significant_pairs(made_compared: Compared):
    for card in made_compared.cards:
        own = [d for d in made_compared.differences if (d.task, d.metric) == (card.task, card.metric)]
        own = [d for d in own if d.p_adjusted is not None]
        assert card.pairs == len(own)
        assert card.separated_share == pytest.approx(sum(d.significant for d in own) / len(own))


def test_dead_items_and_those_at_the_ceiling(tmp_path: Path):
    folder = write_comparison(tmp_path / "out", Shape(models=3))

    def set_scores(rows, bias):
        for number, row in enumerate(rows):
            verdict = row["verdict_vqa_likert"]
            score = {0: 5.0, 1: 2.0}.get(number, 1.0 + (number + bias) % 4)
            verdict["score"] = verdict["runs"][0]["score"] = score

    for bias, model in enumerate(("model-00", "model-01", "model-02")):
        edit_samples(folder, model, VQA, partial(set_scores, bias=bias))
    card = card_of(compare(load_results(folder), resamples=300), VQA)
    assert tuple(card.dead_items) == (0, 1)
    assert tuple(card.ceiling_items) == (0,)  # 5 is the top of the scale


def test_two_models_have_no_reliability(tmp_path: Path):
    found = compared(tmp_path, Shape(models=2))
    assert card_of(found, VQA).split_half_reliability is None
    assert found.correlations == ()


def test_the_correlation_of_tasks_is_over_the_models_ranked_in_both(made_compared: Compared):
    (one,) = made_compared.correlations
    assert (one.task_a, one.task_b, one.models) == (VQA, HERON, 3)  # a fourth is contaminated in one of them
    cells = [[made_compared.cell(m, t).value for m in ("model-01", "model-02", "model-03")] for t in (VQA, HERON)]
    assert one.spearman == pytest.approx(stats.spearmanr(*cells).statistic)
    assert one.ci_low <= one.spearman <= one.ci_high


def test_rouge_l_against_the_judge_by_length(tmp_path: Path):
    results = load_results(write_comparison(tmp_path / "out", Shape(models=3, documents=60)))
    found = [row for row in compare(results, resamples=300).lengths if row.task == VQA]
    assert [row.tercile for row in found] == [0, 1, 2, 3]
    assert [row.n for row in found] == [180, 60, 60, 60]
    table = [row for row in results.answers.to_pylist() if row["task"] == VQA]
    whole = stats.spearmanr([r["rouge_l_ja"] for r in table], [r["vqa_likert_score"] for r in table]).statistic
    assert found[0].spearman == pytest.approx(whole)
    chars = sorted(row["chars"] for row in table)
    assert [(row.chars_low, row.chars_high) for row in found[1:]] == [
        (chars[0], chars[59]),
        (chars[60], chars[119]),
        (chars[120], chars[179]),
    ]
    assert found[1].rouge_l > found[3].rouge_l  # the made-up ROUGE-L falls with length, the judge's score does not
