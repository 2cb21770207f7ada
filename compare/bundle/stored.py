"""The replies in a bundle's verdicts, against those that lay in the store under the hash of what was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lmms_eval_ja.clients import ChatRequest, StoredReply
from lmms_eval_ja.compare.bundle.archive import BundleError
from lmms_eval_ja.compare.bundle.mismatch import Mismatch
from lmms_eval_ja.compare.bundle.replies import Place, endings_of, judge_of, places_of, protocol_of
from lmms_eval_ja.compare.bundle.scored import Scored, answer_of


class StoredReplies:
    """The stored replies of a bundle, and which reply of which verdict is which of them."""

    def __init__(self, links: Mapping[Place, str], replies: Mapping[str, StoredReply]) -> None:
        self.links, self.replies = links, replies

    def of(self, place: Place) -> StoredReply | None:
        """The stored reply of a place, if the bundle has it."""
        return self.replies.get(self.links.get(place, ""))

    def count(self, scored: Scored) -> tuple[int, int]:
        """How many replies the verdicts of a model's task hold, and how many of them are there to compare with."""
        places = [place for place, _ in places_of(scored)]
        return len(places), sum(self.of(place) is not None for place in places)

    def mismatches(self, scored: Scored) -> Iterator[Mismatch]:
        """Where a verdict's reply is not the stored one, or that one is not about this answer."""
        answers = {row["doc_id"]: answer_of(row) for row in scored.rows}
        for place, recorded in places_of(scored):
            if (reply := self.of(place)) is None:
                continue
            for name in ("content", "model"):
                if recorded[name] != getattr(reply, name):
                    what = f"{name}, against the stored reply"
                    yield _differs(scored, place, what, recorded[name], getattr(reply, name))
            answer = answers[place.doc_id]
            if (key := _key(scored, place, reply)) != self.links[place]:
                yield _differs(scored, place, "key of what was asked", self.links[place], key)
            elif _quoted(scored, place, answer) not in _asked(reply):
                yield _differs(scored, place, "answer, against what the judge was asked", answer, "not in it")
        for place, failure in endings_of(scored):
            reply = self.of(place)
            if reply is not None and bool(reply.refusal) != (failure == "refusal"):
                found = "refusal" if reply.refusal else "no refusal"
                yield _differs(scored, place, "refusal, against the stored reply", failure, found)


def _differs(scored: Scored, place: Place, what: str, recorded: Any, found: Any) -> Mismatch:
    where = f"reply of {place.protocol}, run {place.repeat}, order {place.order}, re-ask {place.reask}"
    return Mismatch(scored.file, f"{where}: {what}", recorded, found, scored.model, scored.task, place.doc_id)


def _key(scored: Scored, place: Place, reply: StoredReply) -> str:
    judge = judge_of(scored, place)
    messages = json.loads(reply.messages)
    return ChatRequest(judge["judge"], messages, judge["sampling"], place.repeat, reask=place.reask).key()


def _quoted(scored: Scored, place: Place, answer: str) -> str:
    try:
        return protocol_of(scored, place.protocol).quoted_answer(answer)
    except BundleError:
        return ""


def _asked(reply: StoredReply) -> str:
    """The texts of what was asked."""
    contents = [message.get("content") for message in json.loads(reply.messages)]
    parts = [part for content in contents for part in (content if isinstance(content, list) else [content])]
    return "\n".join(str(part.get("text", "")) if isinstance(part, dict) else str(part) for part in parts)
