"""What has to be known beside the numbers of a comparison."""

from __future__ import annotations

from collections.abc import Iterator

from lmms_eval_ja.compare.compared import Mark, MarkKind
from lmms_eval_ja.compare.results import Results

CONTAMINATED = "its training data holds images or questions of this task"
_FLAGS: dict[str, tuple[MarkKind, str]] = {
    "in_domain": ("in_domain", "trained on another part of the source of a benchmark"),
    "teacher_is_judge": ("teacher_is_judge", "trained on answers of the model that judges in the published protocol"),
}
#: Clusters below which intervals are Student's t by the formula.
_FEW = 10


def marks(results: Results) -> Iterator[Mark]:
    """Marks of single results; those of a model as a whole have no task."""
    for (id_, task), run in results.runs.items():
        if task in results.models[id_].contaminated_tasks:
            yield Mark(id_, task, "contaminated", f"{CONTAMINATED}; not ranked")
        if run.incomplete:
            yield Mark(id_, task, "incomplete", f"{run.incomplete}; not ranked")
        if run.mixed:
            yield Mark(id_, task, "mixed", f"scored unlike most of the others: {run.mixed}")
    for id_, model in results.models.items():
        for flag in model.flags:
            if flag in _FLAGS:
                yield Mark(id_, "", *_FLAGS[flag])


def notes(results: Results) -> Iterator[str]:
    """Sentences about the comparison as a whole."""
    yield from results.notes
    if results.baseline is not None and not any(model == results.baseline for model, _ in results.runs):
        yield f"the baseline {results.baseline} has no results, so there are no deltas"
    mixed = {task for (_, task), run in results.runs.items() if run.mixed}
    for name in results.tasks:
        if name in mixed:
            yield f"{name}: its models were not all scored alike, as was allowed: the marked ones only seem comparable"
        clusters = len({document.cluster for document in results.documents[name].values()})
        if clusters < _FEW:
            yield f"{name}: its documents come in {clusters} clusters only, so that its intervals are rough"
