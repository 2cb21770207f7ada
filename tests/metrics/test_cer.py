import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmms_eval_ja.metrics import cer, cer_similarity
from support.cases import golden

TEXTS = st.lists(st.sampled_from([*"あいうえおABCａｂ１ \n", "\\n", "\r\n", "```"]), max_size=15).map("".join)


def test_golden_handwriting_is_met_to_the_last_bit():
    for case in golden("jawildtext_handwriting"):
        assert cer_similarity(case["ref"], case["pred"]) == case["output"], case


@pytest.mark.parametrize(
    ("reference", "prediction", "rate"),
    [
        ("今日は\n晴れ", "今日は晴れ", 1 / 6),  # the line break is one of six characters
        ("東京都", "京都", 1 / 3),
        ("東京都", "東京府", 1 / 3),
        ("東京", "", 1.0),
        ("東京", "東京東京東京", 2.0),  # four insertions for two characters
        ("ＡＢＣ", "abc", 0.0),
        ("あ い", "あ \t い", 0.0),
        ("今日は\\n晴れ", "今日は\n晴れ", 0.0),
        ("", "", 0.0),
        ("", "x", math.inf),
    ],
)
def test_character_error_rate(reference, prediction, rate):
    assert cer(reference, prediction) == pytest.approx(rate, abs=1e-12)


def test_thoughts_are_not_read_text():
    assert cer_similarity("東京", "<think>大阪かな</think>東京") == 1.0


def test_a_code_fence_goes_by_a_variant_of_its_own():
    fenced = "```text\n東京\n```"
    # ```text, 東京, ```: 7 + 1 + 2 + 1 + 3 characters, 12 of them too many.
    assert cer("東京", fenced) == 12 / 2
    assert cer("東京", fenced, variant="unfenced") == 0.0
    assert cer_similarity("東京", fenced, variant="unfenced") == 1.0


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(reference=TEXTS, prediction=TEXTS)
def test_similarity_is_one_minus_the_rate_but_not_below_zero(reference, prediction):
    rate = cer(reference, prediction)
    assert cer_similarity(reference, prediction) == pytest.approx(max(0.0, 1 - rate), abs=1e-12)


def test_a_megabyte_against_a_line_is_far_off():
    assert cer_similarity("東京", "東京" * 500_000) == 0.0


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="unknown variant 'raw'; expected one of 'evalmm', 'unfenced'"):
        cer("", "", variant="raw")
