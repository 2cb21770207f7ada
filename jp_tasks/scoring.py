"""`process_results` for benchmarks whose answers are marked without a judge: right, wrong, or not readable.

An answer is marked for these metrics, all in percent and aggregated by `mean_ja` unless the YAML says otherwise (as it
does for `alignment_ja` and `dispersion_ja`):

| metric | over | an answer that cannot be read |
|---|---|---|
| `accuracy` | all answers | is not right |
| `accuracy_parsed` | the answers that could be read | is left out |
| `unparsed` | all answers | is what is counted |
| those named in the document's column `parts` | as `accuracy`, over the documents that name it | is not right |
| `alignment`, `dispersion` | as `accuracy`, over documents that name their `prompt_cluster` | is not right |

A generation that failed, and a document whose picture is not there, are failures and never numbers. Columns of the
document besides those of `judges/results.py`: `choices`, the options in the order in which they are asked; `parts`,
names of metrics; `picture_failure`, why the picture is not there: "picture" (gone) or "transport" (not reached), else
absent or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lmms_eval_ja.jp_tasks.prompts import OPTIONS
from lmms_eval_ja.judges import PROMPT_CLUSTER, MetricItem, sample_of
from lmms_eval_ja.judges.results import OF_PROMPT_CLUSTERS
from lmms_eval_ja.judges.sample_facts import UNREAD
from lmms_eval_ja.judges.verdict import Failure
from lmms_eval_ja.metrics import generation_failure, parse_choice

Doc = Mapping[str, Any]
#: Key of an item that says what the answer was read as; absent where it could not be read.
READ = "read"
ACCURACY, PARSED, UNPARSED = "accuracy", "accuracy_parsed", "unparsed"
PARTS, PICTURE_FAILURE = "parts", "picture_failure"


@dataclass(frozen=True)
class Mark:
    """An answer as it was read: as what, and whether that is right; or why it could not be."""

    read: str | None
    right: bool = False
    reason: str | None = None


#: Marks an answer to a document; the answer is a real one, without outer white space.
Marking = Callable[[Doc, str], Mark]


def choice_mark(doc: Doc, answer: str) -> Mark:
    """The option that an answer names, against the letter in the document's `reference`."""
    choice = parse_choice(answer, list(doc[OPTIONS]))
    if choice.letter is None:
        return Mark(None, reason=choice.reason or "no option is named")
    return Mark(choice.letter, right=choice.letter == doc["reference"])


def marked_by(marking: Marking) -> Callable[[Doc, Sequence[str]], dict[str, Any]]:
    """A `process_results` that marks each answer and gives this module's metrics."""

    def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
        return metrics_of(doc, results[0], marking)

    return process_results


def metrics_of(doc: Doc, answer: str, marking: Marking) -> dict[str, MetricItem]:
    """What one answer gives to this module's metrics.

    Raises:
        KeyError: the document lacks a column.
    """
    within = OF_PROMPT_CLUSTERS if doc.get(PROMPT_CLUSTER) is not None else ()
    parts = list(dict.fromkeys([*(doc.get(PARTS) or ()), *within]))
    make = item_maker(doc, answer)
    if failure := failure_of(doc, answer):
        return {name: make(None, failure) for name in (*parts, PARSED, UNPARSED, ACCURACY)}
    mark = marking(doc, answer.strip())
    right, unread = (100.0 if yes else 0.0 for yes in (mark.right, mark.read is None))
    # The headline comes last: lmms-eval takes a task's number of samples from its last metric.
    values = dict.fromkeys(parts, right) | ({PARSED: right} if mark.read is not None else {})
    values |= {UNPARSED: unread, ACCURACY: right}
    items = {name: make(value, None) for name, value in values.items()}
    for item in items.values():
        item.update({UNREAD: mark.reason} if mark.read is None else {READ: mark.read})
    return items


def failure_of(doc: Doc, answer: str) -> Failure | None:
    """Why an answer cannot count at all: its picture is not there, or its generation failed; else None."""
    failure: Failure | None = doc.get(PICTURE_FAILURE)
    if failure:
        return failure
    return None if generation_failure(answer) is None else "generation"


def item_maker(doc: Doc, answer: str) -> Callable[[float | None, Failure | None], MetricItem]:
    """Makes the document's items of a value or a failure, a new one for each metric."""
    sample = sample_of(doc, answer)

    def make(value: float | None, failure: Failure | None) -> MetricItem:
        made = MetricItem(
            sample_id=sample.sample_id,
            answer=sample.answer,
            cluster=sample.cluster,
            category=sample.category,
            value=value,
            failure=failure,
        )
        if doc.get(PROMPT_CLUSTER) is not None:
            made[PROMPT_CLUSTER] = str(doc[PROMPT_CLUSTER])
        return made

    return make


score_choice = marked_by(choice_mark)
