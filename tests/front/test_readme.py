"""The two READMEs say the same, and what they say is so: code, commands, links, settings, tasks, figures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from lmms_eval_ja.cli import app
from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.compare.file import read_comparison
from lmms_eval_ja.jp_tasks.catalogue import groups, tasks
from support.benchmarks import SHARED, needs_shared

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ja.md")}
ENGLISH, JAPANESE = TEXTS.values()
both = pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in TEXTS.items()])

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"@@[A-Z]+@@")
#: Columns of the published figures, as the file of the paper's tables names them.
_COLUMNS = (
    "heron_llm_pct",
    "ja_vlm_itw_rougeL",
    "ja_vlm_itw_llm5",
    "ja_vg_vqa500_rougeL",
    "ja_vg_vqa500_llm5",
)


def _blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of each code block, without comments and trailing blanks."""
    return [(name, re.sub(r"(^|[ ]+)#.*$|[ ]+$", "", code, flags=re.MULTILINE)) for name, code in _BLOCK.findall(text)]


def _block(text: str, language: str) -> str:
    (code,) = [code for name, code in _BLOCK.findall(text) if name == language]
    return str(code)


def _prose(text: str) -> str:
    return _BLOCK.sub("", text)


def _headings(text: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) \S", _prose(text), re.MULTILINE)]


def _links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", _prose(text))


def _demo(text: str) -> str:
    (block,) = re.findall(r"^<!-- demo -->\n.*?^<!-- /demo -->$", text, re.MULTILINE | re.DOTALL)
    return str(block)


def _table(text: str, cell: str) -> list[list[str]]:
    """The rows, without the heading, of the table in which some row begins with `cell`."""
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    (table,) = [table for table in tables if re.search(rf"^\| {re.escape(cell)} \|", table, re.MULTILINE)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def _published(text: str) -> dict[str, tuple[float | None, ...]]:
    """The figures of each model; None where the benchmark is in its training data."""
    rows = _table(text, "LLM-jp-3 VILA")
    return {row[0]: tuple(None if cell == "–" else float(cell) for cell in row[1:-1]) for row in rows}


def _commands(text: str) -> list[tuple[str, list[str]]]:
    """Subcommand and options of each `lmms-eval-ja …` in a code block or in a code span."""
    lines = [line for _, code in _blocks(text) for line in code.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", _prose(text))
    found = [re.fullmatch(r"lmms-eval-ja ([a-z-]+)(.*)", line) for line in lines]
    return [(match[1], re.findall(r"--[a-z-]+", match[2])) for match in found if match]


def test_headings_have_the_same_levels() -> None:
    assert _headings(JAPANESE) == _headings(ENGLISH)
    assert _headings(ENGLISH)[:2] == [1, 2]


def test_code_blocks_are_the_same_but_for_comments() -> None:
    assert _blocks(JAPANESE) == _blocks(ENGLISH)
    assert {"sh", "toml", "python", "yaml"} <= {language for language, _ in _blocks(ENGLISH)}


def test_the_demo_block_is_the_same() -> None:
    assert _demo(JAPANESE) == _demo(ENGLISH)


def test_links_are_the_same_but_for_the_twin() -> None:
    assert "README.ja.md" in _links(ENGLISH)
    assert "README.md" in _links(JAPANESE)
    english, japanese = ([link.replace(".ja.md", ".md") for link in _links(text)] for text in TEXTS.values())
    assert english == japanese
    assert [link for link in _links(ENGLISH) if link.endswith(".ja.md")] == ["README.ja.md"]
    assert [link for link in _links(JAPANESE) if link.startswith("docs/") and link.endswith(".md")] == [
        link.replace(".md", ".ja.md") for link in _links(ENGLISH) if link.startswith("docs/") and link.endswith(".md")
    ]


def test_placeholders_are_filled_in_both_or_in_neither() -> None:
    assert _PLACEHOLDER.findall(JAPANESE) == _PLACEHOLDER.findall(ENGLISH)


def test_published_figures_are_the_same() -> None:
    assert _published(JAPANESE) == _published(ENGLISH)
    assert {len(figures) for figures in _published(ENGLISH).values()} == {len(_COLUMNS)}


@needs_shared
def test_published_figures_are_those_of_the_paper() -> None:
    assert SHARED is not None
    path = SHARED / "data" / "published" / "llm_jp_3_vila_tables.json"
    table = json.loads(path.read_text(encoding="utf-8"))["table4"]
    expected = {model.removesuffix(" (Ours)"): tuple(row[name] for name in _COLUMNS) for model, row in table.items()}
    assert _published(ENGLISH) == expected


def test_the_python_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_STORE", str(tmp_path / "verdicts.sqlite"))
    names: dict[str, Any] = {}
    exec(compile(_block(ENGLISH, "python"), "README.md", "exec"), names)  # noqa: S102 (our own README)

    # One of 車 は 白色 です 。 is the reference: precision 1/5, recall 1, F = 2·(1/5)/(6/5) = 1/3.
    assert names["rouge_l"]("白色", "車は白色です。") == pytest.approx(100 / 3)
    assert names["rouge_l"]("白色", "車は白いです。") == 0
    assert names["verdict"]["failure"] is None
    # 100 · (6 + 7 + 9) / (8 + 8 + 9) = 100 · 22/25
    assert names["estimate"].value == pytest.approx(88)


@both
def test_relative_links_lead_somewhere(text: str) -> None:
    relative = [link for link in _links(text) if not link.startswith(("https://", "http://", "#"))]
    assert relative
    assert [link for link in relative if not (ROOT / link.partition("#")[0]).exists()] == []


@both
def test_files_that_are_named_exist(text: str) -> None:
    named = re.findall(r"`(?:python )?(benchmarks/[\w./]+)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@both
def test_commands_and_their_options_exist(text: str) -> None:
    known = {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in typer.main.get_command(app).commands.items()
    }
    mentioned = _commands(text)
    assert {name for name, _ in mentioned} == known.keys()
    assert [(name, option) for name, options in mentioned for option in options if option not in known[name]] == []


@both
def test_the_toml_code_is_a_judge_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "judge.toml"
    path.write_text(_block(text, "toml"), encoding="utf-8")

    settings = load_settings({"LMMS_EVAL_JA_JUDGE_FILE": str(path), "LMMS_EVAL_JA_STORE": str(tmp_path / "store")})
    assert settings.source == path
    assert (settings.judge_name, settings.judge.model) == ("local", "Qwen/Qwen3-32B")
    assert settings.judge.base_url == "http://127.0.0.1:8000/v1"


@both
def test_the_yaml_code_is_a_comparison(text: str, tmp_path: Path) -> None:
    code = next(code for language, code in _blocks(text) if language == "yaml" and "models:" in code)
    (tmp_path / "run1" / "checkpoint-1000").mkdir(parents=True)
    (tmp_path / "answers").mkdir()
    file = tmp_path / "comparison.yaml"
    file.write_text(code.replace("/data", str(tmp_path)), encoding="utf-8")

    comparison = read_comparison(file)
    ids = ["llm-jp-3-vila-14b", "qwen2-vl-7b-instruct", "mine", "run1-1000", "closed"]
    assert [model.id for model in comparison.models] == ids
    assert comparison.tasks == ("heron_bench_ja", "ja_vlm_bench_in_the_wild", "ja_vg_vqa_500")


@both
def test_the_judge_by_variables_is_the_one_in_the_toml_code(text: str, tmp_path: Path) -> None:
    exported = dict(re.findall(r"(LMMS_EVAL_JA_JUDGE_\w+)=(\S+)", "\n".join(code for _, code in _blocks(text))))
    judge = load_settings(exported | {"LMMS_EVAL_JA_STORE": str(tmp_path / "store")}).judge
    assert (judge.model, judge.base_url) == ("Qwen/Qwen3-32B", "http://127.0.0.1:8000/v1")


@both
def test_the_table_names_exactly_our_tasks(text: str) -> None:
    rows = _table(text, "`heron_bench_ja_pairwise`")
    named = [match[1] for row in rows if (match := re.search(r"`(\w+)`", row[0]))]
    assert sorted(named) == sorted(task.name for task in tasks())
    assert all(f"`{group}`" in text for group in groups())


@both
def test_the_table_gives_the_tasks_sizes(text: str) -> None:
    sizes = {task.name: task.rows for task in tasks()}
    rows = [
        (re.search(r"`(\w+)`", row[0]), re.search(r"[\d,]+", row[1])) for row in _table(text, "`ja_sample_original`")
    ]
    found = {name[1]: int(size[0].replace(",", "")) for name, size in rows if name and size}
    assert found == sizes
