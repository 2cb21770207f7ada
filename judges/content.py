"""From the outcomes of a verdict's questions to what the verdict says.

| level | keys |
|---|---|
| verdict | score, reference_score, failure, reason, protocol, judge, models, usage, runs |
| run (a repeat) | score, reference_score, failure, reason, then `passes` and `replies`, or `members` in a jury |
| member (a judge of a jury, by name) | as a run of that judge alone |
| pass (an order of the two answers) | score, reference_score; both None where the question failed |
| reply | model, content, pass, reask, prompt_tokens, completion_tokens |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any

from lmms_eval_ja.clients import StoredReply
from lmms_eval_ja.judges.dialogue import Outcome, Place
from lmms_eval_ja.judges.judge import Judge
from lmms_eval_ja.judges.protocols import Protocol
from lmms_eval_ja.judges.verdict import PASSING_FAILURES, Failure

#: Outcomes of one judge by question, and of the judges of a jury by name; a judge alone has the name "".
Outcomes = Mapping[str, Mapping[Place, Outcome]]


def verdict_content(judge: Judge, protocol: Protocol, outcomes: Outcomes) -> dict[str, Any]:
    """What a verdict says. A question that failed fails its run, and a run that failed the verdict."""
    by_member = {name: _runs(own) for name, own in outcomes.items()}
    runs = by_member[""] if "" in by_member else _of_jury(by_member)
    replies = [(name, reply) for name, own in outcomes.items() for o in own.values() for reply in o.replies]
    return _summed(runs) | {
        "protocol": protocol.name,
        "judge": judge.label,
        "models": sorted({reply.model for _, reply in replies}),
        "usage": _usage(judge, replies),
        "runs": runs,
    }


def failed_content(judge: Judge, protocol: Protocol, failure: Failure, reason: str) -> dict[str, Any]:
    """What a verdict says that was never asked for."""
    return verdict_content(judge, protocol, {"": {Place(0, 0): Outcome(None, failure, reason)}})


def _runs(outcomes: Mapping[Place, Outcome]) -> list[dict[str, Any]]:
    """The runs of one judge, in order of their number."""
    if len(outcomes) == 1:
        return [_run(list(outcomes.values()))]
    places = sorted(outcomes, key=lambda place: (place.repeat, place.pass_))
    repeats = dict.fromkeys(place.repeat for place in places)
    return [_run([outcomes[place] for place in places if place.repeat == repeat]) for repeat in repeats]


def _run(passes: Sequence[Outcome]) -> dict[str, Any]:
    scores = [
        {"score": outcome.score.score, "reference_score": outcome.score.reference}
        if outcome.score is not None
        else {"score": None, "reference_score": None, "failure": outcome.failure, "reason": outcome.reason}
        for outcome in passes
    ]
    replies = [
        {
            "model": reply.model,
            "content": reply.content,
            "pass": pass_,
            "reask": reask,
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
        }
        for pass_, outcome in enumerate(passes)
        for reask, reply in enumerate(outcome.replies)
    ]
    summed = _summed(scores)
    return summed | ({"passes": scores} if len(scores) > 1 else {}) | {"replies": replies}


def _of_jury(by_member: Mapping[str, Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The runs of a jury: what one judge lacks the jury lacks, since its mean would be that of another jury."""
    return [
        _summed(members) | {"members": dict(zip(by_member, members, strict=True))}
        for members in zip(*by_member.values(), strict=True)
    ]


def _summed(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of equal parts, or their failure: of several, one that another run can mend, if there is one."""
    if failed := [part for part in parts if part["score"] is None]:
        named = min(failed, key=lambda part: part["failure"] not in PASSING_FAILURES)
        return {"score": None, "reference_score": None, "failure": named["failure"], "reason": named["reason"]}
    references = [part["reference_score"] for part in parts]
    return {
        "score": _mean([part["score"] for part in parts]),
        "reference_score": None if None in references else _mean(references),
        "failure": None,
        "reason": None,
    }


def _usage(judge: Judge, replies: Sequence[tuple[str, StoredReply]]) -> dict[str, Any]:
    """Replies, tokens (None: some reply does not tell) and US dollars (None: unknown), of all questions."""
    return {
        "replies": len(replies),
        "prompt_tokens": _sum_or_none([reply.prompt_tokens for _, reply in replies]),
        "completion_tokens": _sum_or_none([reply.completion_tokens for _, reply in replies]),
        "usd": _sum_or_none([judge.each[name].price_of_reply(reply) for name, reply in replies]),
    }


def _mean(values: Sequence[float]) -> float:
    return values[0] if len(values) == 1 else fsum(values) / len(values)


def _sum_or_none(values: Sequence[float | None]) -> float | None:
    """The sum, or None when one of the values is not known."""
    return None if None in values else sum(values)  # type: ignore[arg-type]  # none of them is None
