"""One request to an OpenAI-compatible chat server, with the only retry policy there is."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

from lmms_eval_ja.clients.connection import KEY_STATUS, openai_client
from lmms_eval_ja.clients.images import ChatImage, with_data_urls
from lmms_eval_ja.clients.limiter import Limiter, PausedError
from lmms_eval_ja.clients.settings import JudgeSettings, SettingsError

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

Message = dict[str, Any]
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
FailureKind = Literal["transport", "key", "budget", "filter"]
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
_TOO_MANY_REQUESTS = 429
#: In the error of a request that a content filter stopped: of OpenAI, then of Azure OpenAI.
_FILTER_MARKS = ("content_filter", "content_policy", "ResponsibleAIPolicyViolation")
#: Characters of a server's error that are shown.
SHOWN = 500
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
#: Statuses worth another try: the server is busy, restarting or behind a gateway that is.
RETRY_STATUS = {408, 409, 425, 429, 500, 502, 503, 504, 529}


class ChatError(Exception):
    """A request without a usable reply. `kind` names the failure; the message says what the server said."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class ChatRequest:
    """What is sent, and the numbers that make it this request: `repeat` and `reask` count from 0.

    The messages name images by their hash (`with_images`), so that neither keys nor stores hold megabytes; `images` are
    those that they name, put into their places by `sent_messages`.
    """

    model: str
    messages: list[Message]
    sampling: Mapping[str, Any] = field(default_factory=dict)
    repeat: int = 0
    reask: int = 0
    images: Sequence[ChatImage] = ()

    def sent_messages(self) -> list[Message]:
        """The messages as they are sent, with images as data URLs."""
        return with_data_urls(self.messages, self.images) if self.images else self.messages

    def body(self) -> dict[str, Any]:
        """All fields as they are sent."""
        return {"model": self.model, "messages": self.sent_messages()} | dict(self.sampling)

    def key(self) -> str:
        """SHA-256 (hex) of all that is sent: the address of the reply in the store."""
        content = {
            "messages": self.messages,
            "model": self.model,
            "sampling": dict(self.sampling),
            "repeat": self.repeat,
            "reask": self.reask,
        }
        text = _CANONICAL.encode(content)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class ChatReply:
    """What came back; `model` is as the server reports it, `seconds` the time of the successful try."""

    content: str | None
    finish_reason: str | None
    refusal: str | None
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float


class ChatClient:
    """Asks one judge. Use from one event loop; connections are kept and shared."""

    def __init__(self, settings: JudgeSettings) -> None:
        self.settings = settings
        self.limiter = Limiter(settings.concurrency)
        self._client: AsyncOpenAI | None = None

    async def ask(self, request: ChatRequest) -> ChatReply:
        """Send a request, again after a passing fault, until `deadline_s` is over, which is counted from the first try.

        At most `concurrency` requests are out at a time; fewer after a refusal (HTTP 429), and none while the server
        has asked for a pause (`Retry-After`).

        Raises:
            ChatError: kind "key" (rejected, never retried), "filter" (the provider's content filter),
                "transport" (everything else: no answer before the deadline, or an error that stays).
        """
        end, wait, said = math.inf, FIRST_WAIT_S, ""
        while True:
            end = await self._slot(end, said)
            try:
                reply = await self._ask_once(request, end - time.monotonic())
            except PassingError as error:
                fault = error
            else:
                self.limiter.succeeded()
                return reply
            finally:
                self.limiter.leave()
            self._slow_down(fault)
            if not (said and fault.cut_short):  # by the deadline: what was said before tells more
                said = str(fault)
            pause = max(fault.retry_after or 0.0, wait * random.uniform(0.5, 1.0))  # noqa: S311 (spreads retries)
            if time.monotonic() + pause >= end:
                raise ChatError("transport", f"{said} (gave up after {self.settings.deadline_s:g} s)") from None
            await asyncio.sleep(pause)
            wait = min(2 * wait, LONGEST_WAIT_S)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _slot(self, end: float, said: str) -> float:
        """Wait for a slot; the end of the request, which is set with its first slot. `said` is the last try's fault."""
        left = end - time.monotonic()
        try:
            if left == math.inf:
                await self.limiter.enter(self.settings.deadline_s)
                return time.monotonic() + self.settings.deadline_s
            await asyncio.wait_for(self.limiter.enter(left), left)
        except PausedError as error:
            raise ChatError("transport", f"{error}, which is beyond the deadline") from None
        except asyncio.TimeoutError:
            raise ChatError(
                "transport", f"{said}; no free slot since (gave up after {self.settings.deadline_s:g} s)"
            ) from None
        return end

    def _slow_down(self, fault: PassingError) -> None:
        if fault.refused:
            self.limiter.refused()
        if fault.retry_after is not None:
            self.limiter.pause(fault.retry_after)

    def _heed(self, headers: Mapping[str, str]) -> None:
        """Pause when the server says that the requests of its present window are used up.

        Not for long: providers state when all of the window is free again, and the next refusal says more.
        """
        if headers.get("x-ratelimit-remaining-requests") == "0":
            seconds = _duration(headers.get("x-ratelimit-reset-requests", ""))
            self.limiter.pause(min(seconds, LONGEST_WAIT_S, self.settings.deadline_s / 2))

    async def _ask_once(self, request: ChatRequest, left_s: float) -> ChatReply:
        import openai

        key = self.settings.key()
        if self._client is None:
            try:
                self._client = openai_client(self.settings)
            except SettingsError as error:
                raise ChatError("key", str(error)) from None
        started = time.monotonic()
        limit = max(0.1, min(self.settings.timeout_s, left_s))
        # As `extra_body` the fields go out as they are; otherwise the client looks through the types of each first.
        call = self._client.chat.completions.with_raw_response.create(
            model=request.model, messages=[], timeout=limit, extra_body=request.body()
        )
        try:
            # The client's own limit is for each read: a server that sends a byte now and then would never meet it.
            response = await asyncio.wait_for(call, limit)
            self._heed(response.headers)
            completion = json.loads(response.content)
        except openai.APIStatusError as error:
            raise status_error(error, key) from None
        except (asyncio.TimeoutError, openai.APITimeoutError):
            cut_short = left_s < self.settings.timeout_s
            raise PassingError(f"no whole answer within {limit:.3g} s", cut_short=cut_short) from None
        except openai.APIConnectionError as error:
            raise PassingError(f"{type(error).__name__}: {error.__cause__ or error}") from None
        except UnicodeEncodeError as error:
            raise ChatError("transport", f"the request cannot be sent: {error}") from None
        except (openai.APIError, ValueError, RecursionError) as error:
            raise PassingError(f"unreadable response: {type(error).__name__}: {error}") from None
        return read_completion(completion, request.model, time.monotonic() - started)


class PassingError(Exception):
    """A fault that may be gone at the next try. `cut_short`: the deadline left this try less time than others get."""

    def __init__(
        self, message: str, retry_after: float | None = None, *, refused: bool = False, cut_short: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after, self.refused, self.cut_short = retry_after, refused, cut_short


def is_filtered(text: str) -> bool:
    """Whether a server's error says that a content filter stopped the request."""
    return any(mark in text for mark in _FILTER_MARKS)


def status_error(error: APIStatusError, key: str | None) -> Exception:
    """What an answer that is no success means: a `ChatError`, or a `PassingError`. The key is in neither."""
    status, said = error.status_code, _server_text(error)
    text = (said.replace(key, "***") if key else said)[:SHOWN]
    if status in KEY_STATUS:
        return ChatError("key", f"the server rejects the key (HTTP {status}): {text}")
    if is_filtered(said):
        return ChatError("filter", f"HTTP {status}: {text}")
    if "insufficient_quota" in said:
        return ChatError("key", f"the account has no quota left (HTTP {status}): {text}")
    if status in RETRY_STATUS:
        return PassingError(
            f"HTTP {status}: {text}",
            _retry_after(error.response.headers),
            refused=status == _TOO_MANY_REQUESTS,
        )
    return ChatError("transport", f"HTTP {status}: {text}")


def _server_text(error: APIStatusError) -> str:
    body = error.body if error.body is not None else error.response.text
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that the server asks for, as a number or as a date (counted from the server's own clock)."""
    stated = headers.get("retry-after", "")
    try:
        seconds = float(stated)
    except ValueError:
        until = _date(stated)
        if until is None:
            return None
        seconds = (until - (_date(headers.get("date", "")) or datetime.now(timezone.utc))).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)


def _duration(text: str) -> float:
    """Seconds of a duration as OpenAI writes it (`6m0s`, `20ms`); 0 for anything else."""
    found = _DURATION.fullmatch(text.strip())
    parts = [float(part or 0) for part in found.groups()] if found else []
    return sum(part * unit for part, unit in zip(parts, (86400, 3600, 60, 1, 0.001), strict=False))


def read_completion(completion: Any, asked: str, seconds: float) -> ChatReply:
    """Read a response, in whose fields anything at all may stand.

    Raises:
        ChatError: of kind "filter".
        PassingError: it is no reply.
    """
    choices = _field(completion, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    finish_reason = _field(choice, "finish_reason")
    if finish_reason == "content_filter":
        raise ChatError("filter", "the provider's content filter cut the reply")
    message, usage = _field(choice, "message"), _field(completion, "usage")
    if message is None:
        raise PassingError("the response holds no choices")
    content = _field(message, "content")
    if not isinstance(content, str | None):
        raise PassingError("the content of the response's message is not a text")
    return ChatReply(
        content=content,
        finish_reason=_text(finish_reason),
        refusal=_text(_field(message, "refusal")),
        model=_text(_field(completion, "model")) or asked,
        prompt_tokens=_count(_field(usage, "prompt_tokens")),
        completion_tokens=_count(_field(usage, "completion_tokens")),
        seconds=seconds,
    )


def _field(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**63 else None
