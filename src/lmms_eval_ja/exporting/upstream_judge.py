"""How answers of an exported task get their verdict: a protocol's messages and parsing, asked through `llm_judge`.

A verdict is a score or a named failure, and a failure never becomes a number: a metric without enough verdicts is NaN.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from lmms_eval.llm_judge import Request, ServerConfig, ServerInterface, get_server
from lmms_eval.llm_judge.base import AsyncServerInterface
from loguru import logger as eval_logger

from lmms_eval_ja.clients.chat import is_filtered
from lmms_eval_ja.clients.settings import DEFAULT_MODEL
from lmms_eval_ja.exporting.upstream_answer import generation_failure
from lmms_eval_ja.judges.protocols.base import Message, Protocol, ReplyError, Score
from lmms_eval_ja.judges.sample import Sample

Doc = Mapping[str, Any]
#: How often an unreadable reply is asked for again.
REASKS = 2


@dataclass(frozen=True)
class Verdict:
    """What came of judging one answer.

    `failure` is None, "transport" (no reply was to be had), "generation" (the model under test gave no answer),
    "refusal" (a reply without text), "filter" (a content filter stopped the request), "parse" (no score can be read) or
    "range" (it is off the scale).
    """

    score: float | None = None
    reference: float | None = None
    failure: str | None = None
    reason: str | None = None
    replies: tuple[str, ...] = ()


class NoReplyError(Exception):
    """The judge gave nothing that can be read; `failure` is as in `Verdict`."""

    def __init__(self, failure: str, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure


class Judge:
    """The judge that API_TYPE and MODEL_VERSION name, asked as a protocol prescribes. Thread-safe.

    Once a request has failed for good, all its provider's tries over, no other is sent: the metrics are NaN already,
    and lmms-eval keeps no replies for another run.
    """

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self._lock = threading.Lock()
        self._server: ServerInterface | None = None
        self._gone: str | None = None

    def warn_early(self) -> None:
        """Log, before the model has answered anything, why this judge cannot be asked; nothing if it seems ready.

        No error, since a run with `--predict_only` asks no judge.
        """
        try:
            server = self._started()
        except Exception as error:  # whatever a provider raises
            why = f"{type(error).__name__}: {error}"
        else:
            if isinstance(server, AsyncServerInterface):
                why = "an asynchronous provider has no event loop in the threads that score answers"
            elif not server.is_available():
                why = "the provider says that it is not available: is its key set, or its server up?"
            else:
                return
        eval_logger.warning(f"the judge cannot be asked, and its scores will be NaN: API_TYPE={_api_type()}: {why}")

    def verdict(self, sample: Sample) -> Verdict:
        """Judge one answer: in each order that the protocol has, the mean of the scores."""
        if (reason := generation_failure(sample.answer)) is not None:
            return Verdict(failure="generation", reason=reason)
        scores: list[Score] = []
        replies: list[str] = []
        for order in range(self.protocol.passes):
            try:
                scores.append(self._score(sample, order, replies))
            except NoReplyError as error:
                return Verdict(failure=error.failure, reason=str(error), replies=tuple(replies))
        references = [score.reference for score in scores if score.reference is not None]
        return Verdict(
            score=fmean(score.score for score in scores),
            reference=fmean(references) if references else None,
            replies=tuple(replies),
        )

    def _score(self, sample: Sample, order: int, replies: list[str]) -> Score:
        messages = self.protocol.messages(sample, order)
        for _ in range(REASKS + 1):
            replies.append(self._reply(messages))
            try:
                return self.protocol.parse(replies[-1], order)
            except ReplyError as error:
                unread = error
            if unread.kind == "range":
                break
        raise NoReplyError(unread.kind, str(unread))

    def _reply(self, messages: list[Message]) -> str:
        if self._gone is not None:
            raise NoReplyError("transport", f"not asked, since the judge was gone before: {self._gone}")
        try:
            response = self._started().evaluate(Request(messages=messages))
        except Exception as error:
            if isinstance(error, AttributeError) and error.name == "strip":  # the provider strips the text, here None
                raise NoReplyError("refusal", "a reply without text") from error
            said = getattr(getattr(error, "response", None), "text", "")  # the message may leave the error's code out
            if is_filtered(f"{error} {said}"):  # this request only: others may pass
                raise NoReplyError("filter", f"{type(error).__name__}: {error}") from error
            self._gone = f"{type(error).__name__}: {error}"
            raise NoReplyError("transport", self._gone) from error
        if not response.success:
            self._gone = response.error_message or "the provider reports a failure"
            raise NoReplyError("transport", self._gone)
        return str(response.content)

    def _started(self) -> ServerInterface:
        with self._lock:
            if self._server is None:
                config = ServerConfig(
                    model_name=os.getenv("MODEL_VERSION", DEFAULT_MODEL),
                    temperature=self.protocol.sampling["temperature"],
                    max_tokens=self.protocol.sampling["max_tokens"],
                )
                self._server = get_server(_api_type(), config)
            return self._server


def _api_type() -> str:
    """The name of llm_judge's provider."""
    return os.getenv("API_TYPE", "openai").lower()


def sample_of(doc: Doc, answer: str) -> Sample:
    """A document, as `process_docs` leaves it, and an answer to it."""
    return Sample(
        sample_id=str(doc["question_id"]),
        question=str(doc["question"]),
        answer=answer.strip(),
        reference=str(doc["reference"] if "reference" in doc else doc["answer"]),
        context=str(doc.get("context", "")),
        category=str(doc.get("category", "")),
        cluster=str(doc["image_id"]),
    )


def judged_item(sample: Sample, verdict: Verdict) -> dict[str, Any]:
    """What one document gives to one metric; each metric gets one of its own."""
    return {
        "sample_id": sample.sample_id,
        "category": sample.category,
        "cluster": sample.cluster,
        "score": verdict.score,
        "reference_score": verdict.reference,
        "failure": verdict.failure,
    }
