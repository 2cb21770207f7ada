"""The engine: many requests in flight from one event loop in a background thread, verdicts filled in place."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lmms_eval_ja.clients import ChatError, ChatRequest, Settings, Store, StoredReply, load_settings
from lmms_eval_ja.clients.budget import Budget
from lmms_eval_ja.clients.store import Found
from lmms_eval_ja.judges.asking import Asker
from lmms_eval_ja.judges.content import failed_content, verdict_content
from lmms_eval_ja.judges.dialogue import Outcome, Place, Question, questions
from lmms_eval_ja.judges.judge import Judge, overlap_score
from lmms_eval_ja.judges.protocols import Protocol, protocol
from lmms_eval_ja.judges.sample import Sample
from lmms_eval_ja.judges.verdict import Failure, Paid, Verdict
from lmms_eval_ja.metrics import generation_failure

_log = logging.getLogger(__name__)
#: Longer than the loop may stand still while another process holds the store.
_LONGEST_CLOSE_S = 90.0
#: Verdicts that are looked up in the store at a time, and questions that wait for each slot of a judge.
_CHUNK, _WAITING_PER_SLOT = 512, 4
_CLOSED = "not judged: the engine was closed before"


@dataclass(eq=False)
class _Job:
    """A verdict in the making: the outcomes of its questions, by member of the jury."""

    sample: Sample
    protocol: Protocol
    verdict: Verdict
    outcomes: dict[str, dict[Place, Outcome]] = field(default_factory=dict)
    open_questions: int = 0


@dataclass(eq=False)
class _Asked:
    """A question of a job with the request that it waits for."""

    job: _Job
    member: str
    place: Place
    question: Question
    request: ChatRequest
    key: str

    def answer(self, reply: StoredReply) -> Outcome | None:
        """Read a reply: the outcome, or None when there is a next request."""
        try:
            self.request = self.question.send(reply)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        self.key = self.request.key()
        return None

    def fail(self, error: ChatError) -> Outcome:
        """The outcome where there is no reply."""
        try:
            self.question.throw(error)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        raise AssertionError("unreachable: a question ends when it has no reply")


class Engine:
    """Gives verdicts of one judge, or of a jury: from the store where they are, else by asking. Thread-safe."""

    def __init__(self, judge: Judge, store: Path, *, budget_usd: float | None = None) -> None:
        self.judge = judge
        self.store_path = store
        self.budget_usd = budget_usd
        self._start_lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._store: Store | None = None
        self._askers: dict[str, Asker] = {}
        self._submitted: deque[_Job] = deque()
        self._unfinished: set[_Job] = set()
        self._billed: set[str] = set()
        self._woken = asyncio.Event()
        self._waiting: dict[str, asyncio.Queue[_Asked]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def asked(self) -> int:
        """Requests that went out in this process."""
        return sum(len(asker.asked) for asker in self._askers.values())

    @property
    def from_store(self) -> int:
        """Replies that came from the store."""
        return sum(asker.from_store for asker in self._askers.values())

    def submit(self, sample: Sample, protocol: Protocol) -> Verdict:
        """Ask for a verdict without waiting for it.

        A failed generation is a verdict at once: failure "generation", which is never sent to a judge.

        Raises:
            RuntimeError: the engine is closed.
            OSError, ValueError: the store cannot be opened.
        """
        verdict = Verdict()
        if (reason := generation_failure(sample.answer)) is not None:
            verdict.finish(failed_content(self.judge, protocol, "generation", reason))
        elif self.judge.is_overlap:
            outcome = Outcome(overlap_score(sample, protocol))
            verdict.finish(verdict_content(self.judge, protocol, {"": {Place(0, 0): outcome}}))
        else:
            with self._start_lock:  # so that no job comes after the last one that `close` sees
                loop = self._started()
                self._submitted.append(_Job(sample, protocol, verdict))
                if len(self._submitted) == 1:  # else the loop has been told already
                    loop.call_soon_threadsafe(self._woken.set)
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
            budget = Budget(self.budget_usd)
            self._askers = {name: Asker(judge, self._store, budget) for name, judge in self.judge.each.items()}
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="lmms-eval-ja-judge", daemon=True)
            self._thread.start()
            self._loop.call_soon_threadsafe(self._start_tasks)
            atexit.register(self.close)
        return self._loop

    def _start_tasks(self) -> None:
        loop = asyncio.get_running_loop()
        for name, asker in self._askers.items():
            slots = asker.judge.settings.concurrency
            self._waiting[name] = asyncio.Queue(_WAITING_PER_SLOT * slots)
            self._tasks += [loop.create_task(self._work(self._waiting[name], asker)) for _ in range(slots)]
        self._tasks.append(loop.create_task(self._open_jobs()))

    async def _open_jobs(self) -> None:
        """Answer what the store can answer; the rest waits for the judges, so many that none of them waits."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._submitted:
                jobs = [self._submitted.popleft() for _ in range(min(_CHUNK, len(self._submitted)))]
                self._unfinished.update(jobs)
                asked = [one for job in jobs for one in self._open(job)]
                found = await self._found(asked)
                for one in asked:
                    if not self._answered(one, found):
                        await self._waiting[one.member].put(one)

    def _open(self, job: _Job) -> list[_Asked]:
        """The questions of a job; none, and the verdict fails, when they cannot be asked."""
        asked = []
        try:
            for name, asker in self._askers.items():
                if asker.judge.is_overlap:
                    own = {Place(n, 0): overlap_score(job.sample, job.protocol) for n in range(self._repeats)}
                    job.outcomes[name] = {place: Outcome(score) for place, score in own.items()}
                    continue
                job.outcomes[name] = {}
                for place, question in questions(job.sample, job.protocol, asker.judge.settings).items():
                    request = next(question)
                    asked.append(_Asked(job, name, place, question, request, request.key()))
        except Exception as error:
            _log.exception("judging sample %s failed", job.sample.sample_id)
            self._finish_failed(job, "transport", f"{type(error).__name__}: {error}")
            return []
        job.open_questions = len(asked)
        if not asked:
            self._finish(job)
        return asked

    @property
    def _repeats(self) -> int:
        return self.judge.settings.repeats

    async def _found(self, asked: Sequence[_Asked]) -> Mapping[str, Found]:
        """What the store has; a store that cannot be read is met again, and reported, by whoever asks next."""
        assert self._store is not None  # noqa: S101 (made before the loop starts)
        try:
            return await asyncio.wrap_future(self._store.find([one.key for one in asked]))
        except Exception as error:
            _log.debug("the store %s could not be read: %s", self.store_path, error)
            return {}

    def _answered(self, one: _Asked, found: Mapping[str, Found]) -> bool:
        """Whether the replies that were found answer a question."""
        while isinstance(reply := found.get(one.key), StoredReply):
            self._askers[one.member].from_store += 1
            if (outcome := one.answer(reply)) is not None:
                self._settle(one, outcome)
                return True
        return False

    async def _work(self, waiting: asyncio.Queue[_Asked], asker: Asker) -> None:
        while True:
            one = await waiting.get()
            outcome = Outcome(None, "transport", _CLOSED)
            try:
                outcome = await self._ask(one, asker)
            except Exception as error:
                _log.exception("judging sample %s failed", one.job.sample.sample_id)
                outcome = Outcome(None, "transport", f"{type(error).__name__}: {error}")
            finally:  # also when cancelled: nobody may wait for ever
                self._settle(one, outcome)

    async def _ask(self, one: _Asked, asker: Asker) -> Outcome:
        while True:
            try:
                reply = await asker.reply(one.request, one.job.protocol, one.key)
            except ChatError as error:
                return one.fail(error)
            if (outcome := one.answer(reply)) is not None:
                return outcome

    def _settle(self, one: _Asked, outcome: Outcome) -> None:
        job = one.job
        job.outcomes[one.member][one.place] = outcome
        job.open_questions -= 1
        if job.open_questions == 0:
            self._finish(job)

    def _finish(self, job: _Job) -> None:
        self._unfinished.discard(job)
        job.verdict.finish(verdict_content(self.judge, job.protocol, job.outcomes), self._paid(job))

    def _paid(self, job: _Job) -> Paid:
        """What went out for a job in this process; a reply that verdicts share is the first one's."""
        requests, usd = 0, 0.0
        known = True
        for name, outcomes in job.outcomes.items():
            asker = self._askers[name]
            for reply in (reply for outcome in outcomes.values() for reply in outcome.replies):
                if reply.key in asker.asked and reply.key not in self._billed:
                    self._billed.add(reply.key)
                    price = asker.judge.price_of_reply(reply)
                    requests, usd, known = requests + 1, usd + (price or 0.0), known and price is not None
        return Paid(requests, usd if known else None)

    def _finish_failed(self, job: _Job, failure: Failure, reason: str) -> None:
        self._unfinished.discard(job)
        job.verdict.finish(failed_content(self.judge, job.protocol, failure, reason))

    async def _shut_down(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for asker in self._askers.values():
            await asker.close()
        for job in [*self._unfinished, *self._submitted]:
            if not job.verdict.done:
                self._finish_failed(job, "transport", _CLOSED)


_current: Engine | None = None
_current_lock = threading.Lock()


def current_engine() -> Engine:
    """The engine of this process, made from the settings when it is first needed (`load_settings`)."""
    global _current  # noqa: PLW0603 (one engine a process is the point: one loop, one store, one limit)
    with _current_lock:
        if _current is None:
            _current = _engine_of(load_settings())
        return _current


def _engine_of(settings: Settings) -> Engine:
    """An engine with this rank's share of the concurrency and of the budget."""
    ranks = max(1, int(os.environ.get("WORLD_SIZE") or 1))
    judge = Judge.of(settings)
    if ranks > 1:
        judge = judge.with_concurrency_of(1 / ranks)
    budget = None if settings.budget_usd is None else settings.budget_usd / ranks
    return Engine(judge, settings.store, budget_usd=budget)


def reset_engine(new: Engine | None = None) -> None:
    """Close the engine of this process; the next one is `new`, or reads the settings again."""
    global _current
    with _current_lock:
        engine, _current = _current, new
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
