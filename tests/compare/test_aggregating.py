"""A metric made again from its items: a judged share, in percent, of verdicts from 0 to 1."""

from __future__ import annotations

import pytest

from lmms_eval_ja.compare.bundle.aggregating import Again, Item
from lmms_eval_ja.compare.bundle.scored import Scored

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
