"""Sample, order, sides and names: from seeds, balanced, and telling nothing."""

from __future__ import annotations

from collections import Counter

import pytest

from lmms_eval_ja.labelling.blind import is_swapped, opaque, order, sample
from lmms_eval_ja.labelling.items import Item, LabelError, whole_scale

ITEMS = [
    Item(task, doc_id, (model,), ("text",)) for task in ("t", "u") for model in ("a", "b", "c") for doc_id in range(10)
]


def test_a_sample_has_whole_documents_of_all_models_and_tasks():
    drawn = sample(ITEMS, 12, 0)
    assert len(drawn) == 12
    assert Counter(item.names[0] for item in drawn) == {"a": 4, "b": 4, "c": 4}
    assert Counter(item.task for item in drawn) == {"t": 6, "u": 6}
    assert drawn == sample(ITEMS, 12, 0)
    assert drawn != sample(ITEMS, 12, 1)
    assert drawn == [item for item in ITEMS if item in drawn]


@pytest.mark.parametrize("limit", [1, 7, 23, 59])
def test_models_differ_by_one_a_task_and_a_greater_sample_holds_a_smaller(limit):
    drawn = sample(ITEMS, limit, 3)
    assert len(drawn) == limit
    for task in ("t", "u"):
        own = [sum(item.names == (name,) for item in drawn if item.task == task) for name in "abc"]
        assert max(own) - min(own) <= 1
    assert set(drawn) <= set(sample(ITEMS, limit + 5, 3))


def test_without_a_limit_all_are_rated():
    assert sample(ITEMS, None, 0) == ITEMS
    assert sample(ITEMS, 1000, 0) == ITEMS


def test_each_rater_has_an_order_that_stays():
    first, second = order(ITEMS, 0, "A"), order(ITEMS, 0, "B")
    assert first == order(ITEMS, 0, "A")
    assert first != second
    assert Counter(first) == Counter(second) == Counter(ITEMS)


def test_sides_are_a_fair_coin_of_item_and_rater():
    pairs = [Item("t", doc_id, ("a", "b"), ("x", "y")) for doc_id in range(400)]
    swapped = [is_swapped(item, 0, "A") for item in pairs]
    # Of 400 fair coins 95.4 % of the time 180 to 220 fall on one side; this seed is fixed.
    assert 180 <= sum(swapped) <= 220
    assert swapped == [is_swapped(item, 0, "A") for item in pairs]
    assert swapped != [is_swapped(item, 0, "B") for item in pairs]


def test_names_of_items_depend_on_the_secret_and_are_unique():
    names = {opaque(item, b"1") for item in ITEMS}
    assert len(names) == len(ITEMS)
    assert names.isdisjoint(opaque(item, b"2") for item in ITEMS)


def test_scales_that_keys_can_rate():
    assert whole_scale(1.0, 10.0, "t") == (1, 10)
    assert whole_scale(0, 1, "t") == (0, 1)
    for low, high in ((0, 10), (0.5, 3), (3, 3), (0, 100)):
        with pytest.raises(LabelError, match="two to ten whole numbers"):
            whole_scale(low, high, "t")
