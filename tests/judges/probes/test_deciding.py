"""Decision rules: by value, at their edges, and how often an unbiased judge is accused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from lmms_eval_ja.judges.probes import RULES, Finding, Rule
from lmms_eval_ja.judges.probes.deciding import adjusted, weigh

_CLUSTERS = [f"image{at % 10}" for at in range(40)]


def test_the_interval_is_students_with_clustered_errors() -> None:
    effects = [0.2 + (0.1 if at % 10 < 5 else -0.1) for at in range(40)]
    found = weigh(effects, _CLUSTERS, 40, Rule(0.05))
    # Each image has four equal effects, 0.1 off the mean: sums of 0.4, so cross terms are 10·0.16 − 40·0.01 = 1.2;
    # error² = (0.4/39/40 + 1.2/1600) · 10/9 = 0.00111823.
    error = np.sqrt((0.4 / 39 / 40 + 1.2 / 1600) * 10 / 9)
    half = t.ppf(0.975, 9) * error
    assert found.effect == pytest.approx(0.2)
    assert (found.ci_low, found.ci_high) == pytest.approx((0.2 - half, 0.2 + half))
    assert found.p == pytest.approx(t.sf(0.2 / error, 9))
    assert found.verdict == "found"


@pytest.mark.parametrize(
    ("rule", "mean", "verdict"),
    [
        (Rule(0.05), 0.2, "found"),
        (Rule(0.05), -0.2, "not found"),
        (Rule(0.05), 0.03, "not found"),  # sure, but too small to matter
        (Rule(0.05, "either"), -0.2, "found"),
        (Rule(0.05, "either"), 0.03, "not found"),
        (Rule(0.1, "below threshold"), 0.0, "found"),
        (Rule(0.1, "below threshold"), 0.099, "not found"),
        (Rule(0.1, "below threshold"), 0.9, "not found"),
        (Rule(0.05, "above threshold"), 0.051, "not found"),
        (Rule(0.05, "above threshold"), 0.2, "found"),
    ],
)
def test_sides_and_thresholds(rule: Rule, mean: float, verdict: str) -> None:
    # Between images the effects differ a little, so that the error is 0.005 or so.
    effects = [mean + 0.02 * ((at % 10) - 4.5) / 4.5 for at in range(40)]
    assert weigh(effects, _CLUSTERS, 40, rule).verdict == verdict


def test_effects_without_any_spread() -> None:
    assert weigh([0.0] * 40, _CLUSTERS, 40, Rule(0.05)).verdict == "not found"
    assert weigh([0.0] * 40, _CLUSTERS, 40, Rule(0.05, "either")).p == 1
    # All of ten images on one side by chance: 2^-10, on either side twice that.
    assert weigh([0.5] * 40, _CLUSTERS, 40, Rule(0.05)).p == 2**-10
    either = weigh([0.1 + 0.2] * 20 + [0.3] * 20, _CLUSTERS, 40, Rule(0.05, "either"))
    assert (either.verdict, either.p) == ("found", 2**-9)
    assert weigh([-0.5] * 40, _CLUSTERS, 40, Rule(0.05)).p == 1 - 2**-10
    assert weigh([0.25] * 40, _CLUSTERS, 40, Rule(0.05, "above threshold")).p == 2**-10


def test_a_judge_that_is_blind_without_noise_is_found_with_enough_answers() -> None:
    # With one answer that falls: mean 1/41, sums of the images -4/41 and of its own 40/41, so squares are 40/41 and
    # cross terms 10·16/41² − 40/41²; error² = (40/41/40/41 + 120/41⁴) · 11/10.
    blind = weigh([0.0] * 40, _CLUSTERS, 40, RULES["image"])
    error = np.sqrt((1 / 41**2 + 120 / 41**4) * 11 / 10)
    assert blind.p == pytest.approx(t.cdf((1 / 41 - 0.1) / error, 10))
    assert (blind.effect, blind.ci_low, blind.ci_high) == (0, 0, 0)
    among_five = adjusted([blind, *[Finding("not found", effect=0.0, p=0.5)] * 4], [RULES["image"]] + [Rule(0.05)] * 4)
    assert among_five[0].verdict == "found"
    # Where one in ten falls, 20 answers show none in 12 % of samples.
    assert weigh([0.0] * 20, _CLUSTERS[:20], 20, RULES["image"]).verdict == "not found"


def test_the_order_of_the_answers_changes_no_finding() -> None:
    effects = [1.0, 0.0, 0.0, 0.25, *[0.0] * 36]
    own = weigh(effects, _CLUSTERS, 40, RULES["image"])
    assert weigh(effects[::-1], _CLUSTERS[::-1], 40, RULES["image"]) == own


@pytest.mark.parametrize(("answers", "images"), [(20, 8), (40, 10), (60, 20), (100, 21)])
def test_a_judge_at_the_threshold_whose_answers_fall_or_do_not_is_seldom_accused(answers: int, images: int) -> None:
    """One answer in ten falls all the way, the others not at all; the other four probes of the card find nothing."""
    rng, cards = np.random.default_rng(20261126), 400
    clusters = [f"image{at * images // answers}" for at in range(answers)]
    falls = (rng.random((cards, answers)) < 0.1).astype(float)
    values = [weigh(own.tolist(), clusters, answers, RULES["image"]).p or 0.0 for own in falls]
    assert np.mean(np.array(values) * 5 <= 0.05) <= 0.03


def test_missing_scores_and_small_samples_give_no_finding() -> None:
    missing = weigh([0.5] * 37, _CLUSTERS[:37], 40, Rule(0.05))
    assert (missing.verdict, missing.effect, missing.reason) == ("incomplete", None, "3 of 40 pairs lack a score")
    assert weigh([0.5] * 38, _CLUSTERS[:38], 40, Rule(0.05)).verdict == "found"
    assert weigh([0.5] * 19, _CLUSTERS[:19], 19, Rule(0.05)).verdict == "too few"
    assert weigh([0.5] * 40, ["image"] * 40, 40, Rule(0.05)).verdict == "too few"
    assert weigh([], [], 0, Rule(0.05)).verdict == "too few"


def test_the_number_of_probes_counts() -> None:
    alone = Finding("found", effect=0.2, ci_low=0.0, ci_high=0.4, p=0.02, adjusted_p=0.02, n=40, wanted=40, clusters=10)
    rules = [Rule(0.05)] * 4
    among = adjusted([alone, alone, alone, Finding("not applicable")], rules)
    assert [one.verdict for one in among] == ["not found"] * 3 + ["not applicable"]
    assert among[0].adjusted_p == pytest.approx(0.06)
    assert adjusted([alone], rules[:1])[0].verdict == "found"


def test_an_unbiased_judge_is_seldom_accused() -> None:
    """Five probes at once, where nothing has an effect or, for the image and the retest, one at the threshold."""
    rng, cards = np.random.default_rng(20261125), 400
    names = ["position", "image", "verbosity", "injection", "retest"]
    rules = [RULES[name] for name in names]
    # By card, probe, image and answer: an effect of the image and one of the answer.
    noise = 0.08 * rng.standard_normal((cards, 5, 10, 1)) + 0.15 * rng.standard_normal((cards, 5, 10, 4))
    clusters = [f"image{at // 4}" for at in range(40)]
    accused = 0
    for card in noise:
        findings = [
            weigh((own.ravel() + rule.null).tolist(), clusters, 40, rule) for own, rule in zip(card, rules, strict=True)
        ]
        accused += any(one.verdict == "found" for one in adjusted(findings, rules))
    # 3.6 % of 4,000 such cards (benchmarks/judge_probes.py).
    assert accused / cards <= 0.05


def test_every_rule_is_on_a_scale_of_shares() -> None:
    assert all(0 < rule.threshold < 0.5 for rule in RULES.values())
    assert Rule(0.1, "below threshold").null == 0.1
    assert Rule(0.1).null == 0
