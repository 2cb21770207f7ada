"""BLEU of Japanese texts, by sacrebleu."""

from functools import cache
from typing import Any

from lmms_eval_ja.metrics._tokenize import tokenize

BLEU_VARIANTS = ("unidic", "evalmm_unidic", "evalmm")


def bleu(reference: str, prediction: str, *, variant: str = "unidic") -> float:
    """BLEU of one prediction (Papineni et al. 2002) with exponential smoothing, as sacrebleu computes it.

    Args:
        reference: The reference answer.
        prediction: The model's answer.
        variant: "unidic": tokens as for ROUGE-L (MeCab, unidic-lite), in NFKC, and effective order, so that an answer
            of fewer than four words can score: 東京 for 東京 is 100. "evalmm": sacrebleu's own `ja-mecab` (IPADIC)
            without effective order, as llm-jp-eval-mm (9f450a5) scores JDocQA's free answers; 東京 for 東京 is 0 there.
            "evalmm_unidic": the same on unidic-lite's tokens, not normalised.

    Returns:
        0.0 to 100.0; the peer divides by 100.

    Raises:
        ValueError: The variant is not known.
        ImportError: The variant is "evalmm" and sacrebleu[ja] (mecab-python3 and ipadic) is not installed.
    """
    if variant not in BLEU_VARIANTS:
        raise ValueError(f"unknown variant {variant!r}; expected one of {', '.join(map(repr, BLEU_VARIANTS))}")
    metric = _metric(variant)
    if variant != "evalmm":
        normalize = "nfkc" if variant == "unidic" else "raw"
        reference, prediction = (" ".join(tokenize(text, normalize)) for text in (reference, prediction))
    # Of one sentence the corpus score is the sentence score, but for a warning to use effective order.
    score: float = metric.corpus_score([prediction], [[reference]]).score
    return min(score, 100.0)  # 100.00000000000004 for equal texts


@cache
def _metric(variant: str) -> Any:
    """The scorer of a variant, made once."""
    from sacrebleu.metrics.bleu import BLEU

    try:
        return BLEU(
            smooth_method="exp",
            tokenize="ja-mecab" if variant == "evalmm" else "none",
            effective_order=variant == "unidic",
        )
    except RuntimeError as error:
        raise ImportError('the variant "evalmm" needs MeCab with IPADIC: pip install "sacrebleu[ja]"') from error
