import pytest

from lmms_eval_ja.metrics import CharacterOverlap, character_f1, character_overlap, micro_character_f1
from support.cases import golden


def test_golden_cc_ocr_is_met_but_for_the_peers_1e_9():
    for case in golden("cc_ocr"):
        assert character_f1(case["ref"], case["pred"]) == pytest.approx(case["output"], abs=2e-9), case


@pytest.mark.parametrize(
    ("reference", "prediction", "common", "f1"),
    [
        ("リンゴ バナナ オレンジ", "リンゴ バ ナナ", 6, 0.75),  # 2·6 / (10 + 6)
        ("猫 犬", "猫 犬 鳥", 2, 0.8),  # 2·2 / (2 + 3)
        ("ABC", "abc", 3, 1.0),
        ("京東", "東京", 2, 1.0),  # the order does not count
        ("ああ", "あ", 1, 2 / 3),
        ("###見出し", "見出し", 3, 1.0),
        ("東京", "大阪", 0, 0.0),
        ("", "", 0, 0.0),
        ("東京", "", 0, 0.0),
    ],
)
def test_characters_in_common(reference, prediction, common, f1):
    assert character_overlap(reference, prediction).common == common
    assert character_f1(reference, prediction) == pytest.approx(f1)


def test_width_counts_but_in_the_variant_nfkc():
    assert character_f1("ＡＢＣ", "ABC") == 0.0
    assert character_f1("ＡＢＣ", "ABC", variant="nfkc") == 1.0


def test_thoughts_are_not_read_text():
    assert character_f1("東京", "<think>大阪</think>東京") == 1.0


def test_micro_f1_is_over_all_characters():
    # Common 6 + 2 of 10 + 2 and 6 + 3: 16/21, as in the peer's own test.
    overlaps = [character_overlap("リンゴ バナナ オレンジ", "リンゴ バ ナナ"), character_overlap("猫 犬", "猫 犬 鳥")]
    assert micro_character_f1(overlaps) == pytest.approx(16 / 21)
    assert micro_character_f1([]) == 0.0
    assert CharacterOverlap(0, 0, 0).f1 == 0.0


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="unknown variant 'raw'; expected one of 'evalmm', 'nfkc'"):
        character_f1("", "", variant="raw")
