"""A judge in this process, for nodes without a server: requests that wait together are answered as one batch."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Protocol, TypeVar

from lmms_eval_ja.clients import ChatError, ChatReply, ChatRequest, JudgeSettings
from lmms_eval_ja.judges.local_model import LocalModel, ModelError, TooLargeError, free_memory, is_sampled

#: How long a batch that is not full waits for more requests.
GATHER_S = 0.02
_CLOSED = "not judged: the judge was closed before"
_TOO_LARGE = (
    "not enough memory for a single request: state a smaller dtype (bfloat16), fewer max_tokens, or more devices "
    '(device_map = "auto") for the judge; with a model under test in the same memory, generate first with '
    "--predict_only and judge later ({fault})"
)
_T = TypeVar("_T")
_Waiting = tuple[ChatRequest, "asyncio.Future[ChatReply]"]


class _Model(Protocol):
    def replies(self, requests: Sequence[ChatRequest]) -> list[ChatReply]:
        """The replies to requests of one kind."""


class InProcessClient:
    """Asks a checkpoint in this process, as `ChatClient` asks a server. Use from one event loop.

    The checkpoint is loaded with the first request and works beside the event loop, one batch at a time; `batch_size`
    requests make a batch, fewer after memory was too small for them.
    """

    def __init__(
        self, settings: JudgeSettings, load: Callable[[JudgeSettings, threading.Event], _Model] = LocalModel
    ) -> None:
        self.settings = settings
        self._load = load
        self._most = settings.batch_size
        self._waiting: deque[_Waiting] = deque()
        self._model: _Model | None = None
        self._unusable: str | None = None
        self._stop = threading.Event()
        self._running: asyncio.Task[None] | None = None

    async def ask(self, request: ChatRequest) -> ChatReply:
        """Wait for the reply to a request.

        Raises:
            ChatError: of kind "transport": the checkpoint cannot be loaded or cannot take the request, or memory is
                too small.
        """
        if self._stop.is_set():
            raise ChatError("transport", _CLOSED)
        answer: asyncio.Future[ChatReply] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._run())
        return await answer

    async def close(self) -> None:
        """Stop what is under way, at its next token, and free the memory."""
        self._stop.set()
        for _, answer in self._waiting:
            answer.cancel()
        self._waiting.clear()
        if self._running is not None:
            await asyncio.wait({self._running})
        if self._model is not None:
            self._model = None
            await asyncio.wrap_future(_in_thread(free_memory))

    async def _run(self) -> None:
        while self._waiting:
            if len(self._waiting) < self._most:
                await asyncio.sleep(GATHER_S)
            if not (batch := self._next()):
                continue
            requests = [request for request, _ in batch]
            try:
                replies = await asyncio.wrap_future(_in_thread(partial(self._replies, requests)))
            except Exception as error:  # nobody may wait for ever
                replies = [ChatError("transport", f"{type(error).__name__}: {error}") for _ in batch]
            for (_, answer), reply in zip(batch, replies, strict=True):
                if answer.done():
                    continue
                if isinstance(reply, ChatError):
                    answer.set_exception(reply)
                else:
                    answer.set_result(reply)

    def _next(self) -> list[_Waiting]:
        """The first that waits, and others of its kind; what nobody waits for any more is dropped."""
        waiting = [one for one in self._waiting if not one[1].done()]
        batch = [one for one in waiting if _kind(one[0]) == _kind(waiting[0][0])][: self._most]
        if batch and is_sampled(batch[0][0]):
            batch = batch[:1]
        taken = {id(one) for one in batch}
        self._waiting = deque(one for one in waiting if id(one) not in taken)
        return batch

    def _replies(self, requests: Sequence[ChatRequest]) -> list[ChatReply | ChatError]:
        """In a thread: a reply or a failure for each."""
        if self._model is None and self._unusable is None:
            try:
                self._model = self._load(self.settings, self._stop)
            except Exception as error:  # the next try would take as long and end as this one
                self._unusable = str(error) if isinstance(error, ModelError) else f"{type(error).__name__}: {error}"
        if self._model is None:
            return [ChatError("transport", str(self._unusable)) for _ in requests]
        return self._tried(self._model, requests)

    def _tried(self, model: _Model, requests: Sequence[ChatRequest]) -> list[ChatReply | ChatError]:
        """Replies; after a fault those of each half, so that a request fails for its own faults only."""
        try:
            return [*model.replies(requests)]
        except TooLargeError as error:
            reason = _TOO_LARGE.format(fault=error)
            self._most = max(1, min(self._most, len(requests) // 2))
        except ModelError as error:
            reason = str(error)
        except Exception as error:
            reason = f"the judge {self.settings.model} failed: {type(error).__name__}: {error}"
        if len(requests) == 1 or self._stop.is_set():
            return [ChatError("transport", reason) for _ in requests]
        middle = len(requests) // 2
        return self._tried(model, requests[:middle]) + self._tried(model, requests[middle:])


def _in_thread(work: Callable[[], _T]) -> Future[_T]:
    """Do something in a thread that the end of the process does not wait for: a reply may take minutes."""
    done: Future[_T] = Future()
    done.set_running_or_notify_cancel()  # from now on nobody can cancel it

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # whoever waits for it is told
            done.set_exception(error)

    threading.Thread(target=run, name="lmms-eval-ja-judge-model", daemon=True).start()
    return done


def _kind(request: ChatRequest) -> str:
    """What the requests of a batch have in common."""
    return json.dumps([dict(request.sampling), bool(request.images)], sort_keys=True)
