"""The replies in a bundle's verdicts, against those that lay in the store under the hash of what was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lmms_eval_ja.clients import ChatRequest, StoredReply
from lmms_eval_ja.compare.bundle.archive import BundleError
from lmms_eval_ja.compare.bundle.mismatch import Mismatch
from lmms_eval_ja.compare.bundle.replies import Place, judge_of, places_of, protocol_of
from lmms_eval_ja.compare.bundle.scored import Scored, answer_of


def check_replies(
    scored: Scored, links: Mapping[Place, str], replies: Mapping[str, StoredReply]
) -> tuple[list[Mismatch], int, int]:
    """Compare the replies in the verdicts with those of the store, which lie under the hash of what was asked.

    Returns:
        What differs; how many replies the verdicts hold; how many of them are there to compare with.
    """
    answers = {row["doc_id"]: answer_of(row) for row in scored.rows}
    found: list[Mismatch] = []
    total = there = 0
    for place, recorded in places_of(scored):
        total += 1
        key = links.get(place)
        reply = replies.get(key) if key is not None else None
        if key is None or reply is None:
            continue
        there += 1
        what = f"reply of {place.protocol}, run {place.repeat}, order {place.order}, re-ask {place.reask}"

        def differs(name: str, before: Any, now: Any, *, what: str = what, doc_id: int = place.doc_id) -> Mismatch:
            return Mismatch(scored.file, f"{what}: {name}", before, now, scored.model, scored.task, doc_id)

        found += [
            differs(f"{name}, against the stored reply", recorded[name], getattr(reply, name))
            for name in ("content", "model")
            if recorded[name] != getattr(reply, name)
        ]
        if _key(scored, place, reply) != key:
            found.append(differs("key of what was asked", key, _key(scored, place, reply)))
        elif _quoted(scored, place, answers[place.doc_id]) not in _asked(reply):
            found.append(differs("answer, against what the judge was asked", answers[place.doc_id], "not in it"))
    return found, total, there


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
