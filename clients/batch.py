"""OpenAI's Batch API: a file of requests goes up, a batch works on it within a day, files of results come down.

Azure OpenAI has the same. Field names and states: https://platform.openai.com/docs/api-reference/batch
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lmms_eval_ja.clients import chat
from lmms_eval_ja.clients.chat import ChatError, ChatReply, ChatRequest, PassingError, read_completion, status_error
from lmms_eval_ja.clients.connection import openai_client
from lmms_eval_ja.clients.settings import JudgeSettings, SettingsError

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import Batch

#: What one file may hold.
MOST_LINES, MOST_BYTES = 50_000, 200_000_000
#: A batch may still come into being for so long after a request for it whose answer never came.
SETTLING_S = 10.0
#: Longest time of one upload or download.
_TRANSFER_S = 1800.0
_MARK = "lmms_eval_ja"
_ENDED = {"completed", "failed", "expired", "cancelled"}
_T = TypeVar("_T")
Result = ChatReply | ChatError


@dataclass(frozen=True)
class BatchStatus:
    """A batch as the provider reports it; counts are of requests, `reason` says why it failed as a whole."""

    id: str
    state: str
    total: int
    done: int
    files: tuple[str, ...]
    reason: str | None

    @property
    def has_ended(self) -> bool:
        """Whether all results are there that will ever be."""
        return self.state in _ENDED


class BatchClient:
    """The Batch API of one judge. Use from one event loop."""

    def __init__(self, settings: JudgeSettings) -> None:
        self.settings = settings
        self._endpoint = "/chat/completions" if settings.provider == "azure" else "/v1/chat/completions"
        self._client: AsyncOpenAI | None = None

    def line(self, request: ChatRequest, key: str) -> bytes:
        """A request as a line of the file that goes up: the same body as over a connection."""
        line = {"custom_id": key, "method": "POST", "url": self._endpoint, "body": request.body()}
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"

    async def upload(self, lines: bytes, name: str) -> str:
        """Upload a file of lines; its id.

        Raises:
            ChatError: of kind "key", or "transport".
        """

        async def call(client: AsyncOpenAI) -> str:
            file = await client.files.create(file=(f"{name}.jsonl", lines), purpose="batch", timeout=self._timeout_s)
            while file.status not in {"uploaded", "processed"}:  # Azure OpenAI looks through it first
                if file.status == "error":
                    raise ChatError("transport", f"the file {file.id} was refused: {file.status_details}")
                await asyncio.sleep(1)
                file = await client.files.retrieve(file.id, timeout=self._timeout_s)
            return file.id

        return await self._asked(call, _TRANSFER_S)

    async def create(self, file_id: str, mark: str) -> BatchStatus:
        """Create a batch out of an uploaded file, with a mark by which it can be found; never a second one.

        Raises:
            ChatError: see `upload`.
        """

        async def call(client: AsyncOpenAI) -> BatchStatus:
            made = await client.batches.create(
                input_file_id=file_id,
                endpoint=self._endpoint,  # type: ignore[arg-type]
                completion_window="24h",
                metadata={_MARK: mark},
                timeout=self._timeout_s,
            )
            return _status(made)

        return await self._asked(call, instead=lambda: self.find(mark))

    async def find(self, mark: str) -> BatchStatus | None:
        """The batch with a mark, which may have been created although nobody heard of it; waits until that is sure.

        Raises:
            ChatError: see `upload`.
        """
        await asyncio.sleep(SETTLING_S)

        async def call(client: AsyncOpenAI) -> BatchStatus | None:
            async for batch in client.batches.list(limit=100, timeout=self._timeout_s):
                if (batch.metadata or {}).get(_MARK) == mark:
                    return _status(batch)
            return None

        return await self._asked(call)

    async def status(self, id_: str) -> BatchStatus | None:
        """How far a batch is; None when the key's account has none of this id.

        Raises:
            ChatError: see `upload`.
        """
        import openai

        async def call(client: AsyncOpenAI) -> BatchStatus | None:
            try:
                return _status(await client.batches.retrieve(id_, timeout=self._timeout_s))
            except openai.NotFoundError:
                return None

        return await self._asked(call)

    async def cancel(self, id_: str) -> BatchStatus:
        """Stop a batch: what is done stays, and is paid.

        Raises:
            ChatError: see `upload`.
        """

        async def call(client: AsyncOpenAI) -> BatchStatus:
            return _status(await client.batches.cancel(id_, timeout=self._timeout_s))

        return await self._asked(call)

    async def results(self, status: BatchStatus, model: str) -> dict[str, Result]:
        """What came of the requests of a batch, by key; one of which there is no line is absent.

        Args:
            status: of a batch that has ended.
            model: the one asked for, where a reply names none.

        Raises:
            ChatError: see `upload`.
        """
        found: dict[str, Result] = {}
        for file_id in status.files:

            async def call(client: AsyncOpenAI, file_id: str = file_id) -> bytes:
                return (await client.files.content(file_id, timeout=self._timeout_s)).content

            content = await self._asked(call, _TRANSFER_S)
            for key, result in _results(content, model, self.settings.key()):
                if not isinstance(found.get(key), ChatReply):
                    found[key] = result
        return found

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    @property
    def _timeout_s(self) -> float:
        return self.settings.timeout_s

    async def _asked(
        self,
        call: Callable[[AsyncOpenAI], Awaitable[_T]],
        limit_s: float | None = None,
        *,
        instead: Callable[[], Awaitable[_T | None]] | None = None,
    ) -> _T:
        """Do a call, again after a passing fault, until `deadline_s` is over.

        `instead` gives the result without another call, where the failed one may have had its effect.
        """
        end, wait = time.monotonic() + self.settings.deadline_s, chat.FIRST_WAIT_S
        while True:
            try:
                return await self._once(call, limit_s or self._timeout_s)
            except PassingError as error:
                fault = error
            pause = max(fault.retry_after or 0.0, wait * random.uniform(0.5, 1.0))  # noqa: S311 (spreads retries)
            if time.monotonic() + pause >= end:
                raise ChatError("transport", f"{fault} (gave up after {self.settings.deadline_s:g} s)") from None
            await asyncio.sleep(pause)
            if instead is not None and not fault.refused and (found := await instead()) is not None:
                return found
            wait = min(2 * wait, chat.LONGEST_WAIT_S)

    async def _once(self, call: Callable[[AsyncOpenAI], Awaitable[_T]], limit_s: float) -> _T:
        import openai

        try:
            if self._client is None:
                self._client = openai_client(self.settings)
            return await asyncio.wait_for(call(self._client), limit_s)
        except SettingsError as error:
            raise ChatError("key", str(error)) from None
        except openai.APIStatusError as error:
            raise status_error(error, self.settings.key()) from None
        except openai.APIConnectionError as error:
            raise PassingError(f"{type(error).__name__}: {error.__cause__ or error}") from None
        except asyncio.TimeoutError:
            raise PassingError(f"no whole answer within {limit_s:.3g} s") from None
        except (openai.APIError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise PassingError(f"unreadable response: {type(error).__name__}: {error}") from None


def _status(batch: Batch) -> BatchStatus:
    counts = batch.request_counts
    faults = (batch.errors.data or []) if batch.errors else []
    return BatchStatus(
        id=batch.id,
        state=batch.status,
        total=counts.total if counts else 0,
        done=counts.completed + counts.failed if counts else 0,
        files=tuple(file for file in (batch.output_file_id, batch.error_file_id) if file),
        reason="; ".join(fault.message or fault.code or "" for fault in faults[:3]) or None,
    )


def _results(content: bytes, model: str, key: str | None) -> Iterator[tuple[str, Result]]:
    """The lines of a file of results; one that cannot be read is as good as absent."""
    for text in content.splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict) and isinstance(id_ := line.get("custom_id"), str):
            yield id_, _result(line, model, key)


def _result(line: dict[str, Any], model: str, key: str | None) -> Result:
    response = line.get("response")
    status, body = (response.get("status_code"), response.get("body")) if isinstance(response, dict) else (None, None)
    if status == 200:  # noqa: PLR2004 (HTTP's word for success)
        try:
            return read_completion(body, model, 0.0)
        except PassingError as error:
            return ChatError("transport", str(error))
        except ChatError as error:
            return error
    fault = line.get("error") or body
    text = fault if isinstance(fault, str) else json.dumps(fault, ensure_ascii=False)
    shown = (text.replace(key, "***") if key else text)[: chat.SHOWN]
    reason = f"HTTP {status}: {shown}" if status else shown
    return ChatError("filter" if chat.is_filtered(text) else "transport", reason)
