"""What raters preferred: how often each of two stood higher, with an interval."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from statistics import fmean

from lmms_eval_ja.labelling.items import Item
from lmms_eval_ja.labelling.store import TIE, LabelStore


@dataclass(frozen=True)
class Preference:
    """Two models, or two judges, as raters compared them.

    Attributes:
        first, second: names.
        items: compared by anybody.
        ratings: by all raters together.
        wins, ties, losses: ratings for the first, for neither, for the second.
        share: of the first, in %: mean over the items of the mean over their raters, a tie as half.
        ci_low, ci_high: ends of the 95 % interval, clustered by picture; None where there is none.
        wins_share: in % as `share`, but a tie counts as no win.
        left: share of the ratings without a tie that are for the left side, in %; far from 50 is a habit of raters.
    """

    first: str
    second: str
    items: int
    ratings: int
    wins: int
    ties: int
    losses: int
    share: float
    ci_low: float | None
    ci_high: float | None
    wins_share: float
    left: float | None


def preferences(store: LabelStore, items: Collection[Item]) -> list[Preference]:
    """Of every two among some items that were compared, in the order of their names."""
    wanted = set(items)
    found: dict[tuple[str, ...], dict[Item, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for rater in store.raters:
        for item, entry in store.entries(rater).items():
            if entry.value is not None and item in wanted:
                found[item.names][item].append((str(entry.value), entry.left))
    return list(_all(found))


def _all(found: dict[tuple[str, ...], dict[Item, list[tuple[str, str]]]]) -> Iterator[Preference]:
    from lmms_eval_ja.metrics import mean

    for (first, second), by_item in sorted(found.items()):
        worth = {first: 1.0, TIE: 0.5, second: 0.0}
        said = [one for own in by_item.values() for one in own]
        counts = {name: sum(value == name for value, _ in said) for name in worth}
        estimate = mean(
            [100 * fmean(worth[value] for value, _ in own) for own in by_item.values()],
            [(item.task, item.image or f"\0{item.doc_id}") for item in by_item],
        )
        decided = [value == left for value, left in said if value != TIE]
        yield Preference(
            first=first,
            second=second,
            items=len(by_item),
            ratings=len(said),
            wins=counts[first],
            ties=counts[TIE],
            losses=counts[second],
            share=estimate.value,
            ci_low=None if math.isnan(estimate.ci_low) else estimate.ci_low,
            ci_high=None if math.isnan(estimate.ci_high) else estimate.ci_high,
            wins_share=fmean(100 * fmean(value == first for value, _ in own) for own in by_item.values()),
            left=100 * fmean(decided) if decided else None,
        )
