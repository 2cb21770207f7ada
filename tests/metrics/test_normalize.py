import sys

import pytest

from lmms_eval_ja.metrics import VARIANTS, normalize


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＪＲ東日本　①", "JR東日本 1"),
        ("ﾊﾟｿｺﾝ", "パソコン"),
        (" 信号は\n\t青です。 ", "信号は 青です。"),
        ("、。！？「」", "、。!?「」"),  # punctuation stays
        ("犬🐶です", "犬です"),
        ("🇯🇵日本", "日本"),
        ("1️⃣ 犬", "1\ufe0f\u20e3 犬"),  # the digit of a keycap stays, and so does the rest of the sequence
        ("㊗合格™", "合格"),  # emoji go before NFKC, which would make 祝 and TM of them
        ("", ""),
        ("😀", ""),
    ],
)
def test_nfkc(text, expected):
    assert normalize(text) == expected
    assert normalize(text, "nfkc") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8時〜20時", "8時20時"),
        ("すごーーーい!!!", "すごーい!!!"),
        ("①", "①"),  # no NFKC
        ("犬🐶\u3000猫", "犬猫"),
    ],
)
def test_neologdn(text, expected):
    pytest.importorskip("neologdn")
    assert normalize(text, "neologdn") == expected


def test_raw_is_the_text_as_it_is():
    text = " Ａ😀\n\x00①  "
    assert normalize(text, "raw") is text


def test_an_unknown_variant_names_the_known_ones():
    with pytest.raises(ValueError, match="unknown normalisation 'NFKC'; expected one of 'nfkc', 'neologdn', 'raw'"):
        normalize("犬", "NFKC")
    assert VARIANTS == ("nfkc", "neologdn", "raw")


def test_a_missing_neologdn_names_the_extra_and_never_falls_back(monkeypatch):
    monkeypatch.setitem(sys.modules, "neologdn", None)
    with pytest.raises(ImportError, match=r'pip install "lmms-eval-ja\[neologdn\]"'):
        normalize("犬", "neologdn")
    assert normalize("8時〜20時") == "8時〜20時"
