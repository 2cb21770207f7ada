"""The bins of division agreement."""

from __future__ import annotations

import numpy as np
import pytest

from lmms_eval_ja.metrics._division_agreement import FUZZY_BINS, STRICT_BINS, divided


def test_every_score_of_the_scale_is_in_one_bin() -> None:
    scores = np.arange(1.0, 11.0)
    assert divided("x", scores, STRICT_BINS).tolist() == [0, 1, 2, 3, 3, 4, 5, 5, 6, 6]
    assert divided("x", scores, FUZZY_BINS).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]


def test_a_mean_of_raters_is_the_nearest_integer() -> None:
    # 3.4 is 3, 3.5 is 4, 6.5 is 7
    assert divided("x", np.array([3.4, 3.5, 6.5]), FUZZY_BINS).tolist() == [0, 1, 2]


def test_what_fits_no_bin_is_named() -> None:
    with pytest.raises(ValueError, match=r"judged\[1\]: 11 is in no bin"):
        divided("judged", np.array([3.0, 11.0]), STRICT_BINS)
    with pytest.raises(ValueError, match="bins: 2 stands in two of them"):
        divided("judged", np.array([1.0]), ((1, 2), (2, 3)))
