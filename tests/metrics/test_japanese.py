import math

import pytest

from lmms_eval_ja.metrics import is_japanese, japanese_share


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("信号は青です。", 1.0),
        ("ﾊﾟｿｺﾝ", 1.0),  # half-width katakana with their half-width marks
        ("コーヒー、人々「ゝ」", 1.0),
        ("𠮷野家", 1.0),  # a Han character of plane 2
        ("The light is green.", 0.0),
        ("신호", 0.0),
        ("светофор", 0.0),
        ("ＮＶＩＤＩＡ", 0.0),  # full-width Latin letters
        ("犬dog", 1 / 4),
        ("GPUです", 2 / 5),
        ("答えは 42 です！ 😀 100%", 1.0),  # digits, symbols, emoji and white space are no letters
        ("か\u3099", 1.0),  # a combining mark is no letter
    ],
)
def test_share_of_the_letters(text, share):
    assert japanese_share(text) == pytest.approx(share)
    assert is_japanese(text) is (share >= 0.5)


@pytest.mark.parametrize("text", ["", " \n", "3", "1,000", "3。", "😀", "！？", "𝟛"])
def test_without_letters_there_is_no_share(text):
    assert math.isnan(japanese_share(text))
    assert is_japanese(text) is None


def test_half_is_enough():
    assert is_japanese("犬a") is True
    assert is_japanese("犬ab") is False


def test_script_is_not_language():
    assert is_japanese("你好") is True
