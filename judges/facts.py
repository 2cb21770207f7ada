"""What a task's verdicts tell besides its score: their cost, the agreement of judges, and the bias of an order."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from lmms_eval_ja.judges.scores import CLUSTER, MetricItem
from lmms_eval_ja.judges.verdict import Verdict
from lmms_eval_ja.metrics import krippendorff_alpha, mean

_Run = Mapping[str, Any]


def usage_facts(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What the verdicts cost in all, whoever paid (`usd` None: unknown), and what of it this run sent (`now`).

    Equal requests of two verdicts are one reply in the store but are counted for both.
    """
    usages = [verdict["usage"] for verdict in verdicts]
    total = {
        name: _sum_or_none([usage[name] for usage in usages])
        for name in ("replies", "prompt_tokens", "completion_tokens", "usd")
    }
    now = {
        "requests": sum(verdict.paid.requests for verdict in verdicts),
        "usd": _sum_or_none([verdict.paid.usd for verdict in verdicts]),
    }
    return total | {"now": now}


def reported_models(verdicts: Sequence[Verdict], judge: str) -> dict[str, list[str]]:
    """The models that the servers reported, by judge: the name of a jury's member, or `judge`.

    More than one of a judge means that its name stood for several models (an alias that moved on, or a server that was
    restarted with another model), so that its scores are of a mixture.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for verdict in verdicts:
        for name, run in _runs_by_judge(verdict):
            found[name or judge].update(reply["model"] for reply in run["replies"])
    return {name: sorted(models) for name, models in found.items()}


def agreement_facts(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Krippendorff's alpha (interval) between the judges of a jury, and between the repeats of each judge.

    Ratings are the answers' scores; a judge's failure is a missing rating. Also each judge's own mean.

    Returns:
        `between_judges` (of the mean over repeats; absent without a jury), `between_repeats` by judge (absent for one
        repeat), `judges` with `mean`, `reference_mean`, `scored` and `failed` of each (absent without a jury). A value
        that cannot be computed is None.
    """
    tables: dict[str, list[list[float]]] = defaultdict(list)  # by judge: a row per verdict, a column per repeat
    references: dict[str, list[float]] = defaultdict(list)
    for verdict in verdicts:
        rows = defaultdict(list)
        for name, run in _runs_by_judge(verdict):
            rows[name].append(_or_nan(run["score"]))
            references[name].append(_or_nan(run["reference_score"]))
        for name, row in rows.items():
            tables[name].append(row)
    facts: dict[str, Any] = {}
    if any(len(row) > 1 for table in tables.values() for row in table):
        facts["between_repeats"] = {
            name: _number(krippendorff_alpha(_columns(table))) for name, table in tables.items()
        }
    if len(tables) > 1:
        means = {name: [_mean(row) for row in table] for name, table in tables.items()}
        facts["between_judges"] = _number(krippendorff_alpha(list(means.values())))
        facts["judges"] = {
            name: {
                "mean": _number(_mean_of_known(own)),
                "reference_mean": _number(_mean_of_known(references[name])),
                "scored": sum(not math.isnan(value) for value in own),
                "failed": sum(math.isnan(value) for value in own),
            }
            for name, own in means.items()
        }
    return facts


def position_bias(items: Sequence[MetricItem]) -> dict[str, Any] | None:
    """What standing first is worth, for answers that were compared with the reference in both orders; else None.

    Points are of the protocol's scale: half of what the gap between answer and reference grows by when the answer goes
    from the second to the first place, averaged over repeats, judges and answers; 0 is no bias. `flips` is the share of
    the pairs of questions in which one order prefers the answer and the other the reference.
    """
    gains, clusters, flips = [], [], []
    for item in items:
        gaps = [gap for _, run in _runs_by_judge(item.verdict) if (gap := _gaps(run)) is not None]
        if gaps:
            gains.append(fmean((answer_first - answer_second) / 2 for answer_second, answer_first in gaps))
            clusters.append(str(item[CLUSTER]))
            flips += [first * second < 0 for second, first in gaps]
    if not gains:
        return None
    estimate = mean(gains, clusters)
    return {
        "points": estimate.value,
        "ci_low": _number(estimate.ci_low),
        "ci_high": _number(estimate.ci_high),
        "flips": fmean(flips),
        "answers": len(gains),
    }


def _gaps(run: _Run) -> tuple[float, float] | None:
    """Answer's score minus reference's with the answer in the second and in the first place, if both are there."""
    passes = run.get("passes") or ()
    if len(passes) != 2 or any(one["score"] is None or one["reference_score"] is None for one in passes):  # noqa: PLR2004
        return None
    second, first = (one["score"] - one["reference_score"] for one in passes)
    return second, first


def _runs_by_judge(verdict: Verdict | None) -> Iterator[tuple[str, _Run]]:
    """Each run of each judge; a judge alone has the name ""."""
    for run in verdict["runs"] if verdict is not None else ():
        yield from (run.get("members") or {"": run}).items()


def _columns(table: Sequence[Sequence[float]]) -> list[list[float]]:
    width = max(map(len, table))
    return [[row[n] if n < len(row) else math.nan for row in table] for n in range(width)]


def _mean(values: Sequence[float]) -> float:
    return math.nan if any(map(math.isnan, values)) else fmean(values)


def _mean_of_known(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return fmean(known) if known else math.nan


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _sum_or_none(values: Sequence[float | None]) -> float | None:
    return None if None in values else sum(values)  # type: ignore[arg-type]  # none of them is None
