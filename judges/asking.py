"""From a request to its reply: out of the store, from another process that is asking already, or from the judge."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from lmms_eval_ja.clients import ChatClient, ChatError, ChatRequest, Store, StoredReply
from lmms_eval_ja.clients.store import LEASE_S, Claim, Found
from lmms_eval_ja.judges.judge import Judge
from lmms_eval_ja.judges.protocols import Protocol

_log = logging.getLogger(__name__)
#: Pauses between two looks for a reply that another process is asking for.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5


class Asker:
    """Replies of one judge, each asked for once. Use from one event loop."""

    def __init__(self, judge: Judge, store: Store) -> None:
        self.judge = judge
        #: Requests that went out, and replies that came from the store.
        self.asked, self.from_store = 0, 0
        self._store = store
        self._client = ChatClient(judge.settings)
        self._find, self._claim = _Batch(store.find), _Batch(store.claim)
        self._in_flight: dict[str, asyncio.Task[StoredReply]] = {}
        self._asking = 0
        self._renewing: asyncio.Task[None] | None = None
        self._failures_in_row = 0
        self._given_up: ChatError | None = None

    async def reply(self, request: ChatRequest, protocol: Protocol) -> StoredReply:
        """The stored reply, or a new one; equal requests at the same time, of any process, are sent once.

        Raises:
            ChatError: there is no reply, and why.
        """
        key = request.key()
        found = None
        if key not in self._in_flight:
            found = await self._find(key)
            if isinstance(found, StoredReply):
                self.from_store += 1
                return found
        if key not in self._in_flight:
            task = asyncio.get_running_loop().create_task(self._new(key, request, protocol, found))
            self._in_flight[key] = task
            task.add_done_callback(lambda _: self._in_flight.pop(key, None))
        return await asyncio.shield(self._in_flight[key])

    async def close(self) -> None:
        """Stop what is under way and close the connections."""
        tasks: list[asyncio.Task[Any]] = [*self._in_flight.values()]
        if self._renewing is not None:
            tasks.append(self._renewing)
        for task in tasks:
            task.cancel()
        self._find.cancel()
        self._claim.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    async def _new(self, key: str, request: ChatRequest, protocol: Protocol, found: Found | None) -> StoredReply:
        """Claim the request and send it, or wait until somebody else's claim has become a reply."""
        pause = FIRST_PAUSE_S
        while not isinstance(found, StoredReply):
            self._check()
            if found is None:
                found = await self._written(self._claim(key))
                if found is None:
                    return await self._ask_claimed(key, request, protocol)
            if isinstance(found, Claim):
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (spreads the looks)
                pause = min(1.5 * pause, LONGEST_PAUSE_S)
                found = await self._find(key)
        self.from_store += 1
        return found

    async def _ask_claimed(self, key: str, request: ChatRequest, protocol: Protocol) -> StoredReply:
        """Send a request that this store has claimed, and store the reply."""
        self._asking += 1
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._renew())
        try:
            self._check()
            self.asked += 1
            reply = await self._client.ask(request)
        except Exception as error:
            self._store.release(key)
            if isinstance(error, ChatError):
                self._count_failure(error)
            raise
        finally:
            self._asking -= 1
        self._failures_in_row = 0
        new = StoredReply(
            key=key,
            protocol=f"{protocol.name}/{protocol.version}",
            asked_model=request.model,
            model=_storable(reply.model) or "",
            messages=_storable(json.dumps(request.messages, ensure_ascii=False)) or "",
            content=_storable(reply.content),
            finish_reason=_storable(reply.finish_reason),
            refusal=_storable(reply.refusal),
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            seconds=reply.seconds,
            created=time.time(),
        )
        await self._written(asyncio.wrap_future(self._store.put(new)))
        return new

    async def _written(self, writing: asyncio.Future[Any] | Coroutine[Any, Any, Any]) -> Any:
        """Wait for a write; a full disk, or a lock that stays, ends the asking: what is paid for would be lost."""
        try:
            return await writing
        except Exception as error:
            fault = ChatError("transport", f"the store {self._store.path} cannot be written: {error}")
            self._give_up(fault)
            raise fault from error

    async def _renew(self) -> None:
        """Keep the claims alive while there is something to wait for."""
        while self._asking:
            await asyncio.sleep(LEASE_S / 3)
            with suppress(Exception):  # the next write says that the store cannot be written
                await asyncio.wrap_future(self._store.renew())

    def _check(self) -> None:
        if self._given_up is not None:
            raise ChatError(self._given_up.kind, str(self._given_up))

    def _count_failure(self, error: ChatError) -> None:
        """A rejected key, or too many failures in a row, ends the asking for this process."""
        if error.kind == "filter" or self._given_up is not None:
            return
        self._failures_in_row += 1
        if error.kind == "key" or self._failures_in_row >= self.judge.settings.max_failures_in_row:
            self._give_up(error)

    def _give_up(self, error: ChatError) -> None:
        if self._given_up is None:
            self._given_up = ChatError(error.kind, f"not asked: the judge was given up after: {error}")
            _log.error("the judge %s is given up: %s", self.judge.label, error)


class _Batch:
    """One trip to the store's thread for all the keys that came since the last one left."""

    def __init__(self, send: Callable[[Sequence[str]], Future[dict[str, Found]]]) -> None:
        self._send = send
        self._waiting: list[tuple[str, asyncio.Future[Found | None]]] = []
        self._under_way = False
        self._trip: asyncio.Future[dict[str, Found]] | None = None

    def cancel(self) -> None:
        """Wait for nothing more; nobody may be asking still."""
        if self._trip is not None:
            self._trip.cancel()

    async def __call__(self, key: str) -> Found | None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found | None] = loop.create_future()
        self._waiting.append((key, answer))
        if not self._under_way:
            self._under_way = True
            loop.call_soon(self._go)
        return await answer

    def _go(self) -> None:
        if not self._waiting:
            self._under_way = False
            return
        gone, self._waiting = self._waiting, []
        self._trip = asyncio.wrap_future(self._send([key for key, _ in gone]))
        self._trip.add_done_callback(lambda trip: self._arrived(gone, trip))

    def _arrived(
        self, gone: list[tuple[str, asyncio.Future[Found | None]]], trip: asyncio.Future[dict[str, Found]]
    ) -> None:
        if trip.cancelled():
            return
        fault = trip.exception()
        for key, answer in gone:
            if not answer.done():
                if fault is None:
                    answer.set_result(trip.result().get(key))
                else:
                    answer.set_exception(fault)
        self._go()


def _storable(text: str | None) -> str | None:
    """A text that SQLite and JSON files take: lone surrogates, which a broken server may send, become '?'."""
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")
