"""How an LLM is asked for a score: protocols, judges, the engine, and the way from verdicts to a score."""

from lmms_eval_ja.judges.aggregations import AGGREGATIONS
from lmms_eval_ja.judges.engine import Engine, current_engine, judge_samples, reset_engine
from lmms_eval_ja.judges.facts import agreement_facts, position_bias, reported_models, usage_facts
from lmms_eval_ja.judges.judge import OVERLAP_LABEL, Judge
from lmms_eval_ja.judges.protocols import PROTOCOLS, Protocol, ReplyError, protocol
from lmms_eval_ja.judges.results import (
    ANCHOR,
    JUDGED_ACCURACY,
    anchors_of,
    comparing,
    documents_problem,
    grading,
    missing_columns,
    protocols_of,
    sample_of,
    score_critic,
    score_ja_binary,
    score_ja_graded,
    score_ja_pairwise,
    score_original,
    score_rouge_l,
    score_rubric,
    score_vqa_likert,
    together,
)
from lmms_eval_ja.judges.rubric import Rubric
from lmms_eval_ja.judges.sample import Sample, Turn
from lmms_eval_ja.judges.scores import LEAST_COVERAGE, PROMPT_CLUSTER, MetricItem, Report, Score
from lmms_eval_ja.judges.verdict import PARSE_FAILURES, PASSING_FAILURES, Failure, Verdict

__all__ = [
    "AGGREGATIONS",
    "ANCHOR",
    "JUDGED_ACCURACY",
    "LEAST_COVERAGE",
    "OVERLAP_LABEL",
    "PARSE_FAILURES",
    "PASSING_FAILURES",
    "PROMPT_CLUSTER",
    "PROTOCOLS",
    "Engine",
    "Failure",
    "Judge",
    "MetricItem",
    "Protocol",
    "ReplyError",
    "Report",
    "Rubric",
    "Sample",
    "Score",
    "Turn",
    "Verdict",
    "agreement_facts",
    "anchors_of",
    "comparing",
    "current_engine",
    "documents_problem",
    "grading",
    "judge_samples",
    "missing_columns",
    "position_bias",
    "protocol",
    "protocols_of",
    "reported_models",
    "reset_engine",
    "sample_of",
    "score_critic",
    "score_ja_binary",
    "score_ja_graded",
    "score_ja_pairwise",
    "score_original",
    "score_rouge_l",
    "score_rubric",
    "score_vqa_likert",
    "together",
    "usage_facts",
]
