"""The page on adding a benchmark: both languages say the same, and its commands do what it says."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from lmms_eval_ja import check_task, new_task

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, JAPANESE = ((ROOT / "docs" / f"adding_a_benchmark{end}.md").read_text("utf-8") for end in ("", ".ja"))
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: A score of three answers of which one cannot be read: 2 of 3 are right, 1 of 3 is unreadable.
SCORES = {"accuracy": 200 / 3, "unparsed": 100 / 3}

app = typer.Typer()
app.command("new-task")(new_task.new_task)
app.command("check-task")(check_task.check_task)


def blocks(text: str, language: str) -> list[str]:
    return [code.strip() for name, code in _BLOCK.findall(text) if name == language]


def test_both_pages_have_the_same_code_and_shape() -> None:
    for language in ("sh", "python"):
        assert blocks(JAPANESE, language) == blocks(ENGLISH, language)
        assert blocks(ENGLISH, language)
    shapes = [[len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)] for text in (ENGLISH, JAPANESE)]
    assert shapes[0] == shapes[1]
    spans = [
        [re.findall(r"`[^`]+`", row) for row in re.findall(r"^\|[^|]*`[^|]*\|", t, re.MULTILINE)]
        for t in (ENGLISH, JAPANESE)
    ]
    assert spans[0] == spans[1]
    assert spans[0]


@pytest.mark.parametrize("text", [ENGLISH, JAPANESE], ids=["en", "ja"])
def test_links_lead_somewhere_and_figures_are_those_of_the_answers(text: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    assert all(f"{value:.2f}" in text for value in SCORES.values())


def test_the_python_code_writes_a_file_with_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8), "red").save("p0.png")
    (code,) = blocks(ENGLISH, "python")
    exec(compile(code, "adding_a_benchmark.md", "exec"), {})  # noqa: S102 (our own page)
    (row,) = pq.read_table("my_data.parquet").to_pylist()
    assert row["image"]["bytes"].startswith(b"\x89PNG")
    assert {"question_id", "question", "answer", "image_id"} <= row.keys()


@pytest.mark.slow
def test_the_commands_do_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    make, run, check = (shlex.split(line) for line in blocks(ENGLISH, "sh"))
    made = CliRunner().invoke(app, make[1:])
    assert made.exit_code == 0, made.output

    program = Path(sys.executable).parent / run[0]
    done = subprocess.run([program, *run[1:]], env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (path,) = (tmp_path / "results").rglob("*_results.json")
    row = json.loads(path.read_text("utf-8"))["results"]["my_bench_ja"]
    assert {name: row[f"{name},none"] for name in SCORES} == pytest.approx(SCORES)

    checked = CliRunner().invoke(app, check[1:])
    assert checked.exit_code == 0, checked.output
    assert "the references themselves score accuracy = 100" in checked.output
    assert "broken" not in checked.output
