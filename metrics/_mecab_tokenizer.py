"""The tokenizer as an object for rouge-score."""

from rouge_score.tokenizers import Tokenizer

from lmms_eval_ja.metrics._normalize import normalize as normalize_text
from lmms_eval_ja.metrics._tokenize import tokenize


class MecabTokenizer(Tokenizer):  # type: ignore[misc]  # rouge-score has no types
    """A tokenizer for `rouge_score.rouge_scorer.RougeScorer(["rougeL"], tokenizer=MecabTokenizer())`.

    rouge-score's own tokenizer deletes every Japanese character, so that two equal sentences score 0. Objects share
    one MeCab tagger and may be used from several threads.

    Args:
        normalize: One of `lmms_eval_ja.metrics.VARIANTS`.

    Raises:
        ValueError: The normalisation is not known.
        ImportError: The normalisation needs a package that is not installed.
    """

    def __init__(self, normalize: str = "nfkc") -> None:
        normalize_text("", normalize)  # a wrong name fails here, not at the first text
        self.normalize = normalize

    def tokenize(self, text: str) -> list[str]:
        """Split a text into words, shape of the result (words,)."""
        return tokenize(text, self.normalize)
