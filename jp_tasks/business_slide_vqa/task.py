"""BusinessSlideVQA: 220 questions on Japanese business slides."""

from __future__ import annotations

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec
from lmms_eval_ja.jp_tasks.short_answers import short_answers

SPEC = DatasetSpec("llm-jp/BusinessSlideVQA", 220, ("question_id", "image", "question", "answer"))
process_docs = short_answers(SPEC, id_column="question_id")
