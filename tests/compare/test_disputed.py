"""Scores and ranks without disputed documents, by values computed by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner

from lmms_eval_ja.compare.disputed import DisputedError, read_disputed, without_disputed
from lmms_eval_ja.compare.results import Document, Model, Results, Task, load_results
from lmms_eval_ja.disputing import disputed as command
from lmms_eval_ja.disputing import report
from support.comparisons import Shape, write_comparison

HERON = "heron_bench_ja"
#: By model the scores of four answers; the references have 8, 10, 10, 4; categories conv, conv, detail, detail.
SCORES = {"a": (8, 4, 6, 4), "b": (4, 8, 7, 2)}
REFERENCES, CATEGORIES = (8, 10, 10, 4), ("conv", "conv", "detail", "detail")


#: How each metric is aggregated.
METRICS = {"overall": "category_ratios_ja", "model_mean": "mean_ja", "conv": "ratio_of_means_ja"}
#: Their values over all four documents, by model.
PUBLISHED = {
    "a": {"overall": 100 * (2 / 3 + 5 / 7) / 2, "model_mean": 22 / 4, "conv": 200 / 3},
    "b": {"overall": 100 * (2 / 3 + 9 / 14) / 2, "model_mean": 21 / 4, "conv": 200 / 3},
}


def facts_of_model(model):
    own = {m: {"value": PUBLISHED[model][m], "aggregation": how, "protocol": "original"} for m, how in METRICS.items()}
    return {"scores": own | {"alignment": {"aggregation": "alignment_ja", "protocol": "original", "value": 1.0}}}


def results_of(tmp_path, **models):
    names = (*METRICS, "alignment")
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
        runs={(name, HERON): SimpleNamespace(facts=facts_of_model(name)) for name in SCORES},
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


def test_notes_on_the_results_stand_below(tmp_path):
    doubted = replace(results_of(tmp_path), notes=("heron_bench_ja: agreement of the open judge [q] is not known",))
    lines = [part for part in report(without_disputed(doubted, {HERON: [0]}), doubted) if isinstance(part, str)]
    assert Text.from_markup(lines[-2]).plain == "note heron_bench_ja: agreement of the open judge [q] is not known"


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
        ({HERON: [0, 1, 2, 3]}, None, "every document that overall of a is over is disputed"),
        ({HERON: [0, 1]}, "conv", "every document that conv of a is over is disputed"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, ids, metric, said):
    with pytest.raises(DisputedError, match=said):
        without_disputed(results_of(tmp_path), ids, metric)


def test_a_score_that_is_not_the_published_one_is_refused(tmp_path):
    found = results_of(tmp_path)
    found.runs["a", HERON].facts["scores"]["overall"]["value"] = 69.05
    with pytest.raises(
        DisputedError, match=r"overall of a on heron_bench_ja is 69\.05 in its results file and 69\.0476"
    ):
        without_disputed(found, {HERON: [0]})


def test_several_runs_count_as_the_mean_of_their_scores(tmp_path):
    # A second run in which the references of documents 1 and 3 have 5 and 8 instead of 10 and 4. a by run:
    # conv 12/18 and 12/13, detail 10/14 and 10/18. The published overall is the mean of two runs' overalls.
    found = results_of(tmp_path)
    second = [
        row | {"repeat": 1, "original_reference_score": (8.0, 5.0, 10.0, 8.0)[row["doc_id"]]}
        for row in found.answers.to_pylist()
    ]
    rows = [*found.answers.to_pylist(), *second]
    rows.sort(key=lambda row: (row["model"], row["doc_id"], row["repeat"]))
    runs = {
        "a": (100 * (12 / 18 + 10 / 14) / 2, 100 * (12 / 13 + 10 / 18) / 2),
        "b": (100 * (12 / 18 + 9 / 14) / 2, 100 * (12 / 13 + 9 / 18) / 2),
    }
    for model, values in runs.items():
        found.runs[model, HERON].facts["scores"]["overall"]["value"] = sum(values) / 2
    a, b = without_disputed(replace(found, answers=pa.Table.from_pylist(rows)), {HERON: [0]}).rows
    assert (a.before.value, b.before.value) == pytest.approx([sum(values) / 2 for values in runs.values()])
    # Without document 0: a has conv 4/10 and 4/5, b 8/10 and 8/5; detail as before.
    assert a.after.value == pytest.approx(100 * (4 / 10 + 10 / 14 + 4 / 5 + 10 / 18) / 4)
    assert b.after.value == pytest.approx(100 * (8 / 10 + 9 / 14 + 8 / 5 + 9 / 18) / 4)
    assert a.after.documents == 3


def test_a_category_that_is_gone_is_told(tmp_path):
    whole = results_of(tmp_path)
    found = without_disputed(whole, {HERON: [0, 1]})
    assert [row.emptied for row in found.rows] == [("conv",), ("conv",)]
    assert [row.after.value for row in found.rows] == pytest.approx([100 * 10 / 14, 100 * 9 / 14])
    (note,) = (part for part in report(found, whole) if isinstance(part, str) and "note" in part)
    assert "no document of conv is left: overall without the disputed is over the other categories alone" in note
    assert all(row.emptied == () for row in without_disputed(whole, {HERON: [0]}).rows)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model,task,doc_id,cultural_error\nreference,t,1,1\nreference,t,2,TRUE\n", "row 3: cultural_error is 'TRUE'"),
        ("task,doc_id,first,second,preferred\nt,1,a,b,a\n", "holds preferences between two texts"),
        ("model,task,doc_id,first,second,preferred\na,t,1,j,k,tie\n", "holds preferences between two texts"),
    ],
)
def test_a_file_of_another_kind_and_another_mark_are_refused(tmp_path, text, said):
    file = tmp_path / "marks.csv"
    file.write_text(text)
    with pytest.raises(DisputedError, match=said):
        read_disputed(file)


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
