r"""JaWildText's board_vqa (arXiv 2603.27942): questions on photos full of Japanese text; the answer stands in a box.

The judge is sent what stands in the last `\boxed{}`. An answer without one is wrong, as in the benchmark, and counted
as unreadable besides; nobody is asked about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lmms_eval_ja.jp_tasks.dataset import DatasetSpec
from lmms_eval_ja.jp_tasks.short_answers import short_answers
from lmms_eval_ja.judges import JUDGED_ACCURACY, MetricItem, protocols_of, sample_of, score_ja_binary
from lmms_eval_ja.judges.sample_facts import UNREAD
from lmms_eval_ja.judges.verdict import Failure
from lmms_eval_ja.metrics import boxed, generation_failure, strip_reasoning

#: In our words; like the benchmark's it lets the model reason and wants the final answer alone in a box.
BOX_LINE = (
    "画像をもとに答えてください。途中で考えを書いてもかまいません。最後の答えだけを \\boxed{} の中に1つ書いてください。"
)
UNPARSED = "unparsed"
SPEC = DatasetSpec("llm-jp/jawildtext, board_vqa", 1025, ("image", "question", "answer"))
process_docs = short_answers(SPEC, id_column=None)


def doc_to_text(doc: Mapping[str, Any]) -> str:
    """The question with a closing line."""
    return f"{doc['question']}\n{BOX_LINE}"


def in_box(answer: str) -> str | None:
    """What stands in the last box of an answer, thoughts left out; None where there is no box or nothing in it."""
    found = boxed(strip_reasoning(answer))
    return (found[-1].strip() or None) if found else None


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """`accuracy_judged` over all answers, and `unparsed`, the share of those without a box; both in percent."""
    answer = results[0].strip()
    make = _maker(doc, answer)
    if generation_failure(answer) is not None:
        return {UNPARSED: make(None, "generation"), **score_ja_binary(doc, [answer])}
    if (final := in_box(answer)) is None:
        items = {UNPARSED: make(100.0), JUDGED_ACCURACY: make(0.0)}
        for item in items.values():
            item[UNREAD] = "no box"
        return items
    judged = score_ja_binary(doc, [final])
    judged[JUDGED_ACCURACY].answer = answer  # whose length is reported
    return {UNPARSED: make(0.0), **judged}


def _maker(doc: Mapping[str, Any], answer: str) -> Any:
    sample = sample_of(doc, answer)

    def make(value: float | None, failure: Failure | None = None) -> MetricItem:
        return MetricItem(
            sample_id=sample.sample_id, answer=sample.answer, cluster=sample.cluster, value=value, failure=failure
        )

    return make


process_results.judge_protocols = protocols_of(score_ja_binary)  # type: ignore[attr-defined]  # as `together` does
