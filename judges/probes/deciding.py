"""From the effects of a probe on single answers to a finding, with the number of probes taken into account."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Verdict = Literal["found", "not found", "not applicable", "too few", "incomplete"]
#: Of all probes of a card together.
LEVEL = 0.05
#: Fewer answers, or images, than these say nothing.
FEWEST_ANSWERS, FEWEST_CLUSTERS = 20, 8
#: A smaller share of pairs with both scores is no finding.
COVERAGE = 0.95
#: Effects that differ by less are the same.
EQUAL = 1e-9
_OWN_IMAGE = "\0one more"


@dataclass(frozen=True)
class Rule:
    """When an effect is a bias.

    Attributes:
        threshold: the least effect that matters, in the unit of the effect.
        side: "above": the mean effect is above 0 and at least the threshold. "either": the same of its size.
            "above threshold", "below threshold": the mean is shown to lie beyond the threshold.
    """

    threshold: float
    side: Literal["above", "either", "above threshold", "below threshold"] = "above"

    @property
    def null(self) -> float:
        """The mean effect that is tested."""
        return self.threshold if self.side.endswith("threshold") else 0.0


@dataclass(frozen=True)
class Finding:
    """What a probe found.

    Attributes:
        verdict: of the rule, or why there is none.
        reason: in a sentence, where there is none.
        effect, ci_low, ci_high: mean effect and its 95 % interval; None where there is none.
        p: of the test, and adjusted for the other probes (Holm); None where nothing was tested.
        n: pairs with both scores.
        wanted: pairs that were asked for.
        clusters: images among the pairs.
    """

    verdict: Verdict
    reason: str = ""
    effect: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p: float | None = None
    adjusted_p: float | None = None
    n: int = 0
    wanted: int = 0
    clusters: int = 0


def weigh(effects: Sequence[float], clusters: Sequence[str], wanted: int, rule: Rule) -> Finding:
    """The mean effect with its interval and p value; the verdict is still that of one probe alone.

    Student's t with one degree of freedom less than the G clusters, and a standard error clustered by them, times
    √(G/(G − 1)). Where every effect is the same, p is that of all G clusters on one side by chance: 2^−G, twice that
    for "either". A mean below the threshold has to be below it also with one more answer, on an image of its own, that
    falls all the way: else no answer that happens to fall would be taken for none that can.

    Args:
        effects: one for each pair with both scores, shape (n,).
        clusters: the image of each, shape (n,).
        wanted: how many pairs were asked for.
        rule: of the decision.
    """
    from scipy.special import stdtrit

    n, groups = len(effects), len(set(clusters))
    found = Finding("not found", n=n, wanted=wanted, clusters=groups)
    if n < COVERAGE * wanted:
        return replace(found, verdict="incomplete", reason=f"{wanted - n} of {wanted} pairs lack a score")
    if n < FEWEST_ANSWERS or groups < FEWEST_CLUSTERS:
        reason = f"{n} answers on {groups} images; at least {FEWEST_ANSWERS} on {FEWEST_CLUSTERS} are needed"
        return replace(found, verdict="too few", reason=reason)
    mean, error = _mean_and_error(effects, clusters)
    half = float(stdtrit(groups - 1, 1 - LEVEL / 2)) * error
    p = _p_value(effects, clusters, rule)
    if rule.side == "below threshold":
        p = max(p, _p_value([*effects, 1.0], [*clusters, _OWN_IMAGE], rule))
    found = replace(found, effect=mean, ci_low=mean - half, ci_high=mean + half, p=p)
    return _decided(found, rule, p)


def _p_value(effects: Sequence[float], clusters: Sequence[str], rule: Rule) -> float:
    from scipy.special import stdtr

    mean, error = _mean_and_error(effects, clusters)
    groups, distance = len(set(clusters)), mean - rule.null
    if error > EQUAL:
        above = float(stdtr(groups - 1, -distance / error))
    else:
        above = 0.5 if abs(distance) <= EQUAL else 2.0**-groups if distance > 0 else 1 - 2.0**-groups
    return {"either": 2 * min(above, 1 - above), "below threshold": 1 - above}.get(rule.side, above)


def _mean_and_error(effects: Sequence[float], clusters: Sequence[str]) -> tuple[float, float]:
    from lmms_eval_ja.metrics import clustered_standard_error

    mean, groups = math.fsum(effects) / len(effects), len(set(clusters))
    error = clustered_standard_error([effect - mean for effect in effects], list(clusters))
    return mean, error * math.sqrt(groups / (groups - 1))  # without it 10 images accuse 5.5 % of fair judges


def adjusted(findings: Sequence[Finding], rules: Sequence[Rule]) -> list[Finding]:
    """The findings of all probes of a card, each p value adjusted for the others (Holm)."""
    import numpy as np

    from lmms_eval_ja.metrics import holm

    raw = np.array([math.nan if one.p is None else one.p for one in findings], dtype=np.float64)
    return [
        one if one.p is None else _decided(one, rule, float(p))
        for one, rule, p in zip(findings, rules, holm(raw), strict=True)
    ]


def _decided(found: Finding, rule: Rule, p: float) -> Finding:
    effect = found.effect or 0.0
    size = abs(effect) if rule.side == "either" else effect
    matters = rule.side.endswith("threshold") or size >= rule.threshold
    return replace(found, adjusted_p=p, verdict="found" if p <= LEVEL and matters else "not found")
