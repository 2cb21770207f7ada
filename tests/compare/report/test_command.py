"""`lmms-eval-ja report`: from a folder of results to a page; what stands in its way is said in a line."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from lmms_eval_ja.compare.documents import read_documents
from lmms_eval_ja.reporting import report
from support.comparisons import Shape, edit_samples, write_comparison
from support.scored_sample import ROWS, recorded_answers, write_documents, write_run

app = typer.Typer()
app.command()(report)


def run(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def read(folder, name):
    text = (folder / "data" / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(text.partition(",")[2].rpartition(")")[0])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return write_comparison(tmp_path_factory.mktemp("comparison"), Shape(models=3, documents=30, repeats=2))


def test_a_comparison_becomes_a_report_beside_its_runs(results):
    done = run(results, "--no-documents")
    assert done.exit_code == 0, done.output
    assert f"Report: {results / 'report' / 'index.html'}" in done.output.replace("\n", "")
    index = read(results / "report", "index")
    assert index["title"] == "A made-up comparison"
    assert len(index["models"]) == 3
    assert {task["name"] for task in index["tasks"]} == {"ja_vlm_bench_in_the_wild", "heron_bench_ja"}
    assert {row["task"] for row in index["published"]["rows"]} == {"ja_vlm_bench_in_the_wild", "heron_bench_ja"}
    assert "model-02" in (results / "leaderboard.md").read_text(encoding="utf-8")
    assert (results / "leaderboard.csv").is_file()
    assert (results / "leaderboard.tex").is_file()
    chunk = read(results / "report", "answers/0-0")
    assert chunk["repeat"][:2] == [0, 1]
    assert [len(name) for name in (chunk["vqa_likert_feedback"], chunk["answer"])] == [30 * 3 * 2, 30 * 3 * 2]


def test_lmms_evals_own_files_will_do(tmp_path):
    plain = write_comparison(tmp_path / "plain", Shape(models=2, documents=20, tasks=1), plain=True)
    out = tmp_path / "pages"
    done = run(plain, "--out", out, "--title", "表題 <b>", "--no-published", "--no-documents")
    assert done.exit_code == 0, done.output
    index = read(out, "index")
    assert index["title"] == "表題 <b>"
    assert index["published"]["rows"] == []
    assert not (plain / "report").exists()
    assert {path.name for path in out.glob("leaderboard.*")} == {"leaderboard.md", "leaderboard.csv", "leaderboard.tex"}
    assert not list(plain.glob("leaderboard.*"))


def test_a_leaderboard_beside_other_statistics_is_not_written_over(tmp_path):
    folder = write_comparison(tmp_path / "c", Shape(models=2, documents=20, tasks=1))
    (folder / "comparison.json").write_text("{}")
    done = run(folder, "--no-documents", "--no-published")
    assert done.exit_code == 0, done.output
    assert not list(folder.glob("leaderboard.*"))
    assert len(list((folder / "report").glob("leaderboard.*"))) == 3


@pytest.mark.slow
def test_documents_of_a_task_that_was_added_are_collected(tmp_path, monkeypatch):
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE", "overlap")
    write_run(tmp_path, "terse", recorded_answers("terse"))
    table = write_documents(tmp_path, "another_task")
    assert "ja_sample" not in read_documents(tmp_path)
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert table.is_file()
    assert len(read_documents(tmp_path)["ja_sample"]) == len(ROWS)
    assert any(read(tmp_path / "report", "tasks/0")["images"])


def test_what_stands_in_the_way_is_an_error_in_a_line(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run(empty)
    assert done.exit_code == 1
    assert "error:" in done.output
    assert "no results found" in done.output
    broken = write_comparison(tmp_path / "broken", Shape(models=2, documents=20, tasks=1))
    edit_samples(broken, "model-00", "ja_vlm_bench_in_the_wild", lambda rows: rows.pop())
    done = run(broken, "--no-documents")
    assert done.exit_code == 1
    assert "ja_vlm_bench_in_the_wild" in done.output.replace("\n", "")


def test_a_folder_that_is_no_report_is_left_alone(results, tmp_path):
    (tmp_path / "thesis.tex").touch()
    done = run(results, "--out", tmp_path, "--no-documents")
    assert done.exit_code == 1
    assert "no report" in done.output.replace("\n", "")
