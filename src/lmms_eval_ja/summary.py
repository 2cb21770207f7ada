"""What a run says of its judging, in sentences: whose verdicts these are, what they cost, how far judges agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def warnings(section: Mapping[str, Any]) -> Iterator[str]:
    """What makes the scores of a results section (`results["lmms_eval_ja"]`) doubtful."""
    said: dict[str, list[str]] = {}
    for task, name, facts in _judged(section):
        for warning in facts.get("warnings") or ():
            said.setdefault(warning, []).append(f"{task} ({name})")
    for warning, of in said.items():
        yield f"{', '.join(of)}: {warning}"
    for task, name, facts in _judged(section):
        for judge, models in facts["models"].items():
            if len(models) > 1:
                yield (
                    f"{task}: the judge {judge} ({name}) answered as {', '.join(models)}: its name stood for several "
                    "models, and the score mixes their verdicts; name a dated snapshot, or judge again with a new store"
                )


def sentences(section: Mapping[str, Any]) -> Iterator[str]:
    """What else there is to say, a line for each task and protocol."""
    for task, name, facts in _judged(section):
        said = [_cost(facts["usage"])]
        if "usage_of_anchors" in facts:
            said.append(f"recorded answers: {_cost(facts['usage_of_anchors'])}")
        agreement = facts["agreement"]
        if (alpha := agreement.get("between_judges")) is not None:
            said.append(f"agreement of the jury: alpha {alpha:.3f}")
        for judge, alpha in agreement.get("between_repeats", {}).items():
            if alpha is not None:
                said.append(f"agreement of {judge or 'the judge'} with itself: alpha {alpha:.3f}")
        if bias := facts["position_bias"]:
            said.append(f"standing first is worth {bias['points']:+.2f} points")
        yield f"{task}, {name}: {'; '.join(said)}"
    for task, facts in section["tasks"].items():
        for metric, score in (facts.get("scores") or {}).items():
            if (undefined := score.get("undefined")) is not None:
                yield f"{task}, {metric}: {undefined}"


def _cost(usage: Mapping[str, Any]) -> str:
    now = usage["now"]
    sent = f"{now['requests']:,} of {usage['replies']:,} replies were asked for now"
    if usage["usd"] is not None and now["usd"] is not None:
        return f"{sent} (${now['usd']:.4f} of ${usage['usd']:.4f})" if usage["usd"] else sent
    if usage["prompt_tokens"] is None or usage["completion_tokens"] is None:
        return sent
    return f"{sent} ({usage['prompt_tokens']:,} tokens in and {usage['completion_tokens']:,} out, of no known price)"


def _judged(section: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for task, facts in section["tasks"].items():
        for name, judging in (facts["judging"] or {}).items():
            yield task, name, judging
