"""Scores and ranks without disputed documents, by values computed by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from lmms_eval_ja.compare.disputed import DisputedError, read_disputed, without_disputed
from lmms_eval_ja.compare.results import Document, Model, Results, Task, load_results
from lmms_eval_ja.disputing import disputed as command
from support.comparisons import Shape, write_comparison

HERON = "heron_bench_ja"
#: By model the scores of four answers; the references have 8, 10, 10, 4; categories conv, conv, detail, detail.
SCORES = {"a": (8, 4, 6, 4), "b": (4, 8, 7, 2)}
REFERENCES, CATEGORIES = (8, 10, 10, 4), ("conv", "conv", "detail", "detail")


def results_of(tmp_path, **models):
    metrics = {"overall": "category_ratios_ja", "model_mean": "mean_ja", "conv": "ratio_of_means_ja"}
    odd = {"aggregation": "alignment_ja", "protocol": "original", "value": 1.0}
    facts = {"scores": {m: {"value": 1.0, "aggregation": how, "protocol": "original"} for m, how in metrics.items()}}
    facts["scores"]["alignment"] = odd
    names = (*metrics, "alignment")
    task = Task(HERON, "overall", names, ("original",), 4, dict.fromkeys(names, True))
    rows = [
        {
            "model": model,
            "task": HERON,
            "doc_id": d,
            "repeat": 0,
            "original_score": float(score),
            "original_reference_score": float(REFERENCES[d]),
            "overall_influence": 1.0,
            "alignment_influence": 1.0,
            "model_mean_influence": float(score),
            "conv_influence": 1.0 if CATEGORIES[d] == "conv" else None,
        }
        for model, scores in SCORES.items()
        for d, score in enumerate(scores)
    ]
    documents = {d: Document(HERON, d, f"q{d}", "?", "!", "", CATEGORIES[d], f"p{d}") for d in range(4)}
    return Results(
        folder=tmp_path,
        title="",
        baseline=None,
        models={name: models.get(name, Model(name, name)) for name in SCORES},
        tasks={HERON: task},
        runs={(name, HERON): SimpleNamespace(facts=facts) for name in SCORES},
        answers=pa.Table.from_pylist(rows),
        documents={HERON: documents},
    )


def test_a_rank_changes_without_the_disputed_document(tmp_path):
    # a: conv (8 + 4) / (8 + 10) = 2/3, detail (6 + 4) / (10 + 4) = 5/7; overall 100 · (2/3 + 5/7) / 2 = 69.047619
    # b: conv (4 + 8) / 18 = 2/3, detail (7 + 2) / 14 = 9/14; overall 100 · (2/3 + 9/14) / 2 = 65.476190
    # Without document 0: a: conv 4/10, detail 5/7: 55.714286; b: conv 8/10, detail 9/14: 72.142857
    found = without_disputed(results_of(tmp_path), {HERON: [0]})
    a, b = found.rows
    assert (a.before.value, a.after.value) == pytest.approx((69.047619, 55.714286))
    assert (b.before.value, b.after.value) == pytest.approx((65.476190, 72.142857))
    assert [(row.before.rank, row.after.rank, row.ranks_gained) for row in (a, b)] == [(1, 2, -1), (2, 1, 1)]
    assert (a.before.documents, a.after.documents) == (4, 3)
    assert a.before.ci_low < a.before.value < a.before.ci_high
    assert '"ranks_gained": -1' in found.as_json()


def test_means_and_single_categories(tmp_path):
    # model_mean without document 0: a (4 + 6 + 4) / 3, b (8 + 7 + 2) / 3; conv: a 100 · 4/10, b 100 · 8/10
    means = without_disputed(results_of(tmp_path), {HERON: [0]}, "model_mean").rows
    assert [row.after.value for row in means] == pytest.approx([14 / 3, 17 / 3])
    conv = without_disputed(results_of(tmp_path), {HERON: [0]}, "conv").rows
    assert [row.after.value for row in conv] == pytest.approx([40, 80])
    assert [row.after.documents for row in conv] == [1, 1]


def test_a_contaminated_model_has_no_rank(tmp_path):
    known = Model("b", "b", contaminated_tasks=(HERON,))
    a, b = without_disputed(results_of(tmp_path, b=known), {HERON: [0]}).rows
    assert (a.after.rank, b.after.rank, b.ranks_gained) == (1, None, None)


@pytest.mark.parametrize(
    ("ids", "metric", "said"),
    [
        ({"no_task": [0]}, None, "no results of task 'no_task'; there are heron_bench_ja"),
        ({HERON: [9]}, None, "no doc_id 9"),
        ({HERON: [0]}, "bleu", "no metric 'bleu'"),
        ({HERON: [0]}, "alignment", "aggregated by alignment_ja"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, ids, metric, said):
    with pytest.raises(DisputedError, match=said):
        without_disputed(results_of(tmp_path), ids, metric)


def test_marks_count_by_rater(tmp_path):
    file = tmp_path / "references.csv"
    file.write_text(
        "model,task,doc_id,rater,cultural_error\n"
        "reference,t,1,A,1\nreference,t,1,B,1\nreference,t,2,A,1\nreference,t,3,A,0\nqwen,t,4,A,1\n"
    )
    assert read_disputed(file) == {"t": [1, 2]}
    assert read_disputed(file, at_least=2) == {"t": [1]}
    with pytest.raises(DisputedError, match="marked by 3 raters or more"):
        read_disputed(file, at_least=3)
    plain = tmp_path / "plain.csv"
    plain.write_text("task,doc_id\nt,7\n")
    assert read_disputed(plain) == {"t": [7]}
    plain.write_text("task,doc_id\nt,seven\n")
    with pytest.raises(DisputedError, match="row 2: doc_id 'seven'"):
        read_disputed(plain)
    plain.write_text("task\nt\n")
    with pytest.raises(DisputedError, match="no column 'doc_id'"):
        read_disputed(plain)


def test_the_command_shows_both_scores(tmp_path):
    folder = write_comparison(tmp_path / "c", Shape(models=3, tasks=2, documents=30))
    whole = load_results(folder)
    found = without_disputed(whole, {HERON: [0, 5]})
    for row in found.rows:
        stated = whole.runs[row.model, HERON].facts["scores"]["overall"]["value"]
        assert row.before.value == pytest.approx(stated)
    marks = tmp_path / "marks.csv"
    marks.write_text(f"task,doc_id\n{HERON},0\n{HERON},5\n")
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, [str(folder), str(marks), "--json", str(tmp_path / "d.json")])
    assert done.exit_code == 0, done.output
    assert "2 of 30 documents are disputed: 0, 5" in done.output
    assert (tmp_path / "d.json").is_file()
    marks.write_text("task,doc_id\nother,0\n")
    done = CliRunner().invoke(app, [str(folder), str(marks)])
    assert done.exit_code == 1
    assert "no results of task 'other'" in done.output
