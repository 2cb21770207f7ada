"""A scripted judge: a real OpenAI-compatible HTTP server on loopback whose replies a test decides.

It can refuse a key, answer slowly, with any status or bytes, drop a connection, and die after a number of replies, so
that what a client does then is seen on a real connection.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from support.hub import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from typing_extensions import Self

DEFAULT_MODEL = "scripted-judge-2026-01-01"
CREATED = 1_767_225_600  # 2026-01-01T00:00:00Z
IMAGE_TOKENS = 85
#: Where a resource of Azure OpenAI is asked; the version of the API is never left out there.
_AZURE_CHAT = re.compile(r"/openai/deployments/[^/?]+/chat/completions\?api-version=[^&]+")
_AZURE_MODELS = re.compile(r"/openai/models\?api-version=[^&]+")


@dataclass(frozen=True)
class Reply:
    """What the server answers.

    Attributes:
        content: the message's text; of an answer that is no success, the error's message.
        status: HTTP status; other than 200 gives OpenAI's error JSON unless ``body`` is given.
        headers: more headers, such as Retry-After.
        body: the raw bytes to send instead of the JSON.
        finish_reason: of the one choice.
        delay_s: seconds to wait before answering.
        close: drop the connection without an answer.
        refusal: the message's refusal.
        model: the model named in the answer; the server's if None.
    """

    content: str | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    finish_reason: str = "stop"
    delay_s: float = 0.0
    close: bool = False
    refusal: str | None = None
    model: str | None = None


class JudgeServer:
    """An OpenAI-compatible chat server on loopback; a context manager.

    ``reply`` is called with the parsed body of each chat request, from many threads at once; what it raises becomes a
    status of 500 and an entry of ``errors``.

    Attributes:
        base_url: for the client, ending in /v1.
        azure_url: as which it is a resource of Azure OpenAI, which wants its key in the header api-key.
        requests: the bodies of the chat requests, in order of arrival, answered or not.
        headers: the headers of each, in the same order, with lower-case names.
        calls: (method, path) of every request.
        errors: tracebacks of what ``reply`` raised.
        served: replies of status 200 that were sent whole.
        peak: the most chat requests that were in the server at once.
        model: the model named in the answers.
        require_key: the bearer token without which the answer is 401; None takes any.
        stop_after: after so many successful replies the server is gone, as if killed; None never.
    """

    def __init__(
        self,
        reply: Callable[[dict[str, Any]], str | Reply],
        *,
        port: int = 0,
        model: str = DEFAULT_MODEL,
        require_key: str | None = None,
        stop_after: int | None = None,
    ) -> None:
        self.reply = reply
        self.model = model
        self.require_key = require_key
        self.stop_after = stop_after
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.calls: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self.served = 0
        self.peak = 0
        self._in_flight = 0
        self._tickets = 0
        self._lock = threading.Lock()
        self._server = LoopbackServer(type("Handler", (self._handler(),), {"judge": self}), port)
        self.port = self._server.server_port
        self.azure_url = f"http://127.0.0.1:{self.port}"
        self.base_url = f"{self.azure_url}/v1"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether the server still answers."""
        return not self._server.stopping.is_set()

    def close(self) -> None:
        """Stop: refuse new connections, cut the open ones, free the port."""
        self._server.stop()

    def _handler(self) -> type[JudgeHandler]:
        return JudgeHandler

    def _enter(self, body: dict[str, Any], headers: Mapping[str, str]) -> None:
        with self._lock:
            self.requests.append(body)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            self._in_flight += 1
            self.peak = max(self.peak, self._in_flight)

    def _leave(self) -> None:
        with self._lock:
            self._in_flight -= 1

    def _ticket(self) -> bool:
        """Whether one more success may be sent: of concurrent requests no more than ``stop_after`` get theirs."""
        with self._lock:
            if self.stop_after is not None and self._tickets >= self.stop_after:
                return False
            self._tickets += 1
            return True

    def _sent(self) -> bool:
        """Count a success; whether it was the last one."""
        with self._lock:
            self.served += 1
            return self.served == self.stop_after

    def _decide(self, body: dict[str, Any]) -> Reply:
        try:
            reply = self.reply(body)
        except Exception:
            trace = traceback.format_exc()
            with self._lock:
                self.errors.append(trace)
            return Reply(f"the scripted reply raised:\n{trace}", status=500)
        return Reply(reply) if isinstance(reply, str) else reply

    def _completion(self, body: dict[str, Any], reply: Reply) -> bytes:
        prompt, completion = prompt_length(body), len(reply.content or "")
        message = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
        return _dump(
            {
                "id": f"chatcmpl-{self._tickets:06d}",
                "object": "chat.completion",
                "created": CREATED,
                "model": reply.model or self.model,
                "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}],
                "usage": {
                    "prompt_tokens": prompt,
                    "completion_tokens": completion,
                    "total_tokens": prompt + completion,
                },
            }
        )


class JudgeHandler(LoopbackHandler):
    """Answers one request. ``judge`` is set by ``JudgeServer``."""

    judge: JudgeServer

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        self.judge.calls.append((self.command, self.path))
        if self._authorised():
            if self.path == "/v1/models" or _AZURE_MODELS.fullmatch(self.path):
                model = {"id": self.judge.model, "object": "model", "created": CREATED, "owned_by": "tests"}
                self.answer(200, _dump({"object": "list", "data": [model]}))
            else:
                self._fail(404, f"no such path: {self.path}", "not_found")

    def do_POST(self) -> None:  # noqa: N802 (http.server's name)
        self.judge.calls.append((self.command, self.path))
        payload = self.body()
        try:
            body = json.loads(payload)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._fail(400, "the body is not a JSON object", "invalid_json")
            return
        if self.path != "/v1/chat/completions" and not _AZURE_CHAT.fullmatch(self.path):
            self._fail(404, f"no such path: {self.path}", "not_found")
            return
        self.judge._enter(body, dict(self.headers))
        try:
            if self._authorised():
                self._chat(body)
        finally:
            self.judge._leave()

    def _authorised(self) -> bool:
        key = self.judge.require_key
        given = self.headers.get("api-key" if self.path.startswith("/openai/") else "Authorization")
        if key is None or given == (key if self.path.startswith("/openai/") else f"Bearer {key}"):
            return True
        self._fail(401, "Incorrect API key provided.", "invalid_api_key")
        return False

    def _chat(self, body: dict[str, Any]) -> None:
        reply = self.judge._decide(body)
        stopping = self.judge._server.stopping
        if stopping.wait(reply.delay_s) or reply.close:
            self.close_connection = True
            return
        if reply.status != 200:
            headers = dict(reply.headers)
            if reply.body is not None:
                self.answer(reply.status, reply.body, headers)
            else:
                self._fail(reply.status, reply.content or f"scripted status {reply.status}", "scripted", headers)
            return
        if not self.judge._ticket():
            self.close_connection = True
            return
        self.answer(
            200, reply.body if reply.body is not None else self.judge._completion(body, reply), dict(reply.headers)
        )
        if self.judge._sent():
            self.close_connection = True
            self.judge.close()

    def _fail(self, status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> None:
        kind = "invalid_request_error" if status < 500 else "server_error"
        error = {"message": message, "type": kind, "param": None, "code": code}
        self.answer(status, _dump({"error": error}), headers)


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def content_text(content: Any) -> str:
    """The text of a message's content: a string, or a list of parts (those of type text, joined by line breaks)."""
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def user_text(body: Mapping[str, Any]) -> str:
    """The text of the last user message of a chat request."""
    return next((content_text(m["content"]) for m in reversed(body["messages"]) if m["role"] == "user"), "")


def prompt_length(body: Mapping[str, Any]) -> int:
    """The prompt's length as ``usage`` reports it: one token per character, 85 per image."""
    length = 0
    for message in body.get("messages", []):
        content = message.get("content")
        length += len(content_text(content))
        if isinstance(content, list):
            length += IMAGE_TOKENS * sum(part.get("type") == "image_url" for part in content)
    return length


def scripted_scores(body: Mapping[str, Any], tail: int | None = None) -> tuple[int, int]:
    """Two scores of 1 to 10 (reference, model) that follow from the request alone.

    They are 1 plus the first two bytes, each modulo 10, of the sha256 of the last user message's text in UTF-8; of its
    last ``tail`` characters if given. (The last 400 characters of Heron-Bench's prompt are the rule and the same in
    every request: the whole text is the default, so that the scores differ from question to question.)
    """
    text = user_text(body)
    digest = hashlib.sha256((text if tail is None else text[-tail:]).encode()).digest()
    return digest[0] % 10 + 1, digest[1] % 10 + 1


def heron_reply(body: Mapping[str, Any]) -> str:
    """A reply in Heron-Bench's form with the ``scripted_scores``: "r m" and a reason on the next line."""
    reference, model = scripted_scores(body)
    return f"{reference} {model}\n台本どおりの採点です。"
