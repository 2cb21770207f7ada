"""From questions to answers: log first, then batch by batch; a document that fails is named and the run goes on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from lmms_eval_ja.metrics import clean_answer
from lmms_eval_ja.models.answer_log import AnswerLog, LoggedAnswer
from lmms_eval_ja.models.batching import Ahead, BatchSize, WorkQueue
from lmms_eval_ja.models.decoding import prompt_lengths
from lmms_eval_ja.models.failures import DocumentError, ModelError
from lmms_eval_ja.models.generation import Generated, cut_at_stop
from lmms_eval_ja.models.memory import OUT_OF_MEMORY, free_memory, is_device_lost, is_out_of_memory
from lmms_eval_ja.models.prompt import Prompt
from lmms_eval_ja.models.questions import Question

if TYPE_CHECKING:
    from lmms_eval_ja.models.chat_vlm import ChatVlm

_log = logging.getLogger("lmms_eval_ja")
#: Prompts are kept until they are answered while their images take no more than this; others are rendered again.
KEPT_BYTES = 1 << 30
#: So many documents failing for the model's own reasons, with none answered, mean that the model is at fault.
_FAULTY = 3


class _NotTogether(Exception):  # noqa: N818 (no error, a way to go)
    """These documents have to be tried alone."""

    def __init__(self, questions: Sequence[Question]) -> None:
        super().__init__()
        self.questions = questions


class Answering:
    """Answers questions with one model; knows the batch size that fits, and counts."""

    def __init__(self, vlm: ChatVlm, log: AnswerLog, size: BatchSize, *, seed: int) -> None:
        self._vlm, self._log, self._size, self._seed = vlm, log, size, seed
        self._done: dict[str, LoggedAnswer] = {}
        self._failed: dict[Question, str] = {}
        self._shortened: list[str] = []
        self._succeeded = 0
        self._faults = 0
        self._out_of_memory = 0

    def answer(self, questions: Sequence[Question]) -> list[LoggedAnswer | DocumentError]:
        """Answer questions, or say why not, in their order.

        Equal questions (as lmms-eval pads ranks with) are answered once.

        Raises:
            ModelError: the model cannot answer anything, or the log cannot be written.
        """
        self._failed, self._done, self._shortened, self._faults, self._out_of_memory = {}, {}, [], 0, 0
        self._identify(questions)
        asked = {q.key: q for q in questions if q not in self._failed}
        self._done = {key: found for key in asked if (found := self._log.find(key)) is not None}
        logged = len(self._done)
        pending = [question for key, question in asked.items() if key not in self._done]
        self._succeeded += logged
        self._run(pending)
        failed = {q.key: reason for q, reason in self._failed.items() if q.key}
        self._report(questions, logged)
        self._check_model(len(pending))
        return [
            self._done[q.key] if q.key in self._done else DocumentError(failed.get(q.key) or self._failed[q])
            for q in questions
        ]

    def _identify(self, questions: Sequence[Question]) -> None:
        room = KEPT_BYTES
        for question in questions:
            try:
                prompt = self._vlm.prompt_of(question.raw_messages())
            except ModelError:
                raise
            except Exception as error:  # datasets, Pillow, a task's function and Jinja raise anything
                self._fail(question, _reason(error))
                continue
            question.identify(prompt, self._log.key, self._seed)
            room -= 3 * prompt.pixels
            question.kept = prompt if room >= 0 else None

    def _run(self, pending: Sequence[Question]) -> None:
        queue = WorkQueue(pending)
        bar = tqdm(total=len(pending), disable=self._vlm.rank != 0 or not pending, desc="Answering")
        with bar, Ahead(self._prepare) as ahead:
            while batch := queue.next(self._size.size):
                queue.take(batch)
                try:
                    inputs = ahead.take(batch)
                except _NotTogether as apart:
                    for question in apart.questions:
                        question.alone = True
                    queue.give_back(batch)
                    continue
                except Exception as error:
                    self._faults += not isinstance(error, DocumentError)
                    self._fail(batch[0], _reason(error))
                    bar.update(1)
                    continue
                ahead.start(queue.next(self._size.size))
                again = self._try(batch, inputs)
                queue.give_back(again)
                bar.update(len(batch) - len(again))

    def _prepare(self, batch: Sequence[Question]) -> Mapping[str, Any]:
        prompts = [self._prompt(question) for question in batch]
        try:
            inputs = self._vlm.encode(prompts)
        except Exception as error:
            if len(batch) > 1:
                raise _NotTogether(batch) from error
            raise
        limit, lengths = self._vlm.context_length(), prompt_lengths(inputs, len(batch))
        long = [q for q, n in zip(batch, lengths, strict=True) if limit and n and n > limit]
        if not long or limit is None:
            return inputs
        if len(batch) > 1:
            raise _NotTogether(long)
        inputs = self._vlm.shorten(inputs, limit)
        self._shortened.append(f"{batch[0].name} ({lengths[0]} tokens)")
        return inputs

    def _prompt(self, question: Question) -> Prompt:
        return question.kept or self._vlm.prompt_of(question.raw_messages())

    def _try(self, batch: Sequence[Question], inputs: Mapping[str, Any]) -> Sequence[Question]:
        """Answer a batch; what has to be tried again is returned."""
        try:
            with torch.no_grad():
                answers = self._vlm.generate(
                    self._vlm.to_device(inputs), batch[0].settings, [question.seed for question in batch]
                )
        except Exception as error:
            out_of_memory = is_out_of_memory(error)
            if is_device_lost(error) and not out_of_memory:
                raise ModelError(f"the device failed at {batch[0].name} and its batch: {_reason(error)}") from error
            reason = OUT_OF_MEMORY if out_of_memory else _reason(error)
        else:
            self._keep(batch, inputs, answers)
            return ()
        if out_of_memory:
            free_memory()
            self._size.ran_out(len(batch))
        if len(batch) > 1:
            _log.info("a batch of %d failed (%s) and is tried in smaller ones", len(batch), reason)
            for question in batch:
                question.alone = not out_of_memory
            return batch
        self._out_of_memory += out_of_memory
        self._faults += 1
        self._fail(batch[0], reason)
        return ()

    def _keep(self, batch: Sequence[Question], inputs: Mapping[str, Any], answers: Sequence[Generated]) -> None:
        counts = prompt_lengths(inputs, len(batch))
        finished = [
            LoggedAnswer(
                key=question.key,
                task=question.task,
                doc_id=question.doc_id,
                text=clean_answer(cut_at_stop(answer.text, question.settings.until)).strip(),
                input_tokens=count,
                output_tokens=answer.output_tokens,
            )
            for question, answer, count in zip(batch, answers, counts, strict=True)
        ]
        self._log.append(finished)
        self._done.update((answer.key, answer) for answer in finished)
        self._succeeded += len(finished)
        self._size.fitted(len(batch))
        for question in batch:
            question.kept = None

    def _fail(self, question: Question, reason: str) -> None:
        self._failed[question] = f"{question.name}: {reason}"
        question.kept = None

    def _report(self, questions: Sequence[Question], logged: int) -> None:
        _log.info(
            "rank %d: %d questions; answers: %d new, %d from the answer log; %d failed",
            self._vlm.rank, len(questions), len(self._done) - logged, logged, len(self._failed),
        )  # fmt: skip
        if self._shortened:
            _log.warning("%d prompts were cut to the context: %s", len(self._shortened), ", ".join(self._shortened))
        for reason in self._failed.values():
            _log.warning("no answer for %s", reason)

    def _check_model(self, pending: int) -> None:
        all_failed = pending > 0 and self._faults == pending and not self._succeeded
        if all_failed and (self._out_of_memory == pending or pending >= _FAULTY):
            first = next(iter(self._failed.values()))
            raise ModelError(f"none of {pending} documents could be answered; the first is {first}")


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, DocumentError) else f"{type(error).__name__}: {error}"
