from __future__ import annotations

import math

import pyarrow as pa
import pytest

from lmms_eval_ja.compare.texts import characters, failures_of_generation, japanese_shares
from lmms_eval_ja.metrics import failed_generation, japanese_share

TEXTS = [
    "白い車です。",
    "",
    "3",
    "A white car",
    "白いcarです",
    "ｶﾀｶﾅとひらがなー々〆",
    "한국어와 日本語",
    "𠮷野家",
    "Ω≈ç√ привет あ",
    "\u0000あ\u200b",
    "é̀あ",
    "１２３ＡＢＣ",
]


def test_shares_are_those_of_the_metric():
    found = japanese_shares(pa.array([*TEXTS, None])).to_pylist()
    expected = [None if math.isnan(share := japanese_share(text)) else share for text in TEXTS]
    assert found == [None if share is None else pytest.approx(share, abs=1e-6) for share in [*expected, None]]


def test_every_character_counts_as_in_the_metric():
    # All of the basic plane, in pieces; what one of the two Unicode versions does not know yet is left out.
    pieces = ["".join(chr(code) for code in range(start, start + 64)) for start in range(0x3000, 0xD7C0, 64)]
    found = japanese_shares(pa.array(pieces)).to_pylist()
    for piece, share in zip(pieces, found, strict=True):
        own = japanese_share(piece)
        assert (share is None) == math.isnan(own)
        assert share is None or share == pytest.approx(own, abs=0.02), f"U+{ord(piece[0]):04X}"


def test_characters_are_code_points():
    assert characters(pa.array(["白い𠮷", "", None])).to_pylist() == [3, 0, None]


def test_failed_generations_are_told_from_answers():
    answers = pa.array(["答え", failed_generation("out of memory"), "\x00 no mark", None])
    assert failures_of_generation(answers).to_pylist() == [None, "out of memory", None, None]
    assert failures_of_generation(pa.array(["答え"])).to_pylist() == [None]
