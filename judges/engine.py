"""The engine: many requests in flight from one event loop in a background thread, verdicts filled in place."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from lmms_eval_ja.clients import ChatClient, ChatError, ChatRequest, Store, StoredReply, load_settings
from lmms_eval_ja.judges.judge import Judge, overlap_score
from lmms_eval_ja.judges.protocols import Protocol, ReplyError, Score, protocol
from lmms_eval_ja.judges.sample import Sample
from lmms_eval_ja.judges.verdict import Failure, Verdict
from lmms_eval_ja.metrics import generation_failure

_log = logging.getLogger(__name__)
_Job = tuple[Sample, Protocol, Verdict]


class Engine:
    """Gives verdicts of one judge: from the store where they are, else by asking. Thread-safe."""

    def __init__(self, judge: Judge, store: Path) -> None:
        self.judge = judge
        self.store_path = store
        #: Requests that went out in this process, and replies that came from the store.
        self.asked, self.from_store = 0, 0
        self._start_lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._store: Store | None = None
        self._client = ChatClient(judge.settings)
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []
        self._in_flight: dict[str, asyncio.Task[StoredReply]] = {}
        self._failures_in_row = 0
        self._given_up: ChatError | None = None

    def submit(self, sample: Sample, protocol: Protocol) -> Verdict:
        """Ask for a verdict without waiting for it.

        A failed generation is a verdict at once: failure "generation", which is never sent to a judge.
        """
        verdict = Verdict()
        if (reason := generation_failure(sample.answer)) is not None:
            verdict.finish(self._content(protocol, [_failed_run("generation", reason, [])]))
        elif self.judge.is_overlap:
            score = overlap_score(sample, protocol)
            verdict.finish(self._content(protocol, [_run([score], [])]))
        else:
            loop = self._started()
            loop.call_soon_threadsafe(self._enqueue, (sample, protocol, verdict))
        return verdict

    def close(self) -> None:
        """Stop the thread and close store and connections. Verdicts still out are not waited for."""
        atexit.unregister(self.close)
        with self._start_lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self._shut_down(), loop).result(timeout=30)
            loop.call_soon_threadsafe(loop.stop)
        if self._store is not None:
            self._store.close()
            self._store = None

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._start_lock:
            if self._loop is None:
                self._store = Store(self.store_path)
                if self._store.set_aside:
                    _log.warning(
                        "the store %s was damaged; it is kept as %s and a new one begun",
                        self.store_path,
                        self._store.set_aside,
                    )
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="lmms-eval-ja-judge", daemon=True).start()
                atexit.register(self.close)
            return self._loop

    def _enqueue(self, job: _Job) -> None:
        self._jobs.put_nowait(job)
        if len(self._workers) < self.judge.settings.concurrency:
            self._workers.append(asyncio.get_running_loop().create_task(self._work()))

    async def _work(self) -> None:
        while True:
            sample, protocol, verdict = await self._jobs.get()
            try:
                runs = [await self._one_run(sample, protocol, n) for n in range(self.judge.settings.repeats)]
            except Exception as error:
                _log.exception("judging sample %s failed", sample.sample_id)
                runs = [_failed_run("transport", f"{type(error).__name__}: {error}", [])]
            verdict.finish(self._content(protocol, runs))

    async def _one_run(self, sample: Sample, protocol: Protocol, repeat: int) -> dict[str, Any]:
        scores: list[Score] = []
        replies: list[dict[str, Any]] = []
        for pass_ in range(protocol.passes):
            try:
                scores.append(await self._one_pass(sample, protocol, repeat, pass_, replies))
            except ReplyError as error:
                return _failed_run(error.kind, str(error), replies)
            except _RefusedError as error:
                return _failed_run("refusal", str(error), replies)
            except ChatError as error:
                return _failed_run(error.kind, str(error), replies)
        return _run(scores, replies)

    async def _one_pass(
        self, sample: Sample, protocol: Protocol, repeat: int, pass_: int, replies: list[dict[str, Any]]
    ) -> Score:
        """One score; an unreadable reply is asked for again, at most `reasks` times."""
        settings = self.judge.settings
        messages = protocol.messages(sample, pass_)
        for reask in range(settings.reasks + 1):
            request = ChatRequest(settings.model, messages, settings.sampling(protocol.sampling), repeat, reask)
            reply = await self._reply(request, protocol)
            replies.append({"model": reply.model, "content": reply.content, "pass": pass_, "reask": reask})
            if reply.refusal:
                raise _RefusedError(reply.refusal)
            try:
                return protocol.parse(reply.content or "", pass_)
            except ReplyError as error:
                if error.kind != "parse" or reask == settings.reasks:
                    cut = " (cut at the token limit)" if reply.finish_reason == "length" else ""
                    raise ReplyError(error.kind, f"{error}{cut}") from None
        raise AssertionError("unreachable: the last try returns or raises")

    async def _reply(self, request: ChatRequest, protocol: Protocol) -> StoredReply:
        """The stored reply, or a new one; equal requests at the same time are sent once."""
        key = request.key()
        if key not in self._in_flight:
            task = asyncio.get_running_loop().create_task(self._stored_or_new(key, request, protocol))
            self._in_flight[key] = task
            task.add_done_callback(lambda _: self._in_flight.pop(key, None))
        return await asyncio.shield(self._in_flight[key])

    async def _stored_or_new(self, key: str, request: ChatRequest, protocol: Protocol) -> StoredReply:
        assert self._store is not None  # noqa: S101 (opened before the loop starts)
        stored = self._store.get(key)
        if stored is not None:
            self.from_store += 1
            return stored
        if self._given_up is not None:
            raise self._given_up
        self.asked += 1
        try:
            reply = await self._client.ask(request)
        except ChatError as error:
            self._count_failure(error)
            raise
        self._failures_in_row = 0
        new = StoredReply(
            key=key,
            protocol=f"{protocol.name}/{protocol.version}",
            asked_model=request.model,
            model=reply.model,
            messages=_storable(json.dumps(request.messages, ensure_ascii=False)) or "",
            content=_storable(reply.content),
            finish_reason=reply.finish_reason,
            refusal=_storable(reply.refusal),
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            seconds=reply.seconds,
            created=time.time(),
        )
        await asyncio.wrap_future(self._store.put(new))
        return new

    def _count_failure(self, error: ChatError) -> None:
        """A rejected key, or too many failures in a row, ends the asking for this process."""
        if error.kind == "filter" or self._given_up is not None:
            return
        self._failures_in_row += 1
        if error.kind == "key" or self._failures_in_row >= self.judge.settings.max_failures_in_row:
            self._given_up = ChatError(error.kind, f"not asked: the judge was given up after: {error}")
            _log.error(
                "the judge %s is given up after %d failure(s) in a row: %s",
                self.judge.label,
                self._failures_in_row,
                error,
            )

    def _content(self, protocol: Protocol, runs: list[dict[str, Any]]) -> dict[str, Any]:
        failed = next((run for run in runs if run["failure"]), None)
        references = [run["reference_score"] for run in runs]
        return {
            "score": None if failed else fmean(run["score"] for run in runs),
            "reference_score": None if failed or None in references else fmean(references),
            "failure": failed["failure"] if failed else None,
            "reason": failed["reason"] if failed else None,
            "protocol": protocol.name,
            "judge": self.judge.label,
            "models": sorted({reply["model"] for run in runs for reply in run["replies"]}),
            "runs": runs,
        }

    async def _shut_down(self) -> None:
        tasks = [*self._workers, *self._in_flight.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()


class _RefusedError(Exception):
    """The judge refuses in so many words (the API's `refusal` field)."""


def _run(scores: Sequence[Score], replies: list[dict[str, Any]]) -> dict[str, Any]:
    references = [s.reference for s in scores if s.reference is not None]
    return {
        "score": fmean(s.score for s in scores),
        "reference_score": fmean(references) if references else None,
        "failure": None,
        "reason": None,
        "replies": replies,
    }


def _failed_run(kind: Failure, reason: str, replies: list[dict[str, Any]]) -> dict[str, Any]:
    return {"score": None, "reference_score": None, "failure": kind, "reason": reason, "replies": replies}


def _storable(text: str | None) -> str | None:
    """A text that SQLite and JSON files take: lone surrogates, which a broken server may send, become '?'."""
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


_current: Engine | None = None
_current_lock = threading.Lock()


def current_engine() -> Engine:
    """The engine of this process, made from the settings when it is first needed (`load_settings`)."""
    global _current  # noqa: PLW0603 (one engine a process is the point: one loop, one store, one limit)
    with _current_lock:
        if _current is None:
            settings = load_settings()
            _current = Engine(Judge(settings.judge), settings.store)
        return _current


def reset_engine() -> None:
    """Close the engine of this process; the next one reads the settings again."""
    global _current
    with _current_lock:
        engine, _current = _current, None
    if engine is not None:
        engine.close()


def judge_samples(
    samples: Sequence[Sample], protocol_name: str, judge: Judge, *, store: Path | None = None
) -> list[Verdict]:
    """Judge samples and wait for all verdicts, in the order of the samples.

    Args:
        samples: what to judge.
        protocol_name: one of `PROTOCOLS`.
        judge: who judges.
        store: where replies are kept; the settings' store by default.

    Raises:
        ValueError: unknown protocol.
        AssetError: the protocol needs a file that is not there.
    """
    chosen = protocol(protocol_name)
    if not judge.is_overlap:
        chosen.check()
    engine = Engine(judge, store or load_settings().store)
    try:
        verdicts = [engine.submit(sample, chosen) for sample in samples]
        for verdict in verdicts:
            verdict.wait()
    finally:
        engine.close()
    return verdicts
