"""From a request to its reply: out of the store, from another process that is asking already, or from the server."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol

from lmms_eval_ja.clients.budget import Budget
from lmms_eval_ja.clients.chat import ChatError, ChatReply, ChatRequest
from lmms_eval_ja.clients.ledger import Ledger
from lmms_eval_ja.clients.settings import JudgeSettings
from lmms_eval_ja.clients.store import LEASE_S, Claim, Found, InBatch, Store, StoredReply, messages_text

_log = logging.getLogger(__name__)
#: Pauses between two looks for a reply that another process is asking for.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5


class Client(Protocol):
    """What carries requests: a `ChatClient`, or a model in this process."""

    async def ask(self, request: ChatRequest) -> ChatReply:
        """Send a request; a `ChatError` where there is no reply."""

    async def close(self) -> None:
        """Close the connections."""


class Asker:
    """Replies of one model, each asked for once. Use from one event loop."""

    def __init__(
        self, name: str, client: Client, settings: JudgeSettings, store: Store, budget: Budget | None = None
    ) -> None:
        """Ask through a client.

        Args:
            name: who is asked, for messages, such as "the judge gpt-5.1".
            client: carries the requests; closed with this.
            settings: of who is asked: whether anybody is (`mode`), and `max_failures_in_row`.
            store: where replies are looked up and kept.
            budget: what may be spent.
        """
        #: Keys of the requests that went out, and how many replies came from the store.
        self.asked: set[str] = set()
        self.from_store = 0
        #: Why nobody is asked any more: a rejected key, or too many failures in a row.
        self.given_up: ChatError | None = None
        self._name, self._client, self._settings, self._store = name, client, settings, store
        self._budget = budget or Budget(None)
        self._find, self._claim = _Batch(store.find), _Batch(store.claim)
        self._in_flight: dict[str, asyncio.Task[StoredReply]] = {}
        self._asking = 0
        self._renewing: asyncio.Task[None] | None = None
        self._failures_in_row = 0

    async def ask(self, request: ChatRequest, label: str, key: str | None = None) -> StoredReply:
        """The stored reply, or a new one; equal requests at the same time, of any process, are sent once.

        Args:
            request: what is asked.
            label: stored with a new reply as its `protocol`: what it was asked for.
            key: under which the reply is stored, `request.key()` by default.

        Raises:
            ChatError: there is no reply, and why.
        """
        key = key or request.key()
        found = None
        if key not in self._in_flight:
            found = await self._find(key)
            if isinstance(found, StoredReply):
                self.from_store += 1
                return found
        if key not in self._in_flight:
            task = asyncio.get_running_loop().create_task(self._new(key, request, label, found))
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

    async def _new(self, key: str, request: ChatRequest, label: str, found: Found | None) -> StoredReply:
        """Claim the request and send it, or wait until somebody else's claim has become a reply."""
        pause = FIRST_PAUSE_S
        while not isinstance(found, StoredReply):
            self._check()
            if (mode := self._settings.mode) != "live":
                absent = f"not in the store {self._store.path}; nobody is asked (mode {mode!r})"
                raise Ledger(self._store).failures([key]).get(key) or ChatError("transport", absent)
            if isinstance(found, InBatch):
                raise ChatError(
                    "transport",
                    f"asked for in the batch {found.batch}, which is still open: collect it (`lmms-eval-ja judge "
                    f"RESULTS_DIR --batch`) or cancel it (`lmms-eval-ja verdicts batches cancel {found.batch}`)",
                )
            if found is None:
                found = await self._written(self._claim(key))
                if found is None:
                    return await self._ask_claimed(key, request, label)
            if isinstance(found, Claim):
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (spreads the looks)
                pause = min(1.5 * pause, LONGEST_PAUSE_S)
                found = await self._find(key)
        self.from_store += 1
        return found

    async def _ask_claimed(self, key: str, request: ChatRequest, label: str) -> StoredReply:
        """Send a request that this store has claimed, and store the reply."""
        self._asking += 1
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._renew())
        try:
            async with self._budget.place_for(request, self._settings) as bill:
                self._check()
                self.asked.add(key)
                bill.reply = reply = await self._client.ask(request)
        except Exception as error:
            self._store.release(key)
            if isinstance(error, ChatError):
                self._count_failure(error)
            raise
        finally:
            self._asking -= 1
        self._failures_in_row = 0
        new = StoredReply.of(reply, key=key, protocol=label, asked_model=request.model, messages=messages_text(request))
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
        if self.given_up is not None:
            raise ChatError(self.given_up.kind, f"not asked: {self._name} was given up after: {self.given_up}")

    def _count_failure(self, error: ChatError) -> None:
        """A rejected key, or too many failures in a row, ends the asking for this process."""
        if error.kind == "filter" or self.given_up is not None:
            return
        self._failures_in_row += 1
        if error.kind in {"key", "budget"} or self._failures_in_row >= self._settings.max_failures_in_row:
            self._give_up(error)

    def _give_up(self, error: ChatError) -> None:
        if self.given_up is None:
            self.given_up = error
            _log.error("%s is given up: %s", self._name, error)


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
