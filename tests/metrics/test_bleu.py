import importlib.util
import math

import pytest

from lmms_eval_ja.metrics import _bleu, bleu
from support.cases import golden

HAS_IPADIC = all(importlib.util.find_spec(name) for name in ("MeCab", "ipadic"))


@pytest.mark.parametrize(
    ("reference", "prediction", "score"),
    [
        ("東京", "東京", 100.0),  # one word: effective order
        ("東京", "大阪", 0.0),
        ("東京", "", 0.0),
        ("", "", 0.0),
        ("ＡＢＣの犬", "ABCの犬", 100.0),  # NFKC
        # 大きな|犬|が|いる|。 against 犬|が|いる|。: 4/4, 3/3, 2/2, 1/1, brevity exp(1 − 5/4).
        ("大きな犬がいる。", "犬がいる。", 100 * math.exp(-1 / 4)),
    ],
)
def test_bleu(reference, prediction, score):
    assert bleu(reference, prediction) == pytest.approx(score)


def test_golden_answers_of_llm_jp_eval_mm_are_met_on_unidic():
    found = [case for case in golden("jdocqa") if case["answer_type"] == 3]
    assert len(found) == 4
    for case in found:
        score = bleu(case["ref"], case["pred"], variant="evalmm_unidic")
        assert score / 100 == pytest.approx(case["output"], abs=1e-12)
        # Effective order alone makes the difference, and only for 東京.
        ours = 100.0 if case["ref"] == "東京" else score
        assert bleu(case["ref"], case["pred"]) == pytest.approx(ours)


@pytest.mark.skipif(not HAS_IPADIC, reason="needs sacrebleu[ja]")
def test_golden_answers_of_llm_jp_eval_mm_are_met_on_ipadic():
    for case in golden("jdocqa"):
        if case["answer_type"] == 3:
            assert bleu(case["ref"], case["pred"], variant="evalmm") / 100 == pytest.approx(case["output"], abs=1e-12)


@pytest.mark.skipif(HAS_IPADIC, reason="sacrebleu[ja] is here")
def test_without_ipadic_the_variant_names_the_package_and_never_falls_back():
    _bleu._metric.cache_clear()
    with pytest.raises(ImportError, match=r'pip install "sacrebleu\[ja\]"'):
        bleu("東京", "東京", variant="evalmm")


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="unknown variant '13a'; expected one of 'unidic', 'evalmm_unidic', 'evalmm'"):
        bleu("東京", "東京", variant="13a")
