from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from lmms_eval_ja.export import export
from lmms_eval_ja.exporting import writing
from lmms_eval_ja.exporting.tasks import described, exported_task
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.task_files import find_tasks

app = typer.Typer()
app.command()(export)


@pytest.fixture(scope="module")
def files() -> dict[str, dict[str, str]]:
    return {
        task: {path: content.decode() for path, content in exported_task(task).items()}
        for task in ("heron_bench_ja", "ja_vg_vqa_500_first")
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    tasks = tmp_path / "lmms-eval" / "lmms_eval" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "__init__.py").touch()
    return tmp_path / "lmms-eval"


def test_an_export_is_a_task_folder_and_a_test(files: dict[str, dict[str, str]]) -> None:
    folder = "lmms_eval/tasks/heron_bench_ja"
    names = ("heron_bench_ja.yaml", "utils.py", "README.md")
    assert list(files["heron_bench_ja"]) == [*(f"{folder}/{n}" for n in names), "test/eval/test_heron_bench_ja.py"]
    prompt = files["ja_vg_vqa_500_first"]["lmms_eval/tasks/ja_vg_vqa_500_first/vqa_likert.txt"]
    assert prompt == (FOLDER.parent / "judges/protocols/vqa_likert.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("task", ["heron_bench_ja", "ja_vg_vqa_500_first"])
def test_the_yaml_is_ours_without_what_lmms_eval_does_not_know(files: dict[str, dict[str, str]], task: str) -> None:
    text = files[task][f"lmms_eval/tasks/{task}/{task}.yaml"]
    config = yaml.safe_load(text.replace("!function ", ""))
    (ours,) = find_tasks(task)
    assert config.keys() == ours.config.keys()
    for key in ("dataset_path", "test_split", "generation_kwargs", "output_type", "score_key", "cluster_key"):
        assert config[key] == ours.config[key]
    assert [m["metric"] for m in config["metric_list"]] == [m["metric"] for m in ours.config["metric_list"]]
    assert config["metadata"] == {"version": 1.0}


@pytest.mark.parametrize("task", ["heron_bench_ja", "ja_vg_vqa_500_first"])
def test_every_function_is_in_the_file_that_the_yaml_names(files: dict[str, dict[str, str]], task: str) -> None:
    text = files[task][f"lmms_eval/tasks/{task}/{task}.yaml"]
    named = re.findall(rf"!function lmms_eval\.tasks\.{task}\.utils\.(\w+)", text)
    assert len(named) == text.count("!function") > 5
    tree = ast.parse(files[task][f"lmms_eval/tasks/{task}/utils.py"])
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert set(named) <= {function.name for function in functions}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.returns is not None, node.name
    assert all(ast.get_docstring(function) for function in functions if function.name in named)


def test_what_is_not_needed_stays_here(files: dict[str, dict[str, str]]) -> None:
    heron = files["heron_bench_ja"]["lmms_eval/tasks/heron_bench_ja/utils.py"]
    short = files["ja_vg_vqa_500_first"]["lmms_eval/tasks/ja_vg_vqa_500_first/utils.py"]
    assert "fugashi" not in heron
    assert "all_questions" not in short
    assert "HeronBench" not in short
    ours = ("neologdn", "fingerprint", "settings", "llava_bench", "with_others", "pydantic", "pooch", "scipy")
    for word in (*ours, "noqa", "type: ignore"):
        assert word not in heron + short
    assert re.search("lmms.eval.ja", heron + short, re.IGNORECASE) is None


def test_what_lmms_eval_does_not_install_is_named_where_it_is_missing(files: dict[str, dict[str, str]]) -> None:
    short = files["ja_vg_vqa_500_first"]
    message = "is not installed: pip install emoji fugashi rapidfuzz unidic-lite"
    assert message in short["lmms_eval/tasks/ja_vg_vqa_500_first/utils.py"]
    assert "pip install emoji fugashi rapidfuzz unidic-lite" in short["lmms_eval/tasks/ja_vg_vqa_500_first/README.md"]


def test_a_number_of_questions_that_is_not_exact_is_said_to_be_about_it() -> None:
    assert "| about 4,000 |" in exported_task("ja_vg_vqa_500")["lmms_eval/tasks/ja_vg_vqa_500/README.md"].decode()


def test_every_described_task_is_one_of_ours() -> None:
    assert [find_tasks(name)[0].name for name in described()] == list(described())


def test_the_command_writes_and_says_when_all_is_up_to_date(checkout: Path) -> None:
    line = ["heron_bench_ja", "--to", str(checkout)]
    first = CliRunner().invoke(app, line)
    assert first.exit_code == 0, first.output
    assert first.stdout.count("written: ") == 4
    assert CliRunner().invoke(app, line).stdout == "up to date: 4 files of heron_bench_ja\n"
    assert CliRunner().invoke(app, [*line, "--check"]).exit_code == 0
    (checkout / "lmms_eval/tasks/heron_bench_ja/utils.py").write_text("changed = 1\n", encoding="utf-8")
    (checkout / "test/eval/test_heron_bench_ja.py").unlink()
    (checkout / "lmms_eval/tasks/heron_bench_ja/_old.yaml").touch()
    checked = CliRunner().invoke(app, [*line, "--check"])
    assert checked.exit_code == 1
    assert checked.stdout.splitlines() == [
        "not up to date: lmms_eval/tasks/heron_bench_ja/utils.py",
        "not up to date: test/eval/test_heron_bench_ja.py",
        "left over: lmms_eval/tasks/heron_bench_ja/_old.yaml",
    ]
    refused = CliRunner().invoke(app, line)
    assert refused.exit_code == 1
    assert "nothing is written: files that are there differ: lmms_eval/tasks/heron_bench_ja/utils.py" in refused.stderr
    assert (checkout / "lmms_eval/tasks/heron_bench_ja/utils.py").read_text(encoding="utf-8") == "changed = 1\n"
    assert CliRunner().invoke(app, [*line, "--overwrite"]).stdout.count("written: ") == 2
    assert CliRunner().invoke(app, [*line, "--check"]).stdout.count("\n") == 1  # what is left over


def test_what_stands_in_the_way_is_said(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = CliRunner().invoke(app, ["cc_ocr_ja", "--to", str(checkout)])
    assert (other.exit_code, "cc_ocr_ja cannot be exported: expected one of" in other.stderr) == (
        1,
        True,
    )
    elsewhere = CliRunner().invoke(app, ["heron_bench_ja", "--to", str(checkout.parent)])
    assert (elsewhere.exit_code, "is no checkout of lmms-eval" in elsewhere.stderr) == (1, True)
    monkeypatch.setitem(writing.FORMATTERS, "black", "1.0")
    old = CliRunner().invoke(app, ["heron_bench_ja", "--to", str(checkout)])
    assert (old.exit_code, "has black 1.0, here is 25.1.0: pip install black==1.0" in old.stderr) == (1, True)
    assert not (checkout / "test").exists()
