"""A scripted judge that has OpenAI's Batch API as well: files, batches with their states, files of results.

The same ``reply`` decides what comes of a line as of a request over a connection: one that is no success goes into the
file of errors, and one that is dropped (``close``) counts as not executed when the batch expires.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.judge_server import CREATED, JudgeHandler, JudgeServer, Reply

_PREFIX = re.compile(r"/(?:v1|openai)/(files|batches)(?:/([^/]+))?(?:/(content|cancel))?")
#: Of a finished batch the states before it, one for each look.
STATES = ("validating", "in_progress")


@dataclass
class ServerBatch:
    """A batch in the server; ``states`` are those still to come, one for each look."""

    id: str
    input_file_id: str
    endpoint: str
    metadata: dict[str, str]
    lines: list[dict[str, Any]]
    states: list[str]
    state: str = "validating"
    errors: list[dict[str, Any]] = field(default_factory=list)
    output_file_id: str | None = None
    error_file_id: str | None = None
    completed: int = 0
    failed: int = 0


class BatchServer(JudgeServer):
    """An OpenAI-compatible server on loopback with a Batch API; a context manager.

    Attributes:
        files: contents by id.
        batches: in the order of their creation, by id.
        end: the state in which a batch ends, given how many there were before it.
        states: what a new batch goes through before that.
        most_lines: a batch of a longer file fails as a whole; None takes any.
        page: batches that one page of their list holds.
        on: called with "files", "batches", "list", "look", "content" or "cancel" and whether its effect is there
            (before answering); what it returns, if anything, is answered instead.
    """

    def __init__(
        self,
        reply: Callable[[dict[str, Any]], str | Reply],
        *,
        end: Callable[[int], str] = lambda _: "completed",
        states: Sequence[str] = STATES,
        most_lines: int | None = None,
        on: Callable[[str, bool], Reply | None] = lambda _step, _done: None,
        **more: Any,
    ) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, ServerBatch] = {}
        self.end, self.states, self.most_lines, self.on = end, tuple(states), most_lines, on
        self.page = 100
        self.batch_lock = threading.RLock()
        super().__init__(reply, **more)

    @property
    def keys(self) -> list[str]:
        """The custom ids of all lines of all batches."""
        return [line["custom_id"] for batch in self.batches.values() for line in batch.lines]

    def _handler(self) -> type[JudgeHandler]:
        return _BatchHandler

    def upload(self, content: bytes) -> str:
        """Keep a file; its id."""
        id_ = f"file-{len(self.files):04d}"
        self.files[id_] = content
        return id_

    def create(self, wish: dict[str, Any]) -> ServerBatch:
        """Make a batch of an uploaded file."""
        number = len(self.batches)
        lines = [json.loads(line) for line in self.files[wish["input_file_id"]].splitlines()]
        batch = ServerBatch(
            f"batch_{number:04d}",
            wish["input_file_id"],
            wish["endpoint"],
            wish.get("metadata") or {},
            lines,
            [*self.states, self.end(number)],
        )
        wrong = [n for n, line in enumerate(lines, 1) if line["url"] != batch.endpoint or line["method"] != "POST"]
        if self.most_lines is not None and len(lines) > self.most_lines:
            batch.errors = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached.", "line": None}]
        elif wrong or len({line["custom_id"] for line in lines}) < len(lines):
            batch.errors = [{"code": "invalid_json_line", "message": "A line is wrong.", "line": (wrong or [0])[0]}]
        if batch.errors:
            batch.states = ["failed"]
        self.batches[batch.id] = batch
        return batch

    def look(self, batch: ServerBatch) -> None:
        """Move a batch one state on; at its end its results are written."""
        if not batch.states:
            return
        batch.state = batch.states.pop(0)
        if batch.state in {"completed", "expired", "cancelled"}:
            self._finish(batch)

    def cancel(self, batch: ServerBatch) -> None:
        """Stop a batch: what is in the first half of its lines has been done."""
        if batch.states:
            batch.state, batch.states = "cancelling", ["cancelled"]

    def _finish(self, batch: ServerBatch) -> None:
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        half = (len(batch.lines) + 1) // 2
        for line in batch.lines if batch.state != "cancelled" else batch.lines[:half]:
            reply = self._decide(line["body"])
            common = {"id": f"batch_req_{len(done) + len(failed)}", "custom_id": line["custom_id"]}
            if reply.close:
                error = {"code": "batch_expired", "message": "This request could not be executed in time."}
                failed.append(common | {"response": None, "error": error})
            elif reply.status != 200:
                error = {"message": reply.content, "type": "server_error", "param": None, "code": "scripted"}
                failed.append(common | {"response": _response(reply.status, {"error": error}), "error": None})
            else:
                body = json.loads(self._completion(line["body"], reply)) if reply.body is None else reply.body.decode()
                done.append(common | {"response": _response(200, body), "error": None})
        batch.completed, batch.failed = len(done), len(failed)
        batch.output_file_id = self.upload(_lines(reversed(done))) if done else None  # in no order
        batch.error_file_id = self.upload(_lines(failed)) if failed else None

    def shown(self, batch: ServerBatch) -> dict[str, Any]:
        """A batch as the API writes it."""
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": batch.endpoint,
            "errors": {"object": "list", "data": batch.errors} if batch.errors else None,
            "input_file_id": batch.input_file_id,
            "completion_window": "24h",
            "status": batch.state,
            "output_file_id": batch.output_file_id,
            "error_file_id": batch.error_file_id,
            "created_at": CREATED,
            "metadata": batch.metadata,
            "request_counts": {"total": len(batch.lines), "completed": batch.completed, "failed": batch.failed},
        }


class _BatchHandler(JudgeHandler):
    """Answers one request. ``judge`` is set by the server."""

    judge: BatchServer

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        if (found := _PREFIX.fullmatch(urlsplit(self.path).path)) is None:
            super().do_GET()
            return
        kind, id_, _ = found.groups()
        if kind == "files":
            self._step("content", lambda: self.judge.files.get(id_))
        elif id_ is None:
            self._step("list", self._page)
        else:
            self._step("look", lambda: self._changed(id_, self.judge.look))

    def do_POST(self) -> None:  # noqa: N802 (http.server's name)
        if (found := _PREFIX.fullmatch(urlsplit(self.path).path)) is None:
            super().do_POST()
            return
        kind, id_, _ = found.groups()
        payload = self.body()
        if kind == "files":
            self._step("files", lambda: self._uploaded(payload))
        elif id_ is None:
            self._step("batches", lambda: self.judge.shown(self.judge.create(json.loads(payload))))
        else:
            self._step("cancel", lambda: self._changed(id_, self.judge.cancel))

    def _step(self, name: str, effect: Callable[[], dict[str, Any] | bytes | None]) -> None:
        self.judge.calls.append((self.command, self.path))
        if not self._authorised() or self._interrupted(name, done=False):
            return
        with self.judge.batch_lock:
            result = effect()
        if self._interrupted(name, done=True):
            return
        if result is None:
            self._fail(404, f"no such thing: {self.path}", "not_found")
        elif isinstance(result, bytes):
            self.answer(200, result, {"Content-Type": "application/octet-stream"})
        else:
            self.answer(200, json.dumps(result, ensure_ascii=False).encode())

    def _interrupted(self, name: str, *, done: bool) -> bool:
        reply = self.judge.on(name, done)
        if reply is None:
            return False
        if reply.close:
            self.close_connection = True
        else:
            self._fail(reply.status, reply.content or "scripted", "scripted", dict(reply.headers))
        return True

    def _uploaded(self, payload: bytes) -> dict[str, Any] | None:
        header = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = {
            part.get_param("name", header="content-disposition"): part
            for part in BytesParser(policy=HTTP).parsebytes(header + payload).iter_parts()
        }
        if parts["purpose"].get_payload(decode=True).strip() != b"batch":
            return None
        content = parts["file"].get_payload(decode=True)
        file = {"object": "file", "bytes": len(content), "created_at": CREATED, "purpose": "batch"}
        return file | {
            "id": self.judge.upload(content),
            "filename": parts["file"].get_filename(),
            "status": "processed",
        }

    def _changed(self, id_: str, change: Callable[[ServerBatch], None]) -> dict[str, Any] | None:
        batch = self.judge.batches.get(id_)
        if batch is None:
            return None
        change(batch)
        return self.judge.shown(batch)

    def _page(self) -> dict[str, Any]:
        """The newest first."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        ids = list(reversed(self.judge.batches))
        start = ids.index(query["after"]) + 1 if "after" in query else 0
        size = min(int(query.get("limit", 20)), self.judge.page)
        chosen = [self.judge.shown(self.judge.batches[id_]) for id_ in ids[start : start + size]]
        return {"object": "list", "data": chosen, "has_more": start + size < len(ids)}


def _response(status: int, body: object) -> dict[str, Any]:
    return {"status_code": status, "request_id": "req", "body": body}


def _lines(rows: Any) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
