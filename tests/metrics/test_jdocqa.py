import pytest

from lmms_eval_ja.metrics import JdocqaScore, jdocqa_score
from support.cases import golden


def test_golden_scores_of_llm_jp_eval_mm_are_met():
    for case in golden("jdocqa"):
        score = jdocqa_score(case["answer_type"], case["ref"], case["pred"], variant="evalmm").score
        assert score == pytest.approx(case["output"], abs=1e-12), case


def test_where_ours_differs_from_the_peer():
    differs = {
        (0, "いいえ", "はい、いいえ"): 0.0,  # says both
        (1, "", "なんでも"): 0.0,  # an empty reference is in any text
        (2, "3", "13"): 0.0,
        (2, "1,000", "1000"): 1.0,
        (2, "5", "5人ではなく6人"): 0.0,
        (3, "東京", "東京"): 1.0,  # effective order
    }
    found = {}
    for case in golden("jdocqa"):
        key = (case["answer_type"], case["ref"], case["pred"])
        score = jdocqa_score(*key).score
        if score != pytest.approx(case["output"], abs=1e-12):
            found[key] = score
    assert found == differs


def test_a_yes_or_no_that_cannot_be_read_is_a_failure():
    assert jdocqa_score(0, "はい", "はい。") == JdocqaScore(1.0)
    assert jdocqa_score(0, "はい", "違います") == JdocqaScore(0.0)
    assert jdocqa_score(0, "はい", "はい、いいえ") == JdocqaScore(0.0, "ambiguous")
    assert jdocqa_score(0, "いいえ", "") == JdocqaScore(0.0, "empty")
    # A reference that is neither yes nor no is matched as it stands.
    assert jdocqa_score(0, "男性", "男性です") == JdocqaScore(1.0)


def test_numbers_and_factoids_are_matched_and_free_answers_have_bleu():
    assert jdocqa_score(2, "12,000円", "一万二千円です。").score == 1.0
    assert jdocqa_score(1, "経済産業省", "経済産業省が所管している。").score == 1.0
    assert jdocqa_score(3, "大きな犬がいる。", "<think>猫</think>大きな犬がいる。").score == 1.0


def test_unknown_types_and_variants_are_refused():
    with pytest.raises(ValueError, match=r"unknown answer type 4; expected one of 0 \(yesno\), 1 \(factoid\)"):
        jdocqa_score(4, "a", "a")
    with pytest.raises(ValueError, match="unknown variant 'x'; expected one of 'normalized', 'evalmm'"):
        jdocqa_score(1, "a", "a", variant="x")
