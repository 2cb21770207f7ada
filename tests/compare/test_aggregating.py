"""A metric made again from its items: a judged share, in percent, of verdicts from 0 to 1; alignment and dispersion."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from lmms_eval_ja.compare.bundle.aggregating import Again, Item
from lmms_eval_ja.compare.bundle.scored import Scored
from lmms_eval_ja.judges import AGGREGATIONS, PROMPT_CLUSTER, MetricItem

SCORES = [1.0, 1.0, 0.0, 1.0]
#: s² = 10,000 · 3/4 · 1/4 · 4/3 = 2,500, over 4 documents, each its own cluster: 25.
ERROR = 25.0


def again(value: float, influences: list[float]) -> Again:
    """The metric as recorded, beside items with the scores."""
    facts = {"value": value, "n": 4, "scored": 4, "runs": [value], "standard_error": ERROR}
    scored = Scored(
        file="x_samples_t.jsonl",
        model="m",
        task="t",
        rows=[],
        facts={"scores": {"accuracy_judged": facts}},
        printed={"accuracy_judged,none": value},
        aggregations={"accuracy_judged": "percent_ja"},
        generation={},
        packages={},
    )
    items = [
        Item(n, "", [(score, None)], None, {"influence": influence, "cluster": str(n)})
        for n, (score, influence) in enumerate(zip(SCORES, influences, strict=True))
    ]
    return Again(scored, "accuracy_judged", items)


def test_a_judged_share_comes_out_as_recorded() -> None:
    assert list(again(75.0, [100.0, 100.0, 0.0, 100.0]).mismatches()) == []


@pytest.mark.parametrize(
    ("value", "influences"), [(80.0, [100.0, 100.0, 0.0, 100.0]), (75.0, [100.0, 1.0, 0.0, 100.0])]
)
def test_what_differs_is_named(value: float, influences: list[float]) -> None:
    assert list(again(value, influences).mismatches()) != []


def within_clusters(aggregation: str, clusters: Sequence[Sequence[float]]) -> tuple[Again, dict[str, float | None]]:
    """A metric of questions in several wordings, recorded as our aggregation gives it; and what is recorded."""
    made = []
    for n, members in enumerate(clusters):
        for score in members:
            made.append(MetricItem(sample_id=str(len(made)), answer="", cluster=f"image{n}", value=score))
            made[-1][PROMPT_CLUSTER] = str(n)
    score = AGGREGATIONS[aggregation](made)
    error = score.estimate.standard_error
    facts = {"value": None if math.isnan(score) else float(score), "n": len(made), "scored": len(made)}
    facts |= {"runs": list(score.report.runs), "standard_error": None if math.isnan(error) else error}
    scored = Scored(
        file="x_samples_t.jsonl", model="m", task="t", rows=[], facts={"scores": {"a": facts}},
        printed={"a,none": float(score)}, aggregations={"a": aggregation}, generation={}, packages={},
    )  # fmt: skip
    items = [Item(n, "", [(item.value or 0.0, None)], None, dict(item)) for n, item in enumerate(made)]
    return Again(scored, "a", items), facts


@pytest.mark.parametrize("aggregation", ["alignment_ja", "dispersion_ja"])
@pytest.mark.parametrize(
    "clusters", [[[3, 5], [2, 2, 5], [4]], [[3, 3], [4.3] * 3], [[3, 5], [4]], [[3], [4]]], ids=str
)
def test_questions_in_several_wordings(aggregation: str, clusters: list[list[float]]) -> None:
    again, facts = within_clusters(aggregation, clusters)
    assert list(again.mismatches()) == []
    facts["value"] = 7.0
    assert "value" in next(again.mismatches()).what
