"""What is asked about one answer, apart from who carries it: each question of a verdict, with its re-asking.

A verdict is made of independent questions: every repeat asks in every order that the protocol has. A question is a
generator that gives requests and takes replies, so that the same rules serve replies out of the store, over a
connection, and out of a batch that comes back tomorrow.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

from lmms_eval_ja.clients import ChatError, ChatRequest, JudgeSettings, StoredReply, with_images
from lmms_eval_ja.judges.checkpoint import asked_model
from lmms_eval_ja.judges.protocols import Protocol, ReplyError, Score
from lmms_eval_ja.judges.sample import Sample
from lmms_eval_ja.judges.verdict import Failure


@dataclass(frozen=True)
class Outcome:
    """What came of a question: a score or a named failure, and the replies that were read."""

    score: Score | None
    failure: Failure | None = None
    reason: str | None = None
    replies: Sequence[StoredReply] = field(default=())


#: Gives requests, takes their replies, or a `ChatError` thrown in where there is none.
Question = Generator[ChatRequest, StoredReply, Outcome]


@dataclass(frozen=True)
class Place:
    """Which question of a verdict: of which repeat, and in which order of the two answers."""

    repeat: int
    pass_: int


def passes_of(protocol: Protocol, settings: JudgeSettings) -> int:
    """How often one repeat asks: in as many orders as the protocol has, unless the settings say otherwise."""
    if settings.swap is None or not protocol.compares:
        return protocol.passes
    return 2 if settings.swap else 1


def questions(sample: Sample, protocol: Protocol, settings: JudgeSettings) -> dict[Place, Question]:
    """All questions of a verdict; they depend on nothing but their own replies.

    Raises:
        AssetError: the protocol needs a file, or a rule, that is not there.
        ImageError: the judge sees, and an image is too large to be sent.
    """
    sampling = settings.sampling(protocol.sampling)
    images = sample.images if settings.sees_image and protocol.shows_images else ()
    found = {}
    for pass_ in range(passes_of(protocol, settings)):
        messages = with_images(protocol.messages(sample, pass_), images)
        for repeat in range(settings.repeats):
            first = ChatRequest(asked_model(settings), messages, sampling, repeat, images=images)
            found[Place(repeat, pass_)] = _question(first, protocol, settings.reasks, pass_)
    return found


def _question(first: ChatRequest, protocol: Protocol, reasks: int, pass_: int) -> Question:
    """One score; an unreadable reply is asked for again, at most `reasks` times."""
    replies: list[StoredReply] = []
    for reask in range(reasks + 1):
        try:
            reply = yield replace(first, reask=reask) if reask else first
        except ChatError as error:
            return Outcome(None, error.kind, str(error), replies)
        replies.append(reply)
        if reply.refusal:
            return Outcome(None, "refusal", reply.refusal, replies)
        try:
            return Outcome(protocol.parse(reply.content or "", pass_), replies=replies)
        except ReplyError as error:
            if error.kind != "parse" or reask == reasks:
                cut = " (cut at the token limit)" if reply.finish_reason == "length" else ""
                return Outcome(None, error.kind, f"{error}{cut}", replies)
    raise AssertionError("unreachable: the last try returns")
