"""The file of variants: a line of JSON for each, one question after another, for a person to go through.

| field | holds |
|---|---|
| task | the task whose question it is, without `_robust` |
| question_id | of the question |
| question | the benchmark's own wording, to read beside the variant |
| variant | the other wording |
| answer | the reference, which holds for all wordings (may be absent) |
| made_by | `rule:<name>`, `llm:<model>`, `llm-kansai:<model>`, or `written` where none of these made it |
| version | of the rules, or the first 16 digits of the prompt's SHA-256; of a written one, anything |
| date | when it was made |
| question_sha256 | the first 16 digits of the question's checksum: a variant of another wording is refused |
| accepted | false takes it out |
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from lmms_eval_ja.jp_tasks.dataset import DatasetError, checksum

_TEXTS = ("task", "question_id", "question", "variant", "made_by", "version", "date", "question_sha256")


class VariantsError(DatasetError):
    """A file of variants that cannot be used; the message names file and row."""


@dataclass(frozen=True)
class Variant:
    """One wording of a question; `row` is its line in the file, 0 for one that was just made."""

    task: str
    question_id: str
    question: str
    variant: str
    made_by: str
    version: str
    date: str
    question_sha256: str
    accepted: bool = True
    answer: str | None = None
    row: int = 0


def question_hash(question: str) -> str:
    """What a variant says of the wording that it was made of."""
    return checksum([question])[:16]


def check_new(path: Path) -> None:
    """Make the folder of a new file, and see that the file can be written, before anything is paid for.

    Raises:
        VariantsError: there is one already, which somebody may have gone through; or it cannot be written.
    """
    if path.exists():
        raise _exists(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise VariantsError(f"{path} cannot be written: {error}") from None


def write_variants(path: Path, variants: Iterable[Variant]) -> None:
    """Write a new file: all of it, or none.

    Raises:
        VariantsError: there is one already, which somebody may have gone through; or it cannot be written.
    """
    text = "".join(json.dumps(_shown(variant), ensure_ascii=False) + "\n" for variant in variants)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        _publish(partial, path)
    except FileExistsError:
        raise _exists(path) from None
    except (OSError, UnicodeEncodeError) as error:
        raise VariantsError(f"{path} cannot be written: {error}") from None
    finally:
        partial.unlink(missing_ok=True)


def _publish(partial: Path, path: Path) -> None:
    """Give a whole file its name, unless there is one of that name."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError from None
        partial.rename(path)


def _exists(path: Path) -> VariantsError:
    return VariantsError(f"{path} exists, and somebody may have gone through it; name another file")


def read_variants(path: Path) -> list[Variant]:
    """All variants of a file, those too that were not accepted.

    Raises:
        VariantsError: it cannot be read; a line is no JSON, lacks a field, or a field does not hold what it should.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # other ends of a line may stand in a text
    except (OSError, UnicodeDecodeError) as error:
        raise VariantsError(f"{path} cannot be read: {error}") from None
    return [_variant(path, row, line) for row, line in enumerate(lines, 1) if line.strip()]


def _shown(variant: Variant) -> dict[str, Any]:
    """The fields in the order in which a person reads them."""
    fields = asdict(variant)
    order = ("task", "question_id", "question", "variant", "answer", "accepted")
    return {name: fields[name] for name in [*order, *fields] if name != "row" and fields[name] is not None}


def _variant(path: Path, row: int, line: str) -> Variant:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise VariantsError(f"{path}, row {row}: no JSON ({error}); expected one object a line") from None
    if not isinstance(fields, Mapping):
        raise VariantsError(f"{path}, row {row}: a {type(fields).__name__}; expected one JSON object a line")
    known = {*_TEXTS, "accepted", "answer"}
    if unknown := sorted(fields.keys() - known):
        raise VariantsError(f"{path}, row {row}: unknown field {unknown[0]!r}; expected {', '.join(sorted(known))}")
    for name in _TEXTS:
        if not isinstance(fields.get(name), str) or not fields[name].strip():
            raise VariantsError(f"{path}, row {row}: {name}: expected a text, got {fields.get(name)!r}")
    accepted, answer = fields.get("accepted", True), fields.get("answer")
    if not isinstance(accepted, bool):
        raise VariantsError(f"{path}, row {row}: accepted: expected true or false, got {accepted!r}")
    if answer is not None and not isinstance(answer, str):
        raise VariantsError(f"{path}, row {row}: answer: expected a text, got {answer!r}")
    return Variant(**{name: fields[name] for name in _TEXTS}, accepted=accepted, answer=answer, row=row)
