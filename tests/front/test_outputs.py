"""Files that a command writes: never over what it read, and whole or as they were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lmms_eval_ja.outputs import OutputError, write_output


@pytest.mark.parametrize("way", ["same", "symbolic link", "hard link"])
def test_an_input_is_never_written_over(tmp_path: Path, way: str) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("score\n3\n", encoding="utf-8")
    file = labels if way == "same" else tmp_path / "out.json"
    if way == "symbolic link":
        file.symlink_to(labels)
    elif way == "hard link":
        file.hardlink_to(labels)
    with pytest.raises(OutputError, match=r"is read by this command, and would be lost: name another file"):
        write_output(file, "{}\n", [tmp_path, labels])
    assert labels.read_text("utf-8") == "score\n3\n"


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    write_output(file, "前\n", [])
    with pytest.raises(UnicodeEncodeError):
        write_output(file, "後" * 100_000 + "\ud800", [])
    assert file.read_text("utf-8") == "前\n"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_to_elsewhere_stays_a_link(tmp_path: Path) -> None:
    link, file = tmp_path / "link.json", tmp_path / "out.json"
    link.symlink_to(file)
    write_output(link, "{}\n", [])
    assert link.is_symlink()
    assert file.read_text("utf-8") == "{}\n"


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    write_output(Path(os.devnull), "{}\n", [])
    with pytest.raises(IsADirectoryError):
        write_output(tmp_path, "{}\n", [])
