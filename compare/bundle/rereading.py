"""A verdict read again: each reply by its protocol's parser, and the means that were made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from lmms_eval_ja.compare.bundle.mismatch import equal
from lmms_eval_ja.judges import PARSE_FAILURES, Protocol, ReplyError

#: (score, reference's score) of a run; None where there is none.
Scores = tuple[float | None, float | None]
#: What is wrong: what, recorded, found.
Fault = tuple[str, Any, Any]
#: The judge's own words are its reply then, and may hold anything.
_REFUSAL = "refusal"


@dataclass
class Reread:
    """The runs of a verdict as they come out now, and what differs from what is recorded."""

    runs: list[Scores] = field(default_factory=list)
    failure: str | None = None
    faults: list[Fault] = field(default_factory=list)


def reread(verdict: Mapping[str, Any], protocol: Protocol) -> Reread:
    """Read the replies of a verdict again, and put its score together from them.

    A failure that has no reply (the judge could not be reached, or a content filter) is taken as it is recorded, unless
    the last reply that is there can be read; that of reading a reply must come out again.
    """
    out = Reread(failure=verdict["failure"])
    for number, run in enumerate(verdict["runs"]):
        name = f"run {number}" if len(verdict["runs"]) > 1 else ""
        members = run.get("members") or {"": run}
        scores = [_member(own, protocol, _joined(name, member), out.faults) for member, own in members.items()]
        out.runs.append(_compared(run, _mean(scores), name, out.faults))
    _compared(verdict, _mean(out.runs), "", out.faults)
    return out


def overlap_again(verdict: Mapping[str, Any], score: Scores) -> Reread:
    """The verdict of the judge that asks nobody, against the score that it gives now."""
    out = Reread([score for _ in verdict["runs"]], verdict["failure"])
    for number, run in enumerate(verdict["runs"]):
        _compared(run, score, f"run {number}" if len(verdict["runs"]) > 1 else "", out.faults)
    _compared(verdict, score, "", out.faults)
    return out


def _member(run: Mapping[str, Any], protocol: Protocol, name: str, faults: list[Fault]) -> Scores:
    """The scores of a run of one judge."""
    passes = run.get("passes") or [run]
    found = []
    for order, recorded in enumerate(passes):
        replies = [reply for reply in run["replies"] if reply["pass"] == order]
        where = _joined(name, f"order {order}" if len(passes) > 1 else "")
        scores, fault = _read(recorded, replies, protocol, order)
        if fault is not None:
            faults.append((_joined(where, fault[0]), *fault[1:]))
        found.append(_compared(recorded, scores, where, faults))
    return _compared(run, _mean(found), name, faults)


def _read(
    recorded: Mapping[str, Any], replies: Sequence[Mapping[str, Any]], protocol: Protocol, order: int
) -> tuple[Scores, Fault | None]:
    """The score in the last reply: after the others, in which none could be read, it was asked again."""
    failure = recorded.get("failure")
    if failure == _REFUSAL or (not replies and failure is not None and failure not in PARSE_FAILURES):
        return (None, None), None
    if not replies:
        return (None, None), ("replies", "none", "a score without a reply")
    score, found = _parsed(max(replies, key=lambda one: int(one["reask"])), protocol, order)
    if failure is not None and failure not in PARSE_FAILURES:
        return (None, None), None if found is not None else ("failure", failure, "a reply that can be read")
    return score, None if found == failure else ("failure of reading the reply", failure, found)


def _parsed(reply: Mapping[str, Any], protocol: Protocol, order: int) -> tuple[Scores, str | None]:
    try:
        read = protocol.parse(str(reply["content"] or ""), order)
    except ReplyError as error:
        return (None, None), error.kind
    return (read.score, read.reference), None


def _compared(recorded: Mapping[str, Any], scores: Scores, where: str, faults: list[Fault]) -> Scores:
    """Note where the recorded scores are not these; gives these."""
    for name, value in zip(("score", "reference_score"), scores, strict=True):
        if not equal(recorded.get(name), value):
            faults.append((_joined(where, name), recorded.get(name), value))
    if (recorded.get("failure") is None) != (scores[0] is not None):
        faults.append(
            (_joined(where, "failure"), recorded.get("failure"), "a score" if scores[0] is not None else "none")
        )
    return scores


def _mean(parts: Sequence[Scores]) -> Scores:
    """The mean of equal parts; what one lacks the whole lacks."""
    scores, references = [score for score, _ in parts], [reference for _, reference in parts]
    if None in scores or not scores:
        return None, None
    return _average(scores), None if None in references else _average(references)


def _average(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return known[0] if len(known) == 1 else fsum(known) / len(known)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def faults_in(out: Reread, say: Callable[[str, Any, Any], Any]) -> Iterator[Any]:
    """The faults, the first of them only: what follows from it would be named again and again."""
    if out.faults:
        yield say(*out.faults[0])
