"""`--model replay`: answers that were recorded elsewhere, scored as if they were given now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lmms_eval_ja.metrics import clean_answer, generation_failure
from lmms_eval_ja.models.answers import Answers, AnswersError, read_answers
from lmms_eval_ja.models.no_device import NoDevice

#: Columns of a document that may hold the target which a samples file records.
TARGET_COLUMNS = ("reference", "answer", "target")


class ReplayError(SystemExit):
    """Answers that do not fit the task. An exit: lmms-eval would report an exception and end with status 0."""

    def __init__(self, message: str) -> None:
        super().__init__(f"lmms-eval-ja: {message}")


class Replay(NoDevice):
    """Model arguments: `answers` (a JSONL file, or a folder with one `<task>.jsonl` or samples file for each task) and
    `key` (the column of the document, and field of the file, that holds the id; default `question_id`).
    """  # noqa: D205 (one sentence)

    def __init__(self, answers: str, key: str = "question_id", **ignored: Any) -> None:
        del ignored  # batch size and device mean nothing here
        super().__init__()
        self._path, self._key = Path(answers).expanduser(), key
        if not self._path.exists():
            raise ReplayError(f"answers={answers}: there is no such file or folder")
        self._by_task: dict[str, Answers] = {}
        self._columns: dict[tuple[str, str, str], list[Any]] = {}
        if self._path.is_file():
            self._read(self._path)

    def generate_until(self, requests: list[Any]) -> list[str]:
        """One recorded answer for each request, in order; a failed one comes as it was recorded."""
        return [self._answer(*(request.args[i] for i in (0, 3, 4, 5))) for request in requests]

    def generate_until_multi_round(self, requests: list[Any]) -> list[str]:
        """Not possible: a later turn depends on what was answered before."""
        del requests
        raise ReplayError("replay has one answer for a document; multi-turn tasks cannot be replayed")

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """Not possible: a text has no likelihood."""
        del requests
        raise ReplayError("replay has answers, no likelihoods; choose a task that generates")

    def _answer(self, question: str, doc_id: int, task: str, split: str) -> str:
        answers = self._answers_of(task)
        try:
            if answers.kind == "doc_id":
                self._check_origin(answers, question, doc_id, task, split)
                key = str(doc_id)
            elif answers.kind == "question":
                key = question.strip()
            else:
                key = str(self._column(task, split, self._key)[doc_id])
            answer = answers.find(key)
        except AnswersError as error:
            raise ReplayError(str(error)) from None
        return answer if generation_failure(answer) is not None else clean_answer(answer)

    def _check_origin(self, answers: Answers, question: str, doc_id: int, task: str, split: str) -> None:
        """Samples files hold no document: input and target must be those of the data that is loaded now."""
        where = f"{answers.path}: doc_id {doc_id} of {task}"
        target, recorded = answers.origin.get(str(doc_id), ("", question))
        if recorded != question:
            raise AnswersError(_mismatch(where, "input", recorded, question))
        known = {
            str(self._column(task, split, c)[doc_id]) for c in TARGET_COLUMNS if c in self._columns_of(task, split)
        }
        if known and target not in known:
            raise AnswersError(_mismatch(where, "target", target, min(known)))

    def _column(self, task: str, split: str, name: str) -> list[Any]:
        """A column of a task's documents, without decoding a picture."""
        if (task, split, name) not in self._columns:
            if name not in (found := self._columns_of(task, split)):
                raise AnswersError(f"task {task} has no column {name!r}; it has {', '.join(found)}: state key=COLUMN")
            self._columns[task, split, name] = list(self.task_dict[task][split][name])
        return self._columns[task, split, name]

    def _columns_of(self, task: str, split: str) -> list[str]:
        return list(self.task_dict[task][split].column_names)

    def _answers_of(self, task: str) -> Answers:
        if self._path.is_file():
            return self._read(self._path)
        if task not in self._by_task:
            found = sorted({*self._path.glob(f"{task}.jsonl"), *self._path.rglob(f"*_samples_{task}.jsonl")})
            if len(found) != 1:
                names = ", ".join(path.name for path in found) or "none"
                raise ReplayError(
                    f"{self._path}: expected one file {task}.jsonl or *_samples_{task}.jsonl, found {names}"
                )
            self._by_task[task] = self._read(found[0])
        return self._by_task[task]

    def _read(self, path: Path) -> Answers:
        key = str(path)
        if key not in self._by_task:
            try:
                self._by_task[key] = read_answers(path, self._key)
            except AnswersError as error:
                raise ReplayError(str(error)) from None
        return self._by_task[key]


def _mismatch(where: str, what: str, recorded: str, now: str) -> str:
    return (
        f"{where} had another {what}: {recorded[:60]!r}, now {now[:60]!r}; was it recorded with other data or another "
        "prompt?"
    )
