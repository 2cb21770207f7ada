from __future__ import annotations

from pathlib import Path

import pytest

from lmms_eval_ja.exporting.files import differing, left_over, written
from lmms_eval_ja.exporting.models import REGISTRY
from lmms_eval_ja.exporting.modules import ExportError

FILES = {
    "lmms_eval/tasks/a_ja/a_ja.yaml": b"task: a_ja\n",
    "lmms_eval/tasks/a_ja/utils.py": b"X = 1\n",
    "test/eval/test_a_ja.py": b"Y = 1\n",
    REGISTRY: b"MODELS = {}\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    assert written(FILES, tmp_path) == list(FILES)
    return tmp_path


def test_what_is_there_already_is_not_written_again(checkout: Path) -> None:
    assert written(FILES, checkout) == differing(FILES, checkout) == left_over(FILES, checkout) == []


@pytest.mark.parametrize("name", ["lmms_eval/tasks/a_ja/utils.py", "test/eval/test_a_ja.py"])
def test_a_file_that_was_edited_is_replaced_only_when_asked(checkout: Path, name: str) -> None:
    (checkout / name).write_bytes(b"mine\n")
    (gone := checkout / "lmms_eval/tasks/a_ja/a_ja.yaml").unlink()
    with pytest.raises(ExportError, match=f"files that are there differ: {name}; move them away, or pass --overwrite"):
        written(FILES, checkout)
    assert not gone.exists()
    assert set(written(FILES, checkout, overwrite=True)) == {name, "lmms_eval/tasks/a_ja/a_ja.yaml"}
    assert differing(FILES, checkout) == []


def test_the_registry_which_others_change_too_is_written(checkout: Path) -> None:
    (checkout / REGISTRY).write_bytes(b"MODELS = {1}\n")
    assert written(FILES, checkout) == [REGISTRY]


def test_a_folder_with_tasks_of_others_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "lmms_eval/tasks/a_ja"
    folder.mkdir(parents=True)
    (folder / "theirs.yaml").touch()
    with pytest.raises(ExportError, match=r"there are no part of it: lmms_eval/tasks/a_ja/theirs\.yaml;"):
        written(FILES, tmp_path)
    assert [path.name for path in folder.iterdir()] == ["theirs.yaml"]
    assert written(FILES, tmp_path, overwrite=True) == list(FILES)
    assert (folder / "theirs.yaml").exists()


def test_what_is_left_over_is_named(checkout: Path) -> None:
    for name in ("a_ja/_old.yaml", "a_ja/words/old.txt", "a_ja/__pycache__/utils.cpython-311.pyc", "b_ja/b_ja.yaml"):
        path = checkout / "lmms_eval/tasks" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (checkout / "test/eval/test_other.py").touch()
    folder = "lmms_eval/tasks/a_ja"
    assert left_over(FILES, checkout) == [f"{folder}/_old.yaml", f"{folder}/words/old.txt"]
