"""HakushoBench (arXiv 2606.01132): questions on charts and tables of Japanese governmental white papers."""

from __future__ import annotations

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec
from lmms_eval_ja.jp_tasks.short_answers import short_answers

#: The paper states 2,053 pictures, each with a question at least; up to five are let pass.
SPEC = DatasetSpec("llm-jp/HakushoBench", range(2053, 10266), ("original_id", "image", "question", "answer"))
process_docs = short_answers(SPEC, id_column="original_id")
