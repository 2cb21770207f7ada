"""A file is whole or as it was, and nothing else is left beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmms_eval_ja.clients.whole_file import whole_file


def break_off(path: Path) -> None:
    with whole_file(path) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.jsonl"


def names(path: Path) -> list[str]:
    return [entry.name for entry in path.parent.iterdir()]


def test_it_appears_when_it_is_complete(path: Path) -> None:
    with whole_file(path) as partial:
        partial.write_text("half")
        assert not path.exists()
        partial.write_text("whole")
    assert path.read_text() == "whole"
    assert names(path) == ["table.jsonl"]


def test_what_was_there_stays_until_then(path: Path) -> None:
    path.write_text("former")
    with whole_file(path) as partial:
        partial.write_text("latter")
        assert path.read_text() == "former"
    assert path.read_text() == "latter"


def test_what_breaks_off_changes_nothing(path: Path) -> None:
    path.write_text("former")
    with pytest.raises(KeyboardInterrupt):
        break_off(path)
    assert path.read_text() == "former"
    assert names(path) == ["table.jsonl"]


def test_a_block_that_writes_nothing_is_an_error(path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(path):
        pass
    assert names(path) == []


def test_two_at_once_do_not_meet(path: Path) -> None:
    with whole_file(path) as one, whole_file(path) as other:
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"
    assert names(path) == ["table.jsonl"]


def test_a_name_as_long_as_a_file_system_has_them(tmp_path: Path) -> None:
    path = tmp_path / ("長" * 84 + "い")
    assert len(path.name.encode()) == 255
    with whole_file(path) as partial:
        partial.write_text("whole")
    assert path.read_text() == "whole"
