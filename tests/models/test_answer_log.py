"""The answer log on its own; killed processes are in test_killed.py."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from lmms_eval_ja.models.answer_log import AnswerLog, LoggedAnswer, log_folder
from lmms_eval_ja.models.failures import ModelError

MODEL = {"checkpoint": "sha256:1"}


def answer(key: str, text: str = "白") -> LoggedAnswer:
    return LoggedAnswer(key, "t", 0, text, 3, 1)


def log_file(folder: Path) -> Path:
    (path,) = folder.rglob("*.jsonl")
    return path


def test_a_later_process_finds_what_was_logged(tmp_path: Path) -> None:
    first = AnswerLog(tmp_path, MODEL)
    first.append([answer("a"), answer("b", "赤\n「青」\u2028\ud800")])
    second = AnswerLog(tmp_path, MODEL)
    assert (second.find("a"), second.find("b")) == (answer("a"), answer("b", "赤\n「青」\u2028\ud800"))
    assert second.find("c") is None
    assert len(second) == 2


def test_what_was_appended_is_found_at_once(tmp_path: Path) -> None:
    log = AnswerLog(tmp_path, MODEL)
    log.append([answer("a")])
    assert log.find("a") == answer("a")


def test_models_do_not_share_answers(tmp_path: Path) -> None:
    AnswerLog(tmp_path, MODEL).append([answer("a")])
    other = AnswerLog(tmp_path, {"checkpoint": "sha256:2"})
    assert other.find("a") is None
    assert other.key({"doc_id": 0}) != AnswerLog(tmp_path, MODEL).key({"doc_id": 0})


def test_every_process_has_a_file_of_its_own_and_all_are_read(tmp_path: Path) -> None:
    logs = [AnswerLog(tmp_path, MODEL) for _ in range(3)]
    for number, log in enumerate(logs):
        log.append([answer(str(number))])
    assert len(list(tmp_path.rglob("*.jsonl"))) == 3
    assert len(AnswerLog(tmp_path, MODEL)) == 3


def test_a_process_that_answers_nothing_leaves_no_file(tmp_path: Path) -> None:
    log = AnswerLog(tmp_path, MODEL)
    log.append([])
    log.close()
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_a_torn_line_is_skipped_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("lmms_eval_ja"), "propagate", True)
    AnswerLog(tmp_path, MODEL).append([answer("a"), answer("b")])
    path = log_file(tmp_path)
    whole = path.read_bytes()
    for cut in range(1, 40, 7):
        path.write_bytes(whole[:-cut])
        caplog.clear()
        log = AnswerLog(tmp_path, MODEL)
        assert (log.find("a"), log.find("b")) == (answer("a"), None)
        assert {record.getMessage() for record in caplog.records} == {
            f"{path}: 1 torn line(s) skipped, as a killed run leaves them"
        }


def test_a_line_of_zero_bytes_in_the_middle_costs_no_other(tmp_path: Path) -> None:
    AnswerLog(tmp_path, MODEL).append([answer("a"), answer("b")])
    path = log_file(tmp_path)
    head, first, second, _ = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([head, b"\0" * len(first), second, b""]))
    log = AnswerLog(tmp_path, MODEL)
    assert (log.find("a"), log.find("b")) == (None, answer("b"))


def test_the_file_says_which_model_it_is_of(tmp_path: Path) -> None:
    AnswerLog(tmp_path, MODEL).append([answer("a")])
    first = json.loads(log_file(tmp_path).read_text(encoding="utf-8").splitlines()[0])
    assert first["model"]["checkpoint"] == "sha256:1"


def test_without_a_folder_nothing_is_remembered() -> None:
    log = AnswerLog(None, MODEL)
    log.append([answer("a")])
    assert log.find("a") is None
    assert log.folder is None


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (file := tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"answer log in .* cannot be used .* answer_log=FOLDER"):
        AnswerLog(file, MODEL)


def test_a_full_disk_ends_the_run_with_a_message(tmp_path: Path) -> None:
    log = AnswerLog(tmp_path, MODEL)
    log._file = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(ModelError, match="No space left"):
        log.append([answer("a")])


def test_where_answers_are_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LMMS_EVAL_JA_ANSWER_LOG", raising=False)
    default = log_folder(None)
    assert default is not None
    assert default.parts[-2:] == ("lmms-eval-ja", "answers")
    monkeypatch.setenv("LMMS_EVAL_JA_ANSWER_LOG", str(tmp_path))
    assert log_folder(None) == tmp_path
    assert log_folder("/elsewhere") == Path("/elsewhere")
    assert log_folder("off") is None
    monkeypatch.setenv("LMMS_EVAL_JA_ANSWER_LOG", "off")
    assert log_folder(None) is None
