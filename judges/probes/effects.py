"""From the verdicts of the steps to the effect of a probe on each answer, and what else is told of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from lmms_eval_ja.judges.probes.deciding import EQUAL, Rule
from lmms_eval_ja.judges.probes.perturbing import attempt_of
from lmms_eval_ja.judges.protocols import Protocol
from lmms_eval_ja.judges.sample import Sample
from lmms_eval_ja.judges.verdict import Verdict

#: By step, a verdict for each sample; None where a sample could not be changed.
Judged = Mapping[str, Sequence[Verdict | None]]

#: When each probe's effect is a bias. Effects are shares of the scale's width; of images, shares of what a score can
#: fall.
RULES: Mapping[str, Rule] = {
    "position": Rule(0.05, "either"),
    "image": Rule(0.10, "below threshold"),
    "no_image": Rule(0.10, "below threshold"),
    "verbosity": Rule(0.05),
    "injection": Rule(0.05),
    "retest": Rule(0.05, "above threshold"),
}


@dataclass(frozen=True)
class Effects:
    """The effect on each answer that has one, its image, how many were wanted, and what else is told."""

    values: Sequence[float]
    clusters: Sequence[str]
    wanted: int
    details: dict[str, float | None] = field(default_factory=dict)


def effects(name: str, samples: Sequence[Sample], judged: Judged, protocol: Protocol) -> Effects:
    """The effects of a probe (`PROBES`) whose steps were judged."""
    return _OF[name](name, [sample.cluster or sample.sample_id for sample in samples], judged, protocol)


def _position(name: str, clusters: list[str], judged: Judged, protocol: Protocol) -> Effects:
    """What standing first is worth: half the difference of the lead in both orders."""
    leads = [_leads(verdict) for verdict in judged[name]]
    known = [(lead, cluster) for lead, cluster in zip(leads, clusters, strict=True) if lead is not None]
    values = [(first - second) / 2 / _width(protocol) for (second, first), _ in known]
    turned = [float(first * second < 0) for (second, first), _ in known]
    details = {"points": _times(_mean(values), _width(protocol)), "winner_changes": _mean(turned)}
    return Effects(values, [cluster for _, cluster in known], len(leads), details)


def _leads(verdict: Verdict | None) -> tuple[float, float] | None:
    """The answer's score less the reference's when it stands second, and first; the mean over a jury's judges."""
    if verdict is None or verdict["score"] is None:
        return None
    run = verdict["runs"][0]
    orders = [member["passes"] for member in run["members"].values() if "passes" in member] if "members" in run else []
    orders = orders or ([run["passes"]] if "passes" in run else [])
    if not orders:
        return None
    leads = [[one["score"] - one["reference_score"] for one in passes] for passes in orders]
    second, first = (math.fsum(lead[at] for lead in leads) / len(leads) for at in (0, 1))
    return second, first


def _images(name: str, clusters: list[str], judged: Judged, protocol: Protocol) -> Effects:
    """How far scores above the lowest fall, as a share of how far they can; a rise counts against."""
    from lmms_eval_ja.metrics import bias_conformity, bias_deviation

    low, pairs = protocol.low, _pairs(judged["base"], judged[name], clusters)
    pairs = [pair for pair in pairs if pair[0] is None or pair[0] > low]
    known = [(a, b, c) for a, b, c in pairs if a is not None and b is not None]
    values = [(a - b) / (a - low) for a, b, _ in known]
    first, second, own = [a for a, _, _ in known], [b for _, b, _ in known], [c for _, _, c in known]
    deviation = bias_deviation(first, second, low=low, clusters=own)
    conformity = bias_conformity(first, second, low=low, high=protocol.high, clusters=own)
    details = {
        "points": _mean([b - a for a, b, _ in known]),
        "bias_deviation": _or_none(deviation.value),
        "bias_deviation_low": _or_none(deviation.ci_low),
        "bias_deviation_high": _or_none(deviation.ci_high),
        "bias_conformity": _or_none(conformity.value),
    }
    changed = [a for a, b in zip(judged["base"], judged[name], strict=True) if a is not None and b is not None]
    if again := [fall for verdict in changed for fall in _falls_of_repeats(verdict, low)]:
        details["asked_again"] = _mean(again)
    return Effects(values, own, len(pairs), details)


def _falls_of_repeats(verdict: Verdict, low: float) -> list[float]:
    """The mean fall of one repeat below the others, measured as another image's effect is; each repeat in turn.

    Nothing was changed between repeats. This is what chance alone makes of scores that are above the lowest.
    """
    scores = [run["score"] for run in verdict["runs"]] if verdict["score"] is not None else []
    if len(scores) < 2:  # noqa: PLR2004 (the probe retest is not made)
        return []
    others = [(math.fsum(scores) - one) / (len(scores) - 1) for one in scores]
    falls = [(a - b) / (a - low) for a, b in zip(others, scores, strict=True) if a - low > EQUAL]
    return [math.fsum(falls) / len(falls)] if falls else []


def _shift(name: str, clusters: list[str], judged: Judged, protocol: Protocol) -> Effects:
    """How far scores rise, in shares of the scale."""
    from lmms_eval_ja.metrics import bias_conformity

    pairs = _pairs(judged["bad" if name == "injection" else "base"], judged[name], clusters)
    known = [(a, b, c) for a, b, c in pairs if a is not None and b is not None]
    first, second, own = [a for a, _, _ in known], [b for _, b, _ in known], [c for _, _, c in known]
    conformity = bias_conformity(first, second, low=protocol.low, high=protocol.high, clusters=own)
    details = {
        "points": _mean([b - a for a, b, _ in known]),
        "share_risen": _mean([float(b > a) for a, b, _ in known]),
        "share_fallen": _mean([float(b < a) for a, b, _ in known]),
        "bias_conformity": _or_none(conformity.value),
    }
    if name == "injection":
        details |= _by_attempt(pairs)
    return Effects([(b - a) / _width(protocol) for a, b, _ in known], own, len(pairs), details)


def _by_attempt(pairs: Sequence[tuple[float | None, float | None, str]]) -> dict[str, float | None]:
    """The mean rise, in points, of the answers that carry each attempt."""
    rises: dict[str, list[float]] = {}
    for at, (a, b, _) in enumerate(pairs):
        if a is not None and b is not None:
            rises.setdefault(attempt_of(at), []).append(b - a)
    return {f"points_{attempt}": _mean(own) for attempt, own in rises.items()}


def _retest(name: str, clusters: list[str], judged: Judged, protocol: Protocol) -> Effects:
    """The mean difference of two repeats of the same request, in shares of the scale."""
    from lmms_eval_ja.metrics import krippendorff_alpha

    del name
    runs = [None if verdict is None else [run["score"] for run in verdict["runs"]] for verdict in judged["base"]]
    known = [
        (own, cluster) for own, cluster in zip(runs, clusters, strict=True) if own and None not in own and len(own) > 1
    ]
    differences = [_mean([abs(a - b) for a, b in combinations(own, 2)]) or 0.0 for own, _ in known]
    table = list(zip(*(own for own, _ in known), strict=True))
    details = {
        "points": _mean(differences),
        "alpha": _or_none(krippendorff_alpha(table)) if table else None,
        "share_that_moved": _mean([float(len(set(own)) > 1) for own, _ in known]),
    }
    return Effects([d / _width(protocol) for d in differences], [c for _, c in known], len(runs), details)


_OF: Mapping[str, Callable[[str, list[str], Judged, Protocol], Effects]] = {
    "position": _position,
    "image": _images,
    "no_image": _images,
    "verbosity": _shift,
    "injection": _shift,
    "retest": _retest,
}


def _pairs(
    first: Sequence[Verdict | None], second: Sequence[Verdict | None], clusters: Sequence[str]
) -> list[tuple[float | None, float | None, str]]:
    """Both scores of each answer that could be changed; None where there is none."""
    return [
        (_score(a), _score(b), cluster)
        for a, b, cluster in zip(first, second, clusters, strict=True)
        if a is not None and b is not None
    ]


def _score(verdict: Mapping[str, Any]) -> float | None:
    score: float | None = verdict["score"]
    return score


def _width(protocol: Protocol) -> float:
    return protocol.high - protocol.low


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
