"""Scoring of the short-answer benchmarks: ROUGE-L and the 1-to-5 judge, as in the LLM-jp-3 VILA paper."""

from lmms_eval_ja.judges import score_rouge_l, score_vqa_likert, together

process_results = together(score_rouge_l, score_vqa_likert)
