from __future__ import annotations

import math

import pytest

from lmms_eval_ja.judges import MetricItem, Verdict, agreement_facts, position_bias, reported_models, usage_facts
from lmms_eval_ja.judges.verdict import Paid


def run(score: float | None, *passes: tuple[float | None, float | None], model: str = "m", reference=None) -> dict:
    """A run of one judge; `passes` are (answer's, reference's) scores with the reference, then the answer first."""
    content = {"score": score, "reference_score": reference, "replies": [{"model": model}]}
    if passes:
        content["passes"] = [{"score": own, "reference_score": other} for own, other in passes]
    return content


def verdict(*runs: dict, usage: dict | None = None, paid: Paid | None = None) -> Verdict:
    made = Verdict()
    made.finish({"runs": list(runs), "usage": usage, "failure": None}, paid)
    return made


def jury(**scores: float | None) -> dict:
    return {"members": {name: run(score) for name, score in scores.items()}}


def item(made: Verdict, cluster: str) -> MetricItem:
    return MetricItem(sample_id=cluster, answer="答え", cluster=cluster, verdict=made)


# --- agreement ---


def test_three_judges_by_hand():
    # The table of tests/metrics/test_agreement.py: alpha = 1 - (24/9) / 4 = 1/3.
    facts = agreement_facts([verdict(jury(a=1, b=2, c=3)), verdict(jury(a=4, b=4, c=4)), verdict(jury(a=5, b=5, c=2))])
    assert facts["between_judges"] == pytest.approx(1 / 3)
    assert facts["judges"]["a"] == {"mean": pytest.approx(10 / 3), "reference_mean": None, "scored": 3, "failed": 0}
    assert facts["judges"]["c"]["mean"] == 3
    assert "between_repeats" not in facts


def test_a_judge_that_fails_gives_no_rating():
    facts = agreement_facts([verdict(jury(a=1, b=2)), verdict(jury(a=2, b=1)), verdict(jury(a=5, b=None))])
    assert facts["between_judges"] == pytest.approx(-0.5)
    assert facts["judges"]["b"] == {"mean": 1.5, "reference_mean": None, "scored": 2, "failed": 1}


def test_repeats_of_one_judge():
    facts = agreement_facts([verdict(run(1), run(2)), verdict(run(2), run(1))])
    assert facts == {"between_repeats": {"": pytest.approx(-0.5)}}


def test_a_judge_of_a_jury_counts_by_the_mean_of_its_repeats():
    facts = agreement_facts([verdict(jury(a=1, b=2), jury(a=1, b=2)), verdict(jury(a=3, b=1), jury(a=1, b=1))])
    assert facts["between_judges"] == pytest.approx(-0.5)  # (1, 2) and (2, 1)
    assert facts["between_repeats"]["b"] == 1.0


def test_one_verdict_of_one_judge_agrees_with_nobody():
    assert agreement_facts([verdict(run(4))]) == {}
    assert agreement_facts([]) == {}


# --- position ---


def test_position_bias_by_hand():
    # Gaps answer - reference, answer second then first: (-2, 0) and (1, -1): (0 + 2) / 2 = 1 and (-1 - 1) / 2 = -1; of
    # a third answer (-4, 2): 3. Mean 1; the second and the third answer change sides.
    made = [
        verdict(run(7, (6, 8), (8, 8))),
        verdict(run(7, (8, 7), (6, 7))),
        verdict(run(7, (4, 8), (8, 6))),
    ]
    bias = position_bias([item(one, str(k)) for k, one in enumerate(made)])
    assert bias["points"] == pytest.approx(1.0)
    assert bias["flips"] == pytest.approx(2 / 3)
    assert bias["answers"] == 3
    assert bias["ci_low"] < 1 < bias["ci_high"]


def test_position_bias_is_over_repeats_and_judges():
    two = {"members": {"a": run(7, (6, 8), (8, 8)), "b": run(7, (8, 8), (8, 8))}}
    bias = position_bias([item(verdict(two), "x"), item(verdict(run(7, (8, 8), (8, 8)), run(7, (8, 8), (8, 8))), "y")])
    assert bias["points"] == pytest.approx((0.5 + 0) / 2)


def test_no_position_bias_without_both_orders():
    assert position_bias([item(verdict(run(4)), "x")]) is None
    assert position_bias([item(verdict(run(None, (None, None), (8, 8))), "x")]) is None
    assert position_bias([]) is None


# --- models and cost ---


def test_models_by_judge():
    made = [verdict(run(4, model="m-1")), verdict(run(4, model="m-2"), run(4, model="m-1"))]
    assert reported_models(made, "asked") == {"asked": ["m-1", "m-2"]}
    members = {"members": {"a": run(4, model="x"), "b": run(4, model="y")}}
    assert reported_models([verdict(members)], "jury") == {"a": ["x"], "b": ["y"]}


def test_usage_adds_up():
    usage = {"replies": 1, "prompt_tokens": 100, "completion_tokens": 10, "usd": 0.25}
    made = [verdict(run(4), usage=usage, paid=Paid(1, 0.25)), verdict(run(4), usage=usage, paid=Paid(0, 0.0))]
    assert usage_facts(made) == {
        "replies": 2,
        "prompt_tokens": 200,
        "completion_tokens": 20,
        "usd": 0.5,
        "now": {"requests": 1, "usd": 0.25},
    }


def test_what_is_not_known_is_not_guessed():
    known = {"replies": 1, "prompt_tokens": 100, "completion_tokens": 10, "usd": 0.25}
    unknown = {"replies": 1, "prompt_tokens": None, "completion_tokens": None, "usd": None}
    facts = usage_facts([verdict(run(4), usage=known), verdict(run(4), usage=unknown, paid=Paid(1, None))])
    assert (facts["replies"], facts["prompt_tokens"], facts["usd"], facts["now"]["usd"]) == (2, None, None, None)
    assert not math.isnan(facts["now"]["requests"])
