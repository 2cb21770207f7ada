"""ROUGE-L of Japanese texts: the F-measure of the longest common subsequence of their MeCab tokens."""

from collections.abc import Sequence

from rapidfuzz.distance import LCSseq

from lmms_eval_ja.metrics._tokenize import tokenize


def rouge_l(reference: str, prediction: str, *, normalize: str = "nfkc") -> float:
    """ROUGE-L of one prediction.

    Equal to rouge-score 0.1.2 with `MecabTokenizer` (C.-Y. Lin, ROUGE, ACL 2004, with β = 1). As there, a text without
    tokens scores 0, also against another such text: `rouge_l("", "")` is 0.0.

    Args:
        reference: The reference answer.
        prediction: The model's answer.
        normalize: One of `VARIANTS`; see `lmms_eval_ja.metrics.normalize`.

    Returns:
        0.0 to 100.0.

    Raises:
        ValueError: The normalisation is not known.
        ImportError: The normalisation needs a package that is not installed.
    """
    return rouge_l_tokens(tokenize(reference, normalize), tokenize(prediction, normalize))


def rouge_l_scores(references: Sequence[str], predictions: Sequence[str], *, normalize: str = "nfkc") -> list[float]:
    """ROUGE-L of each prediction; a benchmark's score is the plain mean.

    Args:
        references: The reference answers, shape (n,).
        predictions: The model's answers, shape (n,).
        normalize: One of `VARIANTS`; see `lmms_eval_ja.metrics.normalize`.

    Returns:
        Scores of 0.0 to 100.0, shape (n,).

    Raises:
        ValueError: The lengths differ, or the normalisation is not known.
        ImportError: The normalisation needs a package that is not installed.
    """
    if len(references) != len(predictions):
        raise ValueError(f"{len(references)} references but {len(predictions)} predictions")
    return [
        rouge_l(reference, prediction, normalize=normalize)
        for reference, prediction in zip(references, predictions, strict=True)
    ]


def rouge_l_tokens(reference: Sequence[str], prediction: Sequence[str]) -> float:
    """ROUGE-L of two texts that are tokenised already.

    Args:
        reference: Tokens of the reference, shape (r,).
        prediction: Tokens of the prediction, shape (p,).

    Returns:
        100 · 2PR / (P + R) with P = lcs / p and R = lcs / r; 0.0 if nothing is common.
    """
    common = LCSseq.similarity(reference, prediction)
    if common == 0:
        return 0.0
    precision, recall = common / len(prediction), common / len(reference)
    return 100 * (2 * precision * recall / (precision + recall))
