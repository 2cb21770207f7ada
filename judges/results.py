"""`process_results` functions for task YAMLs: an answer in, verdict and metric items out, nothing waited for.

A document is read by conventional column names (`FIELDS`), the first that is there:

| of the sample | columns |
|---|---|
| sample_id | question_id, qa_id, id |
| question | question, text, prompt |
| reference | reference, answer, target |
| context, category | context, category (may be absent) |
| cluster | image_id, image_name (may be absent: every document is its own cluster) |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lmms_eval_ja.judges.engine import current_engine
from lmms_eval_ja.judges.protocols import protocol
from lmms_eval_ja.judges.sample import Sample
from lmms_eval_ja.judges.scores import MetricItem
from lmms_eval_ja.metrics import generation_failure, rouge_l

Doc = Mapping[str, Any]
ProcessResults = Callable[[Doc, Sequence[str]], dict[str, Any]]
FIELDS: dict[str, tuple[str, ...]] = {
    "sample_id": ("question_id", "qa_id", "id"),
    "question": ("question", "text", "prompt"),
    "reference": ("reference", "answer", "target"),
    "context": ("context",),
    "category": ("category",),
    "cluster": ("image_id", "image_name"),
}
REQUIRED = ("sample_id", "question", "reference")
#: Columns that may stand beside `category` and get a score of their own.
EXTRA_CATEGORY = "image_category"


def missing_columns(columns: Sequence[str]) -> str | None:
    """What a document with these columns lacks, in a sentence, or None."""
    for name in REQUIRED:
        if not set(FIELDS[name]) & set(columns):
            return f"no column for the {name}: expected one of {', '.join(FIELDS[name])}; found {', '.join(columns)}"
    return None


def sample_of(doc: Doc, answer: str) -> Sample:
    """A document and its answer as a sample; the answer without outer white space.

    lmms-eval's command strips it, its Python function does not: the judge is to be sent the same in both.

    Raises:
        KeyError: a required column is missing; names those expected and those found.
        TypeError: a column does not hold one text or number, such as a dict of several models' answers.
    """
    if lack := missing_columns(list(doc)):
        raise KeyError(lack)
    return Sample(answer=answer.strip(), **{name: _read(doc, columns) for name, columns in FIELDS.items()})


def _read(doc: Doc, columns: Sequence[str]) -> str:
    """The first of the columns that is there, as a text; empty if there is none."""
    column = next((column for column in columns if doc.get(column) is not None), None)
    if column is None:
        return ""
    if isinstance(doc[column], (Mapping, list, tuple)):
        raise TypeError(f"the column {column} holds a {type(doc[column]).__name__}; expected one text or number")
    return str(doc[column])


def comparing(protocol_name: str) -> ProcessResults:
    """Judge with a comparing protocol: `overall`, the raw means, and a metric for each category of the document.

    Aggregations: `overall` by `category_ratios_ja`, `model_mean` by `mean_ja`, `reference_mean` by
    `reference_mean_ja`, each category by `ratio_of_means_ja`.
    """

    def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
        sample, item = _submitted(protocol_name, doc, results[0])
        categories = dict.fromkeys(str(c) for c in (sample.category, doc.get(EXTRA_CATEGORY)) if c)
        names = ["overall", "model_mean", "reference_mean", *categories]
        return {f"verdict_{protocol_name}": item().verdict} | {name: item() for name in names}

    return _marked(process_results, protocol_name)


def grading(protocol_name: str, metric: str = "judge_mean") -> ProcessResults:
    """Judge with a protocol that scores the answer alone: one metric, aggregated by `mean_ja`."""

    def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
        _, item = _submitted(protocol_name, doc, results[0])
        return {f"verdict_{protocol_name}": item().verdict, metric: item()}

    return _marked(process_results, protocol_name)


def score_rouge_l(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
    """`rouge_l_ja`, aggregated by `mean_ja`; clustered like the judged metrics, which the bare metric cannot be."""
    sample = sample_of(doc, results[0])
    failure = generation_failure(sample.answer)
    item = MetricItem(
        sample_id=sample.sample_id,
        answer=sample.answer,
        cluster=sample.cluster,
        category=sample.category,
        value=None if failure is not None else rouge_l(sample.reference, sample.answer),
        failure=None if failure is None else "generation",
    )
    if item.value is not None:
        item["rouge_l"] = item.value
    return {"rouge_l_ja": item}


def together(*parts: ProcessResults) -> ProcessResults:
    """Several of these for one task; their metrics are put side by side."""

    def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
        return {name: value for part in parts for name, value in part(doc, results).items()}

    return _marked(process_results, *(name for part in parts for name in protocols_of(part)))


def protocols_of(process_results: object) -> tuple[str, ...]:
    """The protocols that a `process_results` of this module judges with; none for anybody else's function."""
    names: tuple[str, ...] = getattr(process_results, "judge_protocols", ())
    return names


def _submitted(protocol_name: str, doc: Doc, answer: str) -> tuple[Sample, Callable[[], MetricItem]]:
    sample = sample_of(doc, answer)
    verdict = current_engine().submit(sample, protocol(protocol_name))

    def item() -> MetricItem:
        return MetricItem(
            sample_id=sample.sample_id,
            answer=sample.answer,
            cluster=sample.cluster,
            category=sample.category,
            verdict=verdict,
        )

    return sample, item


def _marked(function: ProcessResults, *protocols: str) -> ProcessResults:
    for name in protocols:
        protocol(name)
    function.judge_protocols = protocols  # type: ignore[attr-defined]  # read back by `protocols_of`
    return function


score_original = comparing("original")
score_ja_pairwise = comparing("ja_pairwise")
score_vqa_likert = grading("vqa_likert")
