from __future__ import annotations

import csv
import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lmms_eval_ja.compare.compared import Compared, Mark
from lmms_eval_ja.compare.leaderboard import csv_text, escape_latex, latex, markdown, write_leaderboard

VQA, HERON = "ja_vlm_bench_in_the_wild", "heron_bench_ja"


def table(text: str) -> dict[str, list[str]]:
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0].replace("\\", ""): row[1:] for row in rows if not row[0].startswith("---")}


def test_a_row_for_each_model_with_interval_rank_and_mean_rank(made_compared: Compared):
    rows = table(markdown(made_compared))
    assert rows["Model"] == [r"ja\_vlm\_bench\_in\_the\_wild (judge\_mean)", r"heron\_bench\_ja (overall)", "Mean rank"]
    cell = made_compared.cell("model-03", HERON)
    shown = f"{cell.value:.1f}"
    assert rows["model-03"][1] == f"**{shown}** [{cell.ci_low:.1f}, {cell.ci_high:.1f}] (1–2)"
    assert list(rows)[1] == "model-03"  # the best first
    assert "run, 200" in rows  # a label
    small = made_compared.cell("model-03", VQA)
    assert f"{small.value:.2f}" in rows["model-03"][0]  # a scale of 5 has two decimals


def test_a_contaminated_cell_is_dashed_and_explained(made_compared: Compared):
    text = markdown(made_compared)
    rows = table(text)
    assert rows["model-00a"][1] == "–†"
    assert "- † the model's training data holds images or questions of the task" in text
    assert "- a the model was trained on another part" in text
    assert list(rows)[-1] == "model-00a"  # ranked in fewer tasks


def test_a_failure_is_a_dash_with_a_footnote_and_never_a_number(made_compared: Compared):
    lost = {"value": None, "ci_low": None, "ci_high": None, "rank": None, "ranked": False, "best": False}
    lost["why_not_ranked"] = "incomplete: 1 of 60"
    cells = [replace(c, **lost) if (c.model, c.task) == ("model-03", VQA) else c for c in made_compared.cells]
    marks = [*made_compared.marks, Mark("model-03", VQA, "incomplete", "1 of 60")]
    text = markdown(replace(made_compared, cells=cells, marks=marks))
    assert table(text)["model-03"][0] == "–‡"
    assert r"- – model-03, ja\_vlm\_bench\_in\_the\_wild: incomplete: 1 of 60" in text
    assert "- ‡ the task is incomplete" in text


def test_a_model_without_any_result_is_listed_last(made_compared: Compared):
    more = replace(made_compared, models=[*made_compared.models, "lost"], notes=["lost has no results: out of memory"])
    text = markdown(more)
    assert list(table(text).items())[-1] == ("lost", ["–", "–", "–"])
    assert "- lost has no results: out of memory" in text


def test_csv_has_every_metric_and_empty_fields_for_nothing(made_compared: Compared):
    rows = list(csv.DictReader(io.StringIO(csv_text(made_compared))))
    assert len(rows) == len(made_compared.cells)
    (row,) = (r for r in rows if (r["model"], r["task"], r["metric"]) == ("model-00", HERON, "overall"))
    assert float(row["value"]) == made_compared.cell("model-00", HERON).value
    assert (row["rank"], row["ranked"], row["headline"]) == ("", "false", "true")
    assert row["marks"] == "contaminated in_domain"


def test_a_name_is_no_formula_markup_or_command(made_compared: Compared):
    evil = "=1+1|**x**<script>\\input{x}$%&#_^~\n![a](javascript:b)"
    hostile = replace(made_compared, labels=dict.fromkeys(made_compared.models, evil), title=evil)
    text = markdown(hostile)
    assert r"=1+1\|\*\*x\*\*\<script\>\\input\{x\}$%\&\#\_^\~ \!\[a\](javascript:b)" in text
    assert csv.DictReader(io.StringIO(csv_text(hostile))).__next__()["label"].startswith("'=1+1")
    tex = latex(hostile)
    assert r"=1+1\textbar{}**x**\textless{}script\textgreater{}\textbackslash{}input\{x\}\$\%\&\#\_" in tex
    assert r"\input{" not in tex


def test_latex_is_a_booktabs_table(made_compared: Compared):
    lines = latex(made_compared).splitlines()
    assert lines[1] == r"\begin{tabular}{lrrr}"
    assert [line for line in lines if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\bottomrule"]
    rows = [line for line in lines if line.endswith(r" \\")]
    assert {row.count(" & ") for row in rows} == {3}
    assert any(r"--$^{\dagger}$" in row for row in rows)
    assert any(r"\textbf{" in row for row in rows)


def test_escapes():
    assert escape_latex("50 %_\\ a\x00b") == r"50 \%\_\textbackslash{} a" + "\ufffd" + "b"


def test_three_files_are_written(made_compared: Compared, tmp_path: Path):
    assert [p.name for p in write_leaderboard(made_compared, tmp_path)] == [
        "leaderboard.md",
        "leaderboard.csv",
        "leaderboard.tex",
    ]
    assert (tmp_path / "leaderboard.csv").read_bytes().count(b"\r") == 0


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(made_compared: Compared, tmp_path: Path):
    frame = r"\documentclass{article}\usepackage{booktabs}\begin{document}%s\end{document}"
    (tmp_path / "t.tex").write_text(frame % latex(made_compared), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
