from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from lmms_eval_ja.compare.compared import Compared
from lmms_eval_ja.compare.results import Results, load_results
from lmms_eval_ja.compare.statistics import compare
from support.comparisons import Shape, edit_results, edit_samples, facts_of, write_comparison

VQA, HERON = "ja_vlm_bench_in_the_wild", "heron_bench_ja"


def compared(folder: Path, shape: Shape | None = None, **options) -> Compared:
    return compare(load_results(write_comparison(folder / "out", shape)), resamples=300, **options)


# --- cells ---


def test_values_are_those_of_the_runs(made_results: Results, made_compared: Compared):
    for cell in made_compared.cells:
        score = made_results.runs[cell.model, cell.task].facts["scores"][cell.metric]
        assert (cell.value, cell.n, cell.scored) == (score["value"], score["n"], score["scored"])


def test_the_spread_between_runs_widens_the_interval(made_results: Results, made_compared: Compared):
    cell = made_compared.cell("model-01", VQA)
    score = made_results.runs["model-01", VQA].facts["scores"]["judge_mean"]
    assert cell is not None
    assert cell.run_sd == score["run_sd"] > 0
    # the variance of a mean over two runs, run_sd²/2, on top of that of the documents
    error = math.sqrt(score["standard_error"] ** 2 + score["run_sd"] ** 2 / 2)
    assert cell.standard_error == pytest.approx(error)
    ratio = error / score["standard_error"]
    assert cell.ci_high - cell.value == pytest.approx(ratio * (score["ci_high"] - score["value"]))


def test_a_contaminated_cell_is_shown_but_not_ranked(made_compared: Compared):
    cell = made_compared.cell("model-00", HERON)
    assert cell is not None
    assert cell.value is not None
    assert (cell.ranked, cell.rank, cell.rank_low, cell.best) == (False, None, None, False)
    assert "contaminated" in str(cell.why_not_ranked)
    others = [c for c in made_compared.cells if (c.task, c.metric) == (HERON, "overall") and c.ranked]
    assert sorted(c.rank for c in others) == [1, 2, 3]
    with_it = [d for d in made_compared.differences if "model-00" in {d.a, d.b} and d.task == HERON]
    assert with_it
    assert {(d.p_adjusted, d.significant) for d in with_it} == {(None, False)}
    kinds = {(m.model, m.task, m.kind) for m in made_compared.marks}
    assert kinds == {("model-00", HERON, "contaminated"), ("model-00", "", "in_domain")}


def test_an_incomplete_run_is_shown_but_not_ranked(tmp_path: Path):
    folder = write_comparison(tmp_path / "out")

    def edit(record):
        for name in ("overall", "conv"):
            nothing = {"value": None, "ci_low": None, "ci_high": None, "standard_error": None}
            facts_of(record, HERON)["scores"][name] |= nothing | {"why_none": "1 of 60 samples have a score"}

    edit_results(folder, "model-02", edit)
    found = compare(load_results(folder), resamples=300)
    cell = found.cell("model-02", HERON)
    assert cell is not None
    assert (cell.value, cell.ranked, cell.rank) == (None, False, None)
    assert cell.why_not_ranked == "incomplete: 1 of 60 samples have a score"
    also = found.cell("model-02", HERON, "detail")
    assert also is not None
    assert (also.value is not None, also.ranked) == (True, False)
    assert [m.kind for m in found.marks] == ["incomplete"]
    assert not any("model-02" in {d.a, d.b} for d in found.differences if d.metric == "overall")
    assert next(one for one in found.overall if one.model == "model-02").tasks == 1


def test_the_references_mean_is_no_score_of_a_model(made_compared: Compared):
    own = [cell for cell in made_compared.cells if cell.metric == "reference_mean"]
    assert own
    assert not any(cell.ranked for cell in own)
    assert not any(d.metric == "reference_mean" for d in made_compared.differences)


def test_lower_is_better_where_the_task_says_so(tmp_path: Path):
    folder = write_comparison(tmp_path / "out", Shape(gaps=2))
    for model in ("model-00", "model-01", "model-02"):
        edit_results(folder, model, lambda record: record["higher_is_better"][VQA].update(judge_mean=False))
    found = compare(load_results(folder), resamples=300)
    cells = [c for c in found.cells if (c.task, c.metric) == (VQA, "judge_mean")]
    ordered = sorted(cells, key=lambda c: c.value or 0)
    assert [c.rank for c in ordered] == [1, 2, 3]
    assert [c.best for c in ordered] == [True, False, False]
    assert [(c.rank_low, c.rank_high) for c in ordered] == [(1, 1), (2, 2), (3, 3)]


# --- differences ---


def test_every_pair_once_and_the_difference_is_that_of_the_values(tmp_path: Path):
    found = compared(tmp_path)
    value = {(c.model, c.task, c.metric): c.value for c in found.cells}
    pairs = {(d.task, d.metric, frozenset((d.a, d.b))) for d in found.differences}
    assert len(pairs) == len(found.differences) == 3 * (2 + 5)  # of 2 and of 6 metrics, less the references' mean
    for d in found.differences:
        # No document lacks: the mean of the influences is the score.
        assert d.difference == pytest.approx(value[d.a, d.task, d.metric] - value[d.b, d.task, d.metric])
        assert d.n == (20 if d.metric in {"conv", "detail", "complex"} else 60)


def test_the_corrected_p_values_are_holms_over_the_ranked_pairs(made_compared: Compared):
    own = [d for d in made_compared.differences if d.metric == "overall" and d.p_adjusted is not None]
    assert len(own) == 3  # of three ranked models
    ordered = sorted(own, key=lambda d: d.p)
    worst = 0.0
    for k, d in enumerate(ordered):
        worst = min(1.0, max(worst, (3 - k) * d.p))
        assert d.p_adjusted == pytest.approx(worst)
        assert d.significant == (worst < 0.05)


def test_ranks_follow_from_the_significant_differences(made_compared: Compared):
    for cell in made_compared.cells:
        if not cell.ranked:
            continue
        own = [
            d.difference if d.a == cell.model else -d.difference
            for d in made_compared.differences
            if (d.task, d.metric) == (cell.task, cell.metric) and cell.model in {d.a, d.b} and d.significant
        ]
        ranked = sum(c.ranked for c in made_compared.cells if (c.task, c.metric) == (cell.task, cell.metric))
        assert cell.rank_low == 1 + sum(x < 0 for x in own)
        assert cell.rank_high == ranked - sum(x > 0 for x in own)
        assert cell.rank_low <= cell.rank <= cell.rank_high
        assert cell.best == (cell.rank_low == 1)


def test_documents_without_a_score_are_left_out(tmp_path: Path):
    folder = write_comparison(tmp_path / "out")
    edit_samples(folder, "model-01", VQA, lambda rows: [rows[n]["judge_mean"].pop("influence") for n in (2, 7)])
    found = compare(load_results(folder), resamples=300)
    own = {(d.a, d.b): d.n for d in found.differences if (d.task, d.metric) == (VQA, "judge_mean")}
    assert own == {("model-00", "model-01"): 58, ("model-00", "model-02"): 60, ("model-01", "model-02"): 58}


def test_the_same_seed_gives_the_same_numbers(made_results: Results, made_compared: Compared):
    assert compare(made_results, resamples=500).as_json() == made_compared.as_json()
    other = compare(made_results, resamples=500, seed=1)
    assert [c.value for c in other.cells] == [c.value for c in made_compared.cells]
    assert other.differences != made_compared.differences


@pytest.mark.parametrize("option", [{"confidence": 1.0}, {"resamples": 1}])
def test_options_out_of_range(made_results: Results, option):
    with pytest.raises(ValueError, match=r"confidence 1\.0; expected|1 resamples; expected"):
        compare(made_results, **option)


# --- deltas, curves, overall ---


def test_deltas_are_against_the_baseline_and_corrected_among_themselves(made_compared: Compared):
    own = [d for d in made_compared.deltas if (d.task, d.metric) == (VQA, "judge_mean")]
    assert {(d.a, d.b) for d in own} == {(m, "model-01") for m in ("model-00", "model-02", "model-03")}
    value = {c.model: c.value for c in made_compared.cells if (c.task, c.metric) == (VQA, "judge_mean")}
    for d in own:
        assert d.ci_low < d.difference < d.ci_high
        assert d.difference == pytest.approx(value[d.a] - value["model-01"], abs=0.1)  # parse failures are left out
    smallest = min(own, key=lambda d: d.p)
    assert smallest.p_adjusted == pytest.approx(min(1.0, 3 * smallest.p))
    (turned,) = (d for d in own if d.a == "model-02")
    same = [d for d in made_compared.differences if (d.task, d.metric) == (VQA, "judge_mean")]
    (plain,) = (d for d in same if (d.a, d.b) == ("model-01", "model-02"))
    assert (turned.ci_low, turned.ci_high) == (-plain.ci_high, -plain.ci_low)


def test_a_series_gives_a_curve_by_step(made_compared: Compared):
    (curve,) = (c for c in made_compared.curves if (c.task, c.metric) == (VQA, "judge_mean"))
    assert curve.series == "run"
    assert [(point.step, point.model) for point in curve.points] == [(100, "model-03"), (200, "model-02")]
    cell = made_compared.cell("model-03", VQA)
    assert (curve.points[0].value, curve.points[0].low, curve.points[0].high) == (cell.value, cell.ci_low, cell.ci_high)


def test_the_mean_rank_is_over_the_tasks_where_a_model_is_ranked(made_compared: Compared):
    by_model = {one.model: one for one in made_compared.overall}
    assert {model: one.tasks for model, one in by_model.items()} == {
        "model-00": 1,
        "model-01": 2,
        "model-02": 2,
        "model-03": 2,
    }
    for model, one in by_model.items():
        cells = [made_compared.cell(model, task) for task in made_compared.tasks]
        assert one.mean_rank == np.mean([c.rank for c in cells if c.ranked])
        # Two tasks at once: at 2.5 % each, so that the ends are no nearer than those of the single tasks.
        assert one.ci_low <= np.mean([c.rank_low for c in cells if c.ranked])
        assert one.ci_high >= np.mean([c.rank_high for c in cells if c.ranked])


# --- edges ---


def test_one_model_alone(tmp_path: Path):
    found = compared(tmp_path, Shape(models=1))
    cell = found.cell("model-00", HERON)
    assert (cell.rank, cell.rank_low, cell.rank_high, cell.best) == (1, 1, 1, True)
    assert (found.differences, found.correlations, found.deltas) == ((), (), ())
    assert found.cards[0].separated_share is None


def test_few_clusters_are_said(tmp_path: Path):
    found = compared(tmp_path, Shape(documents=12))
    assert any("clusters only" in note for note in found.notes)


def test_models_that_answer_the_same_are_equal(tmp_path: Path):
    folder = write_comparison(tmp_path / "out")
    for task in (VQA, HERON):
        paths = [next((folder / "runs" / m).rglob(f"*_samples_{task}.jsonl")) for m in ("model-00", "model-01")]
        paths[1].write_bytes(paths[0].read_bytes())
    results = [next((folder / "runs" / m).rglob("*_results.json")) for m in ("model-00", "model-01")]
    results[1].write_bytes(results[0].read_bytes())
    found = compare(load_results(folder), resamples=300)
    (same,) = (d for d in found.differences if {d.a, d.b} == {"model-00", "model-01"} and d.metric == "overall")
    assert (same.difference, same.ci_low, same.ci_high, same.p, same.significant) == (0, 0, 0, 1, False)
    assert found.cell("model-00", HERON).rank == found.cell("model-01", HERON).rank


def test_mixed_fingerprints_are_marked(tmp_path: Path):
    folder = write_comparison(tmp_path / "out")
    edit_results(folder, "model-00", lambda r: facts_of(r, HERON)["fingerprint"]["judging"][0].update(judge="another"))
    found = compare(load_results(folder, mix_fingerprints=True), resamples=300)
    (mark,) = found.marks
    assert (mark.model, mark.task, mark.kind) == ("model-00", HERON, "mixed")
    assert "judging[original].judge another (made-judge)" in mark.text
    assert any("not all scored alike" in note for note in found.notes)
    assert found.cell("model-00", HERON).ranked


def test_health_counts_failures_by_kind(made_compared: Compared, made_results: Results):
    for one in made_compared.health:
        facts = made_results.runs[one.model, one.task].facts
        parse = facts["failures"].get("parse", {}).get("count", 0)
        assert (one.parse_failures, one.judge_failures, one.generation_failures) == (parse, 0, 0)
        assert one.coverage == pytest.approx(1 - parse / 60)
        assert (one.judge, one.replies, one.position_bias) == ("made-judge", 120, None)
        assert one.usd == pytest.approx(0.06)
    assert {one.parse_failures for one in made_compared.health} != {0}
