"""`process_results` for benchmarks in which an answer earns a part of the points: a similarity, an F1, BLEU.

| metric | over | an answer that cannot be read |
|---|---|---|
| the benchmark's own, in percent | all answers | earns nothing |
| further ones that the grade names, in percent | as its own | earns nothing |
| `unparsed`, in percent | all answers | is what is counted |

A generation that failed, and a document whose picture is gone, are failures and never numbers, as in `scoring`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lmms_eval_ja.jp_tasks.scoring import UNPARSED, Doc, failure_of, item_maker
from lmms_eval_ja.judges import MetricItem
from lmms_eval_ja.judges.sample_facts import UNREAD
from lmms_eval_ja.metrics import strip_reasoning


@dataclass(frozen=True)
class Grade:
    """What an answer earns.

    Attributes:
        points: 0.0 to 1.0; 0.0 for an answer that could not be read.
        further: by the names of further metrics, 0.0 to 1.0 each.
        reason: why the answer could not be read; None where it could.
    """

    points: float
    further: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None


#: Grades an answer to a document; the answer is a real one, without outer white space.
Grading = Callable[[Doc, str], Grade]
ProcessResults = Callable[[Doc, Sequence[str]], dict[str, Any]]
#: Why an answer of thoughts only, or of nothing, cannot be read.
EMPTY = "empty"


def graded_by(metric: str, grading: Grading, further: Sequence[str] = ()) -> ProcessResults:
    """A `process_results` that grades each answer.

    Args:
        metric: the name of the metric, which is the headline.
        grading: grades an answer that is not empty.
        further: the names of the further metrics that the grades have.
    """

    def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
        return _metrics(doc, results[0], metric, grading, further)

    return process_results


def _metrics(doc: Doc, answer: str, metric: str, grading: Grading, further: Sequence[str]) -> dict[str, MetricItem]:
    make = item_maker(doc, answer)
    # The headline comes last: lmms-eval takes a task's number of samples from its last metric.
    names = (*further, UNPARSED, metric)
    if failure := failure_of(doc, answer):
        return {name: make(None, failure) for name in names}
    grade = grading(doc, answer.strip()) if strip_reasoning(answer) else Grade(0.0, reason=EMPTY)
    values = {name: grade.further.get(name, 0.0) for name in further}
    values |= {UNPARSED: float(grade.reason is not None), metric: grade.points}
    items = {name: make(100 * value, None) for name, value in values.items()}
    if grade.reason is not None:
        for item in items.values():
            item[UNREAD] = grade.reason
    return items
