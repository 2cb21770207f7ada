"""Answers recorded elsewhere: JSONL of one's own, or a samples file of lmms-eval."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Where the answer stands, the first that is there.
ANSWER_FIELDS = ("answer", "text", "prediction", "response", "output")
#: Where the question stands in a file without ids.
QUESTION_FIELDS = ("question", "prompt", "input")


class AnswersError(Exception):
    """An answers file that cannot be used; the message names file, line and field."""


@dataclass(frozen=True)
class Answers:
    """The answers of one file by one kind of key: "id" (of `key`), "question" or "doc_id" (a samples file)."""

    path: Path
    kind: str
    by_key: Mapping[str, str]
    #: Of a samples file: (target, input) by doc_id, to make sure that it belongs to the same data.
    origin: Mapping[str, tuple[str, str]]

    def find(self, key: str) -> str:
        """The answer under a key.

        Raises:
            AnswersError: it is not there.
        """
        if key not in self.by_key:
            raise AnswersError(
                f"{self.path}: no answer for {self.kind} {key!r} ({len(self.by_key)} answers in the file)"
            )
        return self.by_key[key]


def read_answers(path: Path, key: str) -> Answers:
    """Read a file of answers.

    Args:
        path: JSONL; each line an object with the answer (`ANSWER_FIELDS`) and `key`, or without any `key` the
            question's text; or a samples file as lmms-eval writes it.
        key: the field that holds the document's id.

    Raises:
        AnswersError: not there, a broken line, a missing field, an id that stands twice.
    """
    rows = list(_rows(path))
    if not rows:
        raise AnswersError(f"{path}: no answers in it")
    first = rows[0][1]
    is_samples = "doc_id" in first and "filtered_resps" in first
    kind = "doc_id" if is_samples else "id" if key in first else "question"
    by_key: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        value = _key(path, line, row, kind, key)
        if value in by_key:
            raise AnswersError(f"{path}: {kind} {value!r} stands twice, in lines {lines[value]} and {line}")
        by_key[value], lines[value] = _answer(path, line, row, is_samples=is_samples), line
    origin = {str(r["doc_id"]): (str(r.get("target")), str(r.get("input"))) for _, r in rows} if is_samples else {}
    return Answers(path, kind, by_key, origin)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AnswersError(f"{path}: {error}") from None
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except json.JSONDecodeError as error:
            raise AnswersError(f"{path}, line {line}: no JSON ({error.msg} at column {error.colno})") from None
        if not isinstance(row, dict):
            raise AnswersError(f'{path}, line {line}: expected an object such as {{"question_id": …, "answer": …}}')
        yield line, row


def _key(path: Path, line: int, row: Mapping[str, Any], kind: str, key: str) -> str:
    if kind == "question":
        found = next((row[f] for f in QUESTION_FIELDS if isinstance(row.get(f), str)), None)
        expected = f"{key!r}, nor a question ({', '.join(QUESTION_FIELDS)})"
    else:
        name = "doc_id" if kind == "doc_id" else key
        found, expected = row.get(name), repr(name)
    if found is None:
        raise AnswersError(f"{path}, line {line}: no {expected}; fields found: {', '.join(row)}")
    return str(found).strip()


def _answer(path: Path, line: int, row: Mapping[str, Any], *, is_samples: bool) -> str:
    fields = ("filtered_resps",) if is_samples else ANSWER_FIELDS
    name = next((f for f in fields if f in row), None)
    if name is None:
        raise AnswersError(f"{path}, line {line}: no answer ({', '.join(fields)}); fields found: {', '.join(row)}")
    value = row[name]
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        raise AnswersError(f"{path}, line {line}: {name} is {type(value).__name__}, expected a text")
    return value
