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
    from lmms_eval_ja.metrics._agreement import krippendorff_alpha
    from lmms_eval_ja.metrics._alignment import Alignment, Dispersion, alignment_score
    from lmms_eval_ja.metrics._choice import CHOICE_FAILURES, Choice, parse_choice
    from lmms_eval_ja.metrics._division_agreement import FUZZY_BINS, STRICT_BINS
    from lmms_eval_ja.metrics._estimate import Estimate, mean, mean_of_ratios, ratio_of_means
    from lmms_eval_ja.metrics._mecab_tokenizer import MecabTokenizer
    from lmms_eval_ja.metrics._meta_evaluation import Agreement, Statistic, agreement
    from lmms_eval_ja.metrics._multiplicity import holm
    from lmms_eval_ja.metrics._paired import PairedDifferences, cluster_weights, paired_differences
    from lmms_eval_ja.metrics._prediction_powered import Corrected, prediction_powered_mean
    from lmms_eval_ja.metrics._probes import bias_conformity, bias_deviation
    from lmms_eval_ja.metrics._rank_bootstrap import spearman_interval
    from lmms_eval_ja.metrics._rank_correlation import RankCorrelation, rank_correlation
    from lmms_eval_ja.metrics._ranks import rank_intervals, ranks
    from lmms_eval_ja.metrics._reasoning import strip_reasoning
    from lmms_eval_ja.metrics._reliability import split_half_reliability
    from lmms_eval_ja.metrics._rogan_gladen import CorrectedShare, corrected_share, rogan_gladen
    from lmms_eval_ja.metrics._standard_error import clustered_standard_error
    from lmms_eval_ja.metrics._wilson import wilson_interval

__all__ = [
    "CHOICE_FAILURES",
    "FUZZY_BINS",
    "JAPANESE_CHARACTERS",
    "STRICT_BINS",
    "VARIANTS",
    "Agreement",
    "Alignment",
    "Choice",
    "Corrected",
    "CorrectedShare",
    "Dispersion",
    "Estimate",
    "MecabTokenizer",
    "PairedDifferences",
    "RankCorrelation",
    "Statistic",
    "agreement",
    "alignment_score",
    "bias_conformity",
    "bias_deviation",
    "clean_answer",
    "cluster_weights",
    "clustered_standard_error",
    "corrected_share",
    "dictionary_version",
    "failed_generation",
    "generation_failure",
    "holm",
    "is_japanese",
    "japanese_share",
    "krippendorff_alpha",
    "mean",
    "mean_of_ratios",
    "normalize",
    "paired_differences",
    "parse_choice",
    "prediction_powered_mean",
    "rank_correlation",
    "rank_intervals",
    "ranks",
    "ratio_of_means",
    "rogan_gladen",
    "rouge_l",
    "rouge_l_scores",
    "rouge_l_tokens",
    "spearman_interval",
    "split_half_reliability",
    "strip_reasoning",
    "tokenize",
    "wilson_interval",
]

_LAZY = {
    "Agreement": "_meta_evaluation",
    "Alignment": "_alignment",
    "CHOICE_FAILURES": "_choice",
    "FUZZY_BINS": "_division_agreement",
    "STRICT_BINS": "_division_agreement",
    "Choice": "_choice",
    "Corrected": "_prediction_powered",
    "CorrectedShare": "_rogan_gladen",
    "Dispersion": "_alignment",
    "Estimate": "_estimate",
    "MecabTokenizer": "_mecab_tokenizer",
    "PairedDifferences": "_paired",
    "RankCorrelation": "_rank_correlation",
    "Statistic": "_meta_evaluation",
    "agreement": "_meta_evaluation",
    "alignment_score": "_alignment",
    "bias_conformity": "_probes",
    "bias_deviation": "_probes",
    "cluster_weights": "_paired",
    "clustered_standard_error": "_standard_error",
    "corrected_share": "_rogan_gladen",
    "holm": "_multiplicity",
    "krippendorff_alpha": "_agreement",
    "mean": "_estimate",
    "mean_of_ratios": "_estimate",
    "paired_differences": "_paired",
    "parse_choice": "_choice",
    "prediction_powered_mean": "_prediction_powered",
    "rank_correlation": "_rank_correlation",
    "rank_intervals": "_ranks",
    "ranks": "_ranks",
    "ratio_of_means": "_estimate",
    "rogan_gladen": "_rogan_gladen",
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
