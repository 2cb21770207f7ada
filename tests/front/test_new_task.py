"""`lmms-eval-ja new-task`: what it makes, and what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from click.testing import Result
from datasets import Image, load_dataset
from PIL import Image as Pillow
from typer.testing import CliRunner

from lmms_eval_ja import jp_tasks, new_task
from lmms_eval_ja.new_task import Kind, make_task
from lmms_eval_ja.taken_names import lmms_eval_names
from lmms_eval_ja.task_files import find_tasks
from lmms_eval_ja.task_findings import examine_files

NAME = "my_bench_ja"
FILES = ["README.md", "answers.jsonl", "example.parquet", f"{NAME}.yaml", "task.py"]
every_kind = pytest.mark.parametrize("kind", list(Kind))


def call(*words: str) -> Result:
    app = typer.Typer()
    app.command()(new_task.new_task)
    return CliRunner().invoke(app, words)


@every_kind
def test_the_files_of_a_fresh_folder_are_right(kind: Kind, tmp_path: Path) -> None:
    made = make_task(NAME, kind, tmp_path)
    assert sorted(path.name for path in made.iterdir()) == sorted(FILES)
    (task,) = find_tasks(str(made))
    assert [finding for finding in examine_files(task) if finding.fix] == []
    assert task.metadata["rows"] == 3
    for name in ("README.md", "task.py", f"{NAME}.yaml"):
        text = (made / name).read_text(encoding="utf-8")
        assert "{{" not in text
        assert "\n\n\n\n" not in text
        assert text.endswith("\n")


@every_kind
def test_the_example_has_three_pictures_that_are_read_as_such(kind: Kind, tmp_path: Path) -> None:
    made = make_task(NAME, kind, tmp_path)
    data = load_dataset(
        "parquet", data_files=str(made / "example.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert isinstance(data.features["image"], Image)
    assert len({tuple(picture.convert("RGB").getpixel((80, 60))) for picture in data["image"]}) == 3
    ids = [json.loads(line)["question_id"] for line in (made / "answers.jsonl").read_text("utf-8").splitlines()]
    assert ids == list(data["question_id"])
    # The third answer is wrong on purpose.
    column = "reference" if kind is Kind.CHOICE else "answer"
    given = [json.loads(line)["answer"] for line in (made / "answers.jsonl").read_text("utf-8").splitlines()]
    assert [a == b for a, b in zip(given, data[column], strict=True)] == [True, True, False]


def test_the_same_command_gives_the_same_pictures(tmp_path: Path) -> None:
    first, second = (make_task(NAME, Kind.SHORT, tmp_path / name) / "example.parquet" for name in "ab")
    images = [pq.read_table(path)["image"].to_pylist() for path in (first, second)]
    assert images[0] == images[1]
    assert Pillow.open(io.BytesIO(images[0][0]["bytes"])).size == (160, 120)


def test_the_command_says_what_was_made_and_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(NAME)
    assert done.exit_code == 0, done.output
    assert (tmp_path / NAME / "task.py").is_file()
    assert f"--include_path {NAME} --tasks {NAME}" in done.output
    assert f"lmms-eval-ja check-task {NAME}" in done.output
    assert "pyproject.toml" not in done.output


def test_within_the_package_it_is_a_package_with_dotted_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jp_tasks, "FOLDER", tmp_path)
    done = call(NAME, "--folder", str(tmp_path), "--kind", "short")
    assert done.exit_code == 0, done.output
    assert (tmp_path / NAME / "__init__.py").is_file()
    text = (tmp_path / NAME / f"{NAME}.yaml").read_text("utf-8")
    assert f"process_results: !function lmms_eval_ja.jp_tasks.{NAME}.task.process_results" in text
    assert f'"lmms_eval_ja.jp_tasks.{NAME}" in packages of pyproject.toml' in done.output
    assert "--include_path" not in done.output
    assert "--include_path" not in (tmp_path / NAME / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-Bench", "expected small letters, digits and underscores"),
        ("1st", "expected small letters"),
        ("../up", "expected small letters"),
        ("jmmmu", "taken by lmms-eval (jmmmu/"),
        ("mecha_ja", "taken by a task of lmms-eval-ja: choose another, such as mecha_ja_2"),
        ("japanese_vlm", "taken by a task of lmms-eval-ja"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(name: str, said: str, tmp_path: Path) -> None:
    done = call(name, "--folder", str(tmp_path))
    assert done.exit_code == 1
    assert said in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    done = call(NAME, "--folder", str(tmp_path))
    assert done.exit_code == 1
    assert "is there already: choose another name or --folder" in done.output
    assert list((tmp_path / NAME).iterdir()) == []


def test_names_of_lmms_eval_are_read_with_groups_tags_and_what_is_included() -> None:
    taken = lmms_eval_names()
    # A task, a group, one behind a byte-order mark, one from an included template, one of a list of tags.
    for name in (
        "jmmmu",
        "llava_in_the_wild_japanese",
        "step2_audio_paralinguistic_emotions",
        "vstar_bench",
        "refcoco+_bbox",
        "public_eval_qwen3_5_family",
    ):
        assert name in taken, name
    assert NAME not in taken
