from __future__ import annotations

import math

import numpy as np
import pytest

from lmms_eval_ja.metrics import holm, rank_intervals, ranks


def test_holm_by_hand():
    # 0.01 · 4, 0.02 · 3, 0.03 · 2 → not below the one before, 0.5 · 1
    assert holm(np.array([0.03, 0.01, 0.5, 0.02])) == pytest.approx([0.06, 0.04, 0.5, 0.06])


def test_holm_leaves_out_what_was_not_tested_and_stops_at_1():
    adjusted = holm(np.array([0.9, math.nan, 0.6]))
    assert adjusted[[0, 2]] == pytest.approx([1, 1])
    assert math.isnan(adjusted[1])
    assert len(holm(np.array([]))) == 0


def test_equal_values_share_a_rank():
    assert ranks(np.array([3.0, 5.0, 3.0, 1.0])).tolist() == [2, 1, 2, 4]


def test_ranks_are_bounded_by_the_significant_differences():
    # 0 beats 1 and 2, 2 beats 1; nothing is known of 3.
    first, second = np.triu_indices(4, 1)
    difference = np.array([1.0, 1.0, 0.2, -1.0, 0.3, 0.1])  # 01 02 03 12 13 23
    significant = np.array([True, True, False, True, False, False])
    low, high = rank_intervals(4, first, second, difference, significant)
    assert low.tolist() == [1, 3, 2, 1]
    assert high.tolist() == [2, 4, 3, 4]


def test_no_pairs():
    none = np.zeros(0, dtype=np.intp)
    low, high = rank_intervals(1, none, none, np.zeros(0), np.zeros(0, dtype=bool))
    assert (low.tolist(), high.tolist()) == ([1], [1])
