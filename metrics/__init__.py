"""Metrics: pure functions from texts and numbers to numbers.

Nothing here reads the environment, talks to a network, or needs torch or lmms-eval. The modules are private; this front
is what the other rooms import. Names whose modules are slow to import (rouge-score pulls nltk in, about 4 s; numpy
0.1 s) are loaded at their first use, PEP 562.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from lmms_eval_ja.metrics._answer import clean_answer, failed_generation, generation_failure
from lmms_eval_ja.metrics._japanese import JAPANESE_CHARACTERS, is_japanese, japanese_share
from lmms_eval_ja.metrics._normalize import VARIANTS, normalize
from lmms_eval_ja.metrics._rouge_l import rouge_l, rouge_l_scores, rouge_l_tokens
from lmms_eval_ja.metrics._tokenize import dictionary_version, tokenize

if TYPE_CHECKING:
    from lmms_eval_ja.metrics._accuracy import Accuracy, Share, accuracy
    from lmms_eval_ja.metrics._agreement import krippendorff_alpha
    from lmms_eval_ja.metrics._alignment import Alignment, Dispersion, alignment_score
    from lmms_eval_ja.metrics._bleu import bleu
    from lmms_eval_ja.metrics._cer import cer, cer_similarity
    from lmms_eval_ja.metrics._character_f1 import CharacterOverlap, character_f1, character_overlap, micro_character_f1
    from lmms_eval_ja.metrics._choice import CHOICE_FAILURES, Choice, parse_choice
    from lmms_eval_ja.metrics._choice_peers import contains_reference, peer_choice
    from lmms_eval_ja.metrics._dates import Day, find_dates, parse_date
    from lmms_eval_ja.metrics._division_agreement import FUZZY_BINS, STRICT_BINS
    from lmms_eval_ja.metrics._estimate import Estimate, mean, mean_of_ratios, ratio_of_means
    from lmms_eval_ja.metrics._jdocqa import JdocqaScore, jdocqa_score
    from lmms_eval_ja.metrics._mecab_tokenizer import MecabTokenizer
    from lmms_eval_ja.metrics._meta_evaluation import Agreement, Statistic, agreement
    from lmms_eval_ja.metrics._multiplicity import holm
    from lmms_eval_ja.metrics._nfkc import nfkc
    from lmms_eval_ja.metrics._numbers import Quantity, find_quantities, parse_number
    from lmms_eval_ja.metrics._open_match import canonical, open_match
    from lmms_eval_ja.metrics._paired import PairedDifferences, cluster_weights, paired_differences
    from lmms_eval_ja.metrics._plain_text import boxed
    from lmms_eval_ja.metrics._prediction_powered import Corrected, prediction_powered_mean
    from lmms_eval_ja.metrics._probes import bias_conformity, bias_deviation
    from lmms_eval_ja.metrics._rank_bootstrap import resampled_ranks, spearman_interval
    from lmms_eval_ja.metrics._rank_correlation import RankCorrelation, rank_correlation, spearman
    from lmms_eval_ja.metrics._ranks import rank_intervals, ranks
    from lmms_eval_ja.metrics._reasoning import strip_reasoning
    from lmms_eval_ja.metrics._receipt_f1 import ReceiptScore, receipt_f1
    from lmms_eval_ja.metrics._reliability import split_half_reliability
    from lmms_eval_ja.metrics._rogan_gladen import CorrectedShare, corrected_share, rogan_gladen
    from lmms_eval_ja.metrics._short_answer import short_answer
    from lmms_eval_ja.metrics._standard_error import clustered_standard_error
    from lmms_eval_ja.metrics._wilson import wilson_interval
    from lmms_eval_ja.metrics._yes_no import YesNo, parse_yes_no

__all__ = [
    "CHOICE_FAILURES",
    "FUZZY_BINS",
    "JAPANESE_CHARACTERS",
    "STRICT_BINS",
    "VARIANTS",
    "Accuracy",
    "Agreement",
    "Alignment",
    "CharacterOverlap",
    "Choice",
    "Corrected",
    "CorrectedShare",
    "Day",
    "Dispersion",
    "Estimate",
    "JdocqaScore",
    "MecabTokenizer",
    "PairedDifferences",
    "Quantity",
    "RankCorrelation",
    "ReceiptScore",
    "Share",
    "Statistic",
    "YesNo",
    "accuracy",
    "agreement",
    "alignment_score",
    "bias_conformity",
    "bias_deviation",
    "bleu",
    "boxed",
    "canonical",
    "cer",
    "cer_similarity",
    "character_f1",
    "character_overlap",
    "clean_answer",
    "cluster_weights",
    "clustered_standard_error",
    "contains_reference",
    "corrected_share",
    "dictionary_version",
    "failed_generation",
    "find_dates",
    "find_quantities",
    "generation_failure",
    "holm",
    "is_japanese",
    "japanese_share",
    "jdocqa_score",
    "krippendorff_alpha",
    "mean",
    "mean_of_ratios",
    "micro_character_f1",
    "nfkc",
    "normalize",
    "open_match",
    "paired_differences",
    "parse_choice",
    "parse_date",
    "parse_number",
    "parse_yes_no",
    "peer_choice",
    "prediction_powered_mean",
    "rank_correlation",
    "rank_intervals",
    "ranks",
    "ratio_of_means",
    "receipt_f1",
    "resampled_ranks",
    "rogan_gladen",
    "rouge_l",
    "rouge_l_scores",
    "rouge_l_tokens",
    "short_answer",
    "spearman",
    "spearman_interval",
    "split_half_reliability",
    "strip_reasoning",
    "tokenize",
    "wilson_interval",
]

_LAZY = {
    "Accuracy": "_accuracy",
    "Agreement": "_meta_evaluation",
    "Alignment": "_alignment",
    "CHOICE_FAILURES": "_choice",
    "CharacterOverlap": "_character_f1",
    "Choice": "_choice",
    "Corrected": "_prediction_powered",
    "CorrectedShare": "_rogan_gladen",
    "Day": "_dates",
    "Dispersion": "_alignment",
    "Estimate": "_estimate",
    "FUZZY_BINS": "_division_agreement",
    "JdocqaScore": "_jdocqa",
    "MecabTokenizer": "_mecab_tokenizer",
    "PairedDifferences": "_paired",
    "Quantity": "_numbers",
    "RankCorrelation": "_rank_correlation",
    "ReceiptScore": "_receipt_f1",
    "STRICT_BINS": "_division_agreement",
    "Share": "_accuracy",
    "Statistic": "_meta_evaluation",
    "YesNo": "_yes_no",
    "accuracy": "_accuracy",
    "agreement": "_meta_evaluation",
    "alignment_score": "_alignment",
    "bias_conformity": "_probes",
    "bias_deviation": "_probes",
    "bleu": "_bleu",
    "boxed": "_plain_text",
    "canonical": "_open_match",
    "cer": "_cer",
    "cer_similarity": "_cer",
    "character_f1": "_character_f1",
    "character_overlap": "_character_f1",
    "cluster_weights": "_paired",
    "clustered_standard_error": "_standard_error",
    "contains_reference": "_choice_peers",
    "corrected_share": "_rogan_gladen",
    "find_dates": "_dates",
    "find_quantities": "_numbers",
    "holm": "_multiplicity",
    "jdocqa_score": "_jdocqa",
    "krippendorff_alpha": "_agreement",
    "mean": "_estimate",
    "mean_of_ratios": "_estimate",
    "micro_character_f1": "_character_f1",
    "nfkc": "_nfkc",
    "open_match": "_open_match",
    "paired_differences": "_paired",
    "parse_choice": "_choice",
    "parse_date": "_dates",
    "parse_number": "_numbers",
    "parse_yes_no": "_yes_no",
    "peer_choice": "_choice_peers",
    "prediction_powered_mean": "_prediction_powered",
    "rank_correlation": "_rank_correlation",
    "rank_intervals": "_ranks",
    "ranks": "_ranks",
    "ratio_of_means": "_estimate",
    "receipt_f1": "_receipt_f1",
    "resampled_ranks": "_rank_bootstrap",
    "rogan_gladen": "_rogan_gladen",
    "short_answer": "_short_answer",
    "spearman": "_rank_correlation",
    "spearman_interval": "_rank_bootstrap",
    "split_half_reliability": "_reliability",
    "strip_reasoning": "_reasoning",
    "wilson_interval": "_wilson",
}


def __getattr__(name: str) -> object:
    """Import a name of `_LAZY` when it is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return every public name, loaded or not."""
    return sorted({*globals(), *__all__})
