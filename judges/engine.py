"""The engine: many requests in flight from one event loop in a background thread, verdicts filled in place."""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from lmms_eval_ja.clients import ChatError, ChatRequest, Store, load_settings
from lmms_eval_ja.judges.asking import Asker
from lmms_eval_ja.judges.judge import Judge, overlap_score
from lmms_eval_ja.judges.protocols import Protocol, ReplyError, Score, protocol
from lmms_eval_ja.judges.sample import Sample
from lmms_eval_ja.judges.verdict import PASSING_FAILURES, Failure, Verdict
from lmms_eval_ja.metrics import generation_failure

_log = logging.getLogger(__name__)
_Job = tuple[Sample, Protocol, Verdict]
#: Longer than the loop may stand still while another process holds the store.
_LONGEST_CLOSE_S = 90.0


class Engine:
    """Gives verdicts of one judge: from the store where they are, else by asking. Thread-safe."""

    def __init__(self, judge: Judge, store: Path) -> None:
        self.judge = judge
        self.store_path = store
        self._start_lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._store: Store | None = None
        self._asker: Asker | None = None
        self._submitted: deque[_Job] = deque()
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []

    @property
    def asked(self) -> int:
        """Requests that went out in this process."""
        return self._asker.asked if self._asker else 0

    @property
    def from_store(self) -> int:
        """Replies that came from the store."""
        return self._asker.from_store if self._asker else 0

    def submit(self, sample: Sample, protocol: Protocol) -> Verdict:
        """Ask for a verdict without waiting for it.

        A failed generation is a verdict at once: failure "generation", which is never sent to a judge.

        Raises:
            RuntimeError: the engine is closed.
            OSError, ValueError: the store cannot be opened.
        """
        verdict = Verdict()
        if (reason := generation_failure(sample.answer)) is not None:
            verdict.finish(self._content(protocol, [_failed_run("generation", reason, [])]))
        elif self.judge.is_overlap:
            score = overlap_score(sample, protocol)
            verdict.finish(self._content(protocol, [_run([score], [])]))
        else:
            with self._start_lock:  # so that no job comes after the last one that `close` sees
                loop = self._started()
                self._submitted.append((sample, protocol, verdict))
                if len(self._submitted) == 1:  # else the loop has been told already
                    loop.call_soon_threadsafe(self._enqueue)
        return verdict

    def close(self) -> None:
        """Stop for good: verdicts still out become failures "transport"; thread, store and connections are closed."""
        atexit.unregister(self.close)
        with self._start_lock:
            loop, self._loop, self._closed = self._loop, None, True
        if loop is None or self._thread is None or self._store is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(self._shut_down(), loop).result(timeout=_LONGEST_CLOSE_S)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(timeout=_LONGEST_CLOSE_S)
            loop.close()
        finally:
            try:
                self._store.close()
            except Exception:  # the verdicts concerned say so already
                _log.exception("the store %s could not take the last replies", self.store_path)

    def _started(self) -> asyncio.AbstractEventLoop:
        """The running loop; the caller holds the lock."""
        if self._closed:
            raise RuntimeError("the judge engine is closed; make a new one")
        if self._loop is None:
            self._store = Store(self.store_path)
            if self._store.set_aside:
                _log.warning(
                    "the store %s was damaged; it is kept as %s and a new one begun",
                    self.store_path,
                    self._store.set_aside,
                )
            self._asker = Asker(self.judge, self._store)
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="lmms-eval-ja-judge", daemon=True)
            self._thread.start()
            atexit.register(self.close)
        return self._loop

    def _enqueue(self) -> None:
        while self._submitted:
            self._jobs.put_nowait(self._submitted.popleft())
            if len(self._workers) < self.judge.settings.concurrency:
                self._workers.append(asyncio.get_running_loop().create_task(self._work()))

    async def _work(self) -> None:
        while True:
            sample, protocol, verdict = await self._jobs.get()
            content = None
            try:
                runs = [await self._one_run(sample, protocol, n) for n in range(self.judge.settings.repeats)]
                content = self._content(protocol, runs)
            except Exception as error:
                _log.exception("judging sample %s failed", sample.sample_id)
                content = self._content(protocol, [_failed_run("transport", f"{type(error).__name__}: {error}", [])])
            finally:  # also when cancelled: nobody may wait for ever
                verdict.finish(content or self._unasked(protocol))

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
        assert self._asker is not None  # noqa: S101 (made before the loop starts)
        settings = self.judge.settings
        messages = protocol.messages(sample, pass_)
        for reask in range(settings.reasks + 1):
            request = ChatRequest(settings.model, messages, settings.sampling(protocol.sampling), repeat, reask)
            reply = await self._asker.reply(request, protocol)
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

    def _unasked(self, protocol: Protocol) -> dict[str, Any]:
        return self._content(protocol, [_failed_run("transport", "not judged: the engine was closed before", [])])

    def _content(self, protocol: Protocol, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """What a verdict says; of several failures one that another run can mend, so that the task stays incomplete."""
        failed = min(
            (run for run in runs if run["failure"]),
            key=lambda run: run["failure"] not in PASSING_FAILURES,
            default=None,
        )
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
        self._enqueue()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._asker is not None:
            await self._asker.close()
        while not self._jobs.empty():
            _, protocol, verdict = self._jobs.get_nowait()
            verdict.finish(self._unasked(protocol))


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
