"""The answer log: every finished batch on disk before anything else happens to it.

JSON lines in a folder for each model fingerprint; every process appends to a file of its own, so that nothing is
locked and a network file system will do. A run that is killed loses the batch that it was at; the next one reads what
all before it have written. Failed generations are not logged. Sampled answers are, under their seed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs

from lmms_eval_ja.models.failures import ModelError

_log = logging.getLogger("lmms_eval_ja")
OFF = "off"
VARIABLE = "LMMS_EVAL_JA_ANSWER_LOG"
VERSION = 1


@dataclass(frozen=True)
class LoggedAnswer:
    """An answer as it was given. `key` is `AnswerLog.key`; task and doc_id are for people who read the file."""

    key: str
    task: str
    doc_id: int
    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None


def log_folder(stated: str | None) -> Path | None:
    """Where answers are logged: as stated, or by the variable, or in the user's cache; None: nowhere.

    Args:
        stated: a folder, or `off`.
    """
    chosen = stated or os.environ.get(VARIABLE)
    if chosen is None or not str(chosen).strip():
        return platformdirs.user_cache_path("lmms-eval-ja") / "answers"
    return None if str(chosen).lower() == OFF else Path(chosen).expanduser()


class AnswerLog:
    """The logged answers of one model."""

    def __init__(self, folder: Path | None, fingerprint: Mapping[str, Any]) -> None:
        """Read what was logged before.

        Args:
            folder: of all models; None logs nothing.
            fingerprint: of the model; JSON values.

        Raises:
            ModelError: the folder cannot be used.
        """
        self._fingerprint = {"version": VERSION, **fingerprint}
        self._model = _hash(self._fingerprint)
        self._folder = folder / self._model[:16] if folder is not None else None
        self._file: int | None = None
        self._answers: dict[str, LoggedAnswer] = {}
        if self._folder is not None:
            with _explained(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                for path in sorted(self._folder.glob("*.jsonl")):
                    self._read(path)

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def folder(self) -> Path | None:
        """Where this model's answers are."""
        return self._folder

    def key(self, facts: Mapping[str, Any]) -> str:
        """The key of an answer: a hash of the model's fingerprint and of all that was asked (JSON values)."""
        return _hash({"model": self._model, **facts})

    def find(self, key: str) -> LoggedAnswer | None:
        """An answer that was logged before, by this or an earlier process."""
        return self._answers.get(key)

    def append(self, answers: Sequence[LoggedAnswer]) -> None:
        """Write answers; returns when they are on the disk.

        Raises:
            ModelError: they cannot be written.
        """
        if self._folder is None or not answers:
            return
        self._answers.update((answer.key, answer) for answer in answers)
        with _explained(self._folder):
            if self._file is None:
                self._file = self._create(self._folder)
            _write(self._file, [asdict(answer) for answer in answers])

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _create(self, folder: Path) -> int:
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}.jsonl"
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        _write(file, [{"model": self._fingerprint}])
        _log.info("answers are logged in %s", folder / name)
        return file

    def _read(self, path: Path) -> None:
        broken = 0
        for row in _lines(path):
            if row is None:
                broken += 1
            elif "key" in row:
                self._answers[row["key"]] = LoggedAnswer(**row)
        if broken:
            _log.warning("%s: %d torn line(s) skipped, as a killed run leaves them", path, broken)


def _lines(path: Path) -> Iterator[dict[str, Any] | None]:
    """The objects of a file; None for a line that is none, such as the last one of a process that was killed."""
    *complete, last = path.read_bytes().split(b"\n")
    for line in complete:
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        yield row if isinstance(row, dict) else None
    if last:
        yield None


def _write(file: int, rows: Sequence[Mapping[str, Any]]) -> None:
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(file, data) :]
    os.fsync(file)


def _hash(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn an OSError of the log into a message that says what to do."""
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"the answer log in {folder} cannot be used ({error}): name another folder by answer_log=FOLDER in "
            f"--model_args or by {VARIABLE}, or switch it off by answer_log={OFF}"
        ) from error
