import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmms_eval_ja.metrics import MecabTokenizer, rouge_l, rouge_l_scores, rouge_l_tokens, tokenize

GOLDEN = Path(__file__).parents[2].parent / "shared" / "golden" / "rougel.jsonl"

# Words beside single characters, so that random texts have tokens in common.
PIECES = [
    *"あいうえおかきくけこんっゃゅょアイウエオン漢字犬猫東京山川髙々〆ー〜、。「」！？abcXYZé0123９Ａ%+-#*\u3099ﾊﾟｶﾞ①㍻℃㈱",
    *["です", "ます", "ている", "赤い", "女性", "信号", "コーヒー", "写真", "Wi-Fi", "1,000円", "を", "が", "の"],
    *[" ", "\u3000", "\n", "\t", "\u200b", "😀", "🇯🇵", "1️⃣", "👨‍👩‍👧", "❤️", "™", "✔"],
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@cache
def golden() -> list[dict]:
    if not GOLDEN.exists():
        pytest.skip("the golden files of ../shared are not here")
    return [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]


def test_golden_cases_are_met_to_the_last_bit():
    cases = golden()
    assert len(cases) == 100
    for case in cases:
        assert tokenize(case["ref"]) == case["ref_tokens"]
        assert tokenize(case["pred"]) == case["pred_tokens"]
        assert rouge_l(case["ref"], case["pred"]) == case["rougel"]


def test_golden_cases_of_neologdn_are_met_to_the_last_bit():
    pytest.importorskip("neologdn")
    for case in golden():
        assert rouge_l(case["ref"], case["pred"], normalize="neologdn") == case["rougel_if_neologdn_installed"]


@pytest.mark.parametrize(
    ("prediction", "score"),
    [
        ("車は白いです。", 0.0),
        # 車|は|白色|です|。: P = 1/5, R = 1/1, F = 2·(1/5)·1 / (6/5) = 1/3. Without 。 it would be 40.
        ("車は白色です。", 100 / 3),
        ("白色", 100.0),
    ],
)
def test_figure_2_of_the_paper(prediction, score):
    assert rouge_l("白色", prediction) == pytest.approx(score, abs=1e-12)


@pytest.fixture(scope="module")
def rouge_score_scorer():
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], tokenizer=MecabTokenizer())


@settings(max_examples=10_000, deadline=None, database=None, derandomize=True)
@given(reference=TEXTS, prediction=TEXTS)
def test_equals_rouge_score_on_random_pairs(rouge_score_scorer, reference, prediction):
    theirs = 100 * rouge_score_scorer.score(reference, prediction)["rougeL"].fmeasure
    assert rouge_l(reference, prediction) == theirs


@pytest.mark.parametrize(("reference", "prediction"), [("", ""), ("", "犬"), ("犬", ""), (" ", "\n"), ("😀", "😀")])
def test_a_text_without_tokens_scores_zero_as_in_rouge_score(rouge_score_scorer, reference, prediction):
    assert rouge_l(reference, prediction) == 0.0
    assert rouge_score_scorer.score(reference, prediction)["rougeL"].fmeasure == 0.0


def test_the_order_of_the_tokens_counts():
    # LCS of abcd and dabc is abc: P = R = 3/4.
    assert rouge_l_tokens(list("abcd"), list("dabc")) == pytest.approx(75.0)
    # LCS of ab and ba is one token: P = R = 1/2.
    assert rouge_l_tokens(["赤い", "傘"], ["傘", "赤い"]) == pytest.approx(50.0)
    # P = 2/5, R = 2/2, F = 2·(2/5) / (7/5) = 4/7.
    assert rouge_l_tokens(["a", "b"], ["x", "a", "y", "b", "z"]) == pytest.approx(400 / 7)


def test_scores_come_in_the_order_of_the_pairs():
    assert rouge_l_scores(["犬", "猫"], ["犬", "犬"]) == [100.0, 0.0]
    assert rouge_l_scores([], []) == []
    assert rouge_l_scores(["①"], ["1"], normalize="raw") == [0.0]


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="2 references but 1 predictions"):
        rouge_l_scores(["犬", "猫"], ["犬"])


def test_an_unknown_normalisation_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown normalisation 'nfd'; expected one of 'nfkc', 'neologdn', 'raw'"):
        rouge_l("犬", "犬", normalize="nfd")
