"""Reading of recorded answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.models.answers import AnswersError, read_answers


def file_of(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "answers.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("field", ["answer", "text", "prediction", "response", "output"])
def test_the_answer_may_stand_under_any_of_the_usual_names(tmp_path: Path, field: str) -> None:
    answers = read_answers(file_of(tmp_path, {"question_id": 3, field: "白い"}), "question_id")
    assert (answers.kind, answers.find("3")) == ("id", "白い")


def test_of_two_usual_names_the_first_wins(tmp_path: Path) -> None:
    path = file_of(tmp_path, {"question_id": 3, "text": "質問の文", "answer": "白い"})
    assert read_answers(path, "question_id").find("3") == "白い"


def test_ids_are_compared_as_texts(tmp_path: Path) -> None:
    path = file_of(tmp_path, {"question_id": 3, "answer": "a"}, {"question_id": " 4 ", "answer": "b"})
    assert [read_answers(path, "question_id").find(key) for key in ("3", "4")] == ["a", "b"]


def test_another_column_may_hold_the_id(tmp_path: Path) -> None:
    path = file_of(tmp_path, {"qa_id": 9, "question_id": 1, "answer": "a"})
    assert read_answers(path, "qa_id").find("9") == "a"


@pytest.mark.parametrize("field", ["question", "prompt", "input"])
def test_without_ids_the_question_is_the_key(tmp_path: Path, field: str) -> None:
    answers = read_answers(file_of(tmp_path, {field: "何色ですか？ ", "answer": "白"}), "question_id")
    assert (answers.kind, answers.find("何色ですか？")) == ("question", "白")


def test_a_samples_file_is_known_by_its_fields(tmp_path: Path) -> None:
    row = {"doc_id": 0, "target": "白色", "input": "何色？", "filtered_resps": [["白"]], "overall": {}}
    answers = read_answers(file_of(tmp_path, row), "question_id")
    assert (answers.kind, answers.find("0"), answers.origin) == ("doc_id", "白", {"0": ("白色", "何色？")})


def test_a_byte_order_mark_blank_lines_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_bytes('\ufeff{"question_id": 1, "answer": "a"}\r\n\r\n{"question_id": 2, "answer": ""}\r\n'.encode())
    assert dict(read_answers(path, "question_id").by_key) == {"1": "a", "2": ""}


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    path = file_of(tmp_path, {"question_id": 1, "answer": "一行目\u2028二行目\x85三行目"})
    assert read_answers(path, "question_id").find("1") == "一行目\u2028二行目\x85三行目"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((), "no answers in it"),
        (({"question_id": 1, "answer": "a"}, "{broken"), "line 2: no JSON"),
        (("[1]",), "line 1: expected an object"),
        (({"question_id": 1, "note": "a"},), "line 1: no answer (answer, text, prediction, response, output)"),
        (({"question_id": 1, "answer": 5},), "line 1: answer is int, expected a text"),
        (({"question_id": 1, "answer": None},), "line 1: answer is NoneType, expected a text"),
        (({"question_id": 1, "answer": ["a", "b"]},), "line 1: answer is list, expected a text"),
        (({"question_id": 1, "answer": "a"}, {"id": 2, "answer": "b"}), "line 2: no 'question_id'; fields found: id"),
        (({"id": 2, "answer": "b"},), "line 1: no 'question_id', nor a question (question, prompt, input)"),
        (({"question_id": 1, "answer": "a"},) * 2, "id '1' stands twice, in lines 1 and 2"),
        (({"question": "q", "answer": "a"},) * 2, "question 'q' stands twice, in lines 1 and 2"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, rows: tuple[Any, ...], message: str) -> None:
    path = file_of(tmp_path, *rows)
    with pytest.raises(AnswersError) as caught:
        read_answers(path, "question_id")
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AnswersError, match=r"answers\.jsonl"):
        read_answers(path, "question_id")


def test_a_missing_id_says_how_many_there_are(tmp_path: Path) -> None:
    answers = read_answers(file_of(tmp_path, {"question_id": 1, "answer": "a"}), "question_id")
    with pytest.raises(AnswersError, match=r"no answer for id '2' \(1 answers in the file\)"):
        answers.find("2")
