import math

import pytest

from lmms_eval_ja.metrics import rank_correlation, spearman


def test_a_case_without_ties_by_hand():
    # Ranks 1 2 3 4 and 2 1 4 3, d² = 1 each: ρ = 1 − 6·4/(4·15) = 0.6. Pairs: (1,2) and (3,4) discordant, 4 concordant.
    found = rank_correlation([10, 20, 30, 40], [2, 1, 9, 5])
    assert found.spearman == pytest.approx(0.6)
    assert found.kendall == pytest.approx((4 - 2) / 6)


def test_a_case_with_ties_by_hand():
    # x 1 1 2 3, y 1 2 2 3. Pairs: (1,2) tied in x alone, (2,3) in y alone, the other four concordant:
    # τ-b = 4/√(5·5). Ranks 1.5 1.5 3 4 and 1 2.5 2.5 4, of mean 2.5: Σ dx·dy = 1.5 + 0 + 0 + 2.25 = 3.75,
    # Σ dx² = 1 + 1 + 0.25 + 2.25 = 4.5, Σ dy² = 4.5.
    found = rank_correlation([1, 1, 2, 3], [1, 2, 2, 3])
    assert found.kendall == pytest.approx(4 / 5)
    assert found.spearman == pytest.approx(3.75 / 4.5)


def test_order_alone_counts():
    same, reverse = rank_correlation([1, 5, 6], [0.1, 0.2, 99]), rank_correlation([1, 5, 6], [3, 2, -1])
    assert (same.spearman, same.kendall) == (pytest.approx(1), pytest.approx(1))
    assert (reverse.spearman, reverse.kendall) == (pytest.approx(-1), pytest.approx(-1))


@pytest.mark.parametrize(("x", "y"), [([], []), ([1], [2]), ([1, 2, 3], [4, 4, 4]), ([4, 4], [1, 2])])
def test_without_an_order_there_is_no_correlation(x, y):
    found = rank_correlation(x, y)
    assert math.isnan(found.spearman)
    assert math.isnan(found.kendall)


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(ValueError, match="2 values but 3 to compare"):
        rank_correlation([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="leave missing scores out"):
        rank_correlation([1, math.nan], [1, 2])


def test_spearman_alone_is_the_same():
    x, y = [1, 1, 2, 3, 9], [1, 2, 2, 3, 0]
    assert spearman(x, y) == rank_correlation(x, y).spearman
    assert math.isnan(spearman([1, 1], [1, 2]))
    assert math.isnan(spearman([], []))
    with pytest.raises(ValueError, match="1 values but 2"):
        spearman([1], [1, 2])
