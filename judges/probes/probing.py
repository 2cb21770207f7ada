"""Asking a judge for its probes, through the engine, and what they found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lmms_eval_ja.judges.engine import Engine
from lmms_eval_ja.judges.probes.deciding import Finding, adjusted, weigh
from lmms_eval_ja.judges.probes.effects import RULES, effects
from lmms_eval_ja.judges.probes.steps import Plan, Step
from lmms_eval_ja.judges.protocols import Protocol
from lmms_eval_ja.judges.verdict import Verdict


@dataclass(frozen=True)
class Probe:
    """A probe of a judge: what it found, numbers beside it, and failures of its verdicts by kind."""

    name: str
    finding: Finding
    details: dict[str, float | None] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Probed:
    """All probes, and what they took.

    Attributes:
        probes: in the order of the plan.
        models: as the server reports them.
        requests: that went out now.
        usd: their price; None: of an unknown price.
        mean: of the scores as usual; None without any.
        scored: how many answers have one.
    """

    probes: Sequence[Probe]
    models: Sequence[str]
    requests: int
    usd: float | None
    mean: float | None
    scored: int


#: Steps whose verdicts a probe rests on.
_RESTS_ON = {"injection": ("bad", "injection"), "retest": ("base",), "position": ("position",)}


def probe_judge(plan: Plan, protocol: Protocol, store: Path, *, budget_usd: float | None = None) -> Probed:
    """Judge all steps of a plan and decide on each probe.

    Replies in the store are neither asked for nor paid again. A step with failures is not repeated: they are counted.

    Args:
        plan: what is asked (`plan`).
        protocol: by which.
        store: the file of replies.
        budget_usd: what all steps may cost together.

    Raises:
        AssetError: the protocol needs a file that is not there.
    """
    protocol.check()
    judged: dict[str, Sequence[Verdict | None]] = {}
    left = budget_usd
    for name, step in plan.steps.items():
        judged[name] = _judged(step, protocol, store, left)
        if left is not None:
            left = max(0.0, left - sum(v.paid.usd or 0.0 for v in judged[name] if v is not None))
    base = [sample for sample in plan.steps["base"].samples if sample is not None]
    probes = []
    for name in plan.probes:
        if why := plan.excluded.get(name):
            probes.append(Probe(name, Finding("not applicable", why)))
            continue
        found = effects(name, base, judged, protocol)
        failures = Counter(
            str(verdict["failure"])
            for step in _RESTS_ON.get(name, ("base", name))
            for verdict in judged[step]
            if verdict is not None and verdict["failure"] is not None
        )
        finding = weigh(found.values, found.clusters, found.wanted, RULES[name])
        probes.append(Probe(name, finding, found.details, dict(failures)))
    findings = adjusted([one.finding for one in probes], [RULES[one.name] for one in probes])
    verdicts = [verdict for own in judged.values() for verdict in own if verdict is not None]
    scores = [v["score"] for v in judged["base"] if v is not None and v["score"] is not None]
    prices = [verdict.paid.usd for verdict in verdicts]
    return Probed(
        [Probe(one.name, f, one.details, one.failures) for one, f in zip(probes, findings, strict=True)],
        sorted({model for verdict in verdicts for model in verdict["models"]}),
        sum(verdict.paid.requests for verdict in verdicts),
        None if None in prices else sum(price or 0.0 for price in prices),
        sum(scores) / len(scores) if scores else None,
        len(scores),
    )


def _judged(step: Step, protocol: Protocol, store: Path, budget_usd: float | None) -> list[Verdict | None]:
    engine = Engine(step.judge, store, budget_usd=budget_usd)
    try:
        verdicts = [None if sample is None else engine.submit(sample, protocol) for sample in step.samples]
        for verdict in verdicts:
            if verdict is not None:
                verdict.wait()
    finally:
        engine.close()
    return verdicts
