"""Answers from a server: each out of the store or asked for once, all in flight together, a failure by its name."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tqdm import tqdm

from lmms_eval_ja.clients import ChatClient, ChatError, ChatRequest, Store
from lmms_eval_ja.clients.asking import Asker
from lmms_eval_ja.clients.budget import Budget
from lmms_eval_ja.clients.settings import without_userinfo
from lmms_eval_ja.models.answer_log import LoggedAnswer
from lmms_eval_ja.models.api_messages import answer_text, chat_request
from lmms_eval_ja.models.api_settings import STORE_VARIABLE, ApiSettings
from lmms_eval_ja.models.api_tally import Tally
from lmms_eval_ja.models.failures import DocumentError, ModelError
from lmms_eval_ja.models.questions import Question

_log = logging.getLogger("lmms_eval_ja")
#: Questions that are made ready while all slots are taken, and failures that are listed in the log.
_AHEAD, _LISTED = 4, 5
_FAILURES = {"transport": "no reply", "filter": "the provider's content filter", "budget": "budget", "key": "key"}

Answered = LoggedAnswer | DocumentError
_T = TypeVar("_T")


class ApiAnswers:
    """Answers questions with one model behind an address."""

    def __init__(self, settings: ApiSettings, rank: int = 0) -> None:
        self._settings, self._rank = settings, rank
        self._spent_usd = 0.0
        self._has_answered = False

    def answer(self, questions: Sequence[Question]) -> list[Answered]:
        """Answer questions, or say why not, in their order. Equal questions are asked once.

        Raises:
            ModelError: the server rejects the key, or answers nothing; the store cannot be used.
        """
        if not questions:
            return []
        limit = self._settings.budget_usd
        budget = Budget(None if limit is None else limit - self._spent_usd, "budget_usd in --model_args")
        store = _opened(self._settings)
        try:
            answers, given_up = _run(_Round(self._settings, questions, store, budget).answers(self._rank))
        finally:
            store.close()
            self._spent_usd += budget.spent_usd
        self._has_answered |= any(isinstance(one, LoggedAnswer) for one in answers)
        if given_up is not None:
            self._stop_if_useless(given_up, len(answers))
        return answers

    def _stop_if_useless(self, given_up: ChatError, asked: int) -> None:
        server = self._settings.server
        where = f"ja_api: {server.model} at {without_userinfo(server.base_url)}"
        if given_up.kind == "transport" and not self._has_answered:
            raise ModelError(f"{where} answered none of {asked} documents: {given_up}")
        if given_up.kind != "key":
            return
        if server.key_variable is None:
            raise ModelError(f"{where} wants a key: name its variable in api_key_env=VARIABLE ({given_up})")
        if server.key() is None:
            raise ModelError(f"{where} wants a key: set {server.key_variable} ({given_up})")
        raise ModelError(f"{where} does not take the key in {server.key_variable}: {given_up}")


class _Round:
    """Questions that are answered together."""

    def __init__(self, settings: ApiSettings, questions: Sequence[Question], store: Store, budget: Budget) -> None:
        self._settings, self._questions = settings, questions
        server = settings.server
        self._asker = Asker(f"the model {server.model}", ChatClient(server), server, store, budget)
        self._source = store.path
        self._answers: dict[int, Answered] = {}
        self._tally = Tally(server)
        self._slots = asyncio.Semaphore(server.concurrency)
        self._one_at_a_time = threading.Lock()

    async def answers(self, rank: int) -> tuple[list[Answered], ChatError | None]:
        """All of them, in the order of the questions, and why the server was given up, if it was."""
        server, waiting = self._settings.server, iter(enumerate(self._questions))
        bar: tqdm[Any] = tqdm(total=len(self._questions), desc=f"Asking {server.model}", disable=rank != 0)
        try:
            with bar:
                workers = min(server.concurrency + _AHEAD, len(self._questions))
                await asyncio.gather(*(self._work(waiting, bar) for _ in range(workers)))
        finally:
            await self._asker.close()
            self._report(rank)
        return [self._answers[n] for n in range(len(self._questions))], self._asker.given_up

    async def _work(self, waiting: Iterator[tuple[int, Question]], bar: tqdm[Any]) -> None:
        for number, question in waiting:
            try:
                self._answers[number] = await self._answer(question)
            except DocumentError as error:
                self._answers[number] = DocumentError(f"{question.name}: {error}")
                self._tally.failed += 1
            bar.set_postfix_str(f"{self._tally.failed} failed, {self._tally.cost}", refresh=False)
            bar.update()

    async def _answer(self, question: Question) -> LoggedAnswer:
        try:
            request = await asyncio.to_thread(self._request, question)
            async with self._slots:
                reply = await self._asker.ask(request, f"answers/{question.task}", self._key(request))
        except DocumentError:
            raise
        except ChatError as error:
            raise DocumentError(f"{_FAILURES[error.kind]}: {error}") from None
        except Exception as error:  # datasets, Pillow, a task's function and SQLite raise anything
            raise DocumentError(f"{type(error).__name__}: {error}") from error
        self._tally.count(reply, is_new=reply.key in self._asker.asked)
        text = answer_text(reply, question.settings.until)
        return LoggedAnswer(
            reply.key, question.task, question.doc_id, text, reply.prompt_tokens, reply.completion_tokens
        )

    def _request(self, question: Question) -> ChatRequest:
        with self._one_at_a_time:  # a task's functions and its data were not made for several threads
            raw = question.raw_messages()
        return chat_request(raw, question.settings, self._settings, question.repeat)

    def _key(self, request: ChatRequest) -> str:
        revision = self._settings.revision
        return request.key() if revision is None else hashlib.sha256(f"{request.key()} {revision}".encode()).hexdigest()

    def _report(self, rank: int) -> None:
        _log.info(
            "rank %d: %d questions; answers: %d new, %d from %s; %s",
            rank, len(self._questions), self._tally.new, self._asker.from_store, self._source, self._tally,
        )  # fmt: skip
        failures = [one for _, one in sorted(self._answers.items()) if isinstance(one, DocumentError)]
        for failure in failures[:_LISTED]:
            _log.warning("no answer for %s", failure)
        if len(failures) > _LISTED:
            _log.warning("… and for %d more", len(failures) - _LISTED)


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run to the end, also where an event loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


def _opened(settings: ApiSettings) -> Store:
    try:
        store = Store(settings.store)
    except (OSError, ValueError) as error:
        raise ModelError(f"ja_api: {error}; store=FILE or {STORE_VARIABLE} names another file") from None
    if store.set_aside:
        _log.warning("the store %s was damaged; it is kept as %s and a new one begun", store.path, store.set_aside)
    return store
