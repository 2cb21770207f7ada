"""`process_results` functions for task YAMLs: an answer in, verdict and metric items out, nothing waited for.

A document is read by conventional column names (`FIELDS`), the first that is there:

| of the sample | columns |
|---|---|
| sample_id | question_id, qa_id, id |
| question | question, text, prompt |
| reference | reference, answer, target |
| context, category | context, category (may be absent) |
| cluster | image_id, image_name, prompt_cluster (may be absent: every document is its own cluster) |
| images | image, images (read for a judge that sees; a document may have none) |
| rubric | rubric: `criteria`, `levels` (descriptions of scores 1 to 5) and optionally `name` (may be absent) |
| history | history: the earlier turns, each with `user` and `assistant` (may be absent) |

A document may besides carry answers that were recorded once, in the column `anchors`: a dict from a label to an answer.
In the column `prompt_cluster` it may name the questions that mean the same as its own; there are then two metrics more,
`alignment` (by `alignment_ja`) and `dispersion` (by `dispersion_ja`), of the answer's own score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.judges.engine import current_engine
from lmms_eval_ja.judges.pictures import images_of_doc
from lmms_eval_ja.judges.protocols import protocol
from lmms_eval_ja.judges.rubric import Rubric
from lmms_eval_ja.judges.sample import Sample, turns_of
from lmms_eval_ja.judges.sample_facts import RUBRIC
from lmms_eval_ja.judges.scores import PROMPT_CLUSTER, MetricItem
from lmms_eval_ja.metrics import failed_generation, generation_failure, rouge_l

Doc = Mapping[str, Any]
ProcessResults = Callable[[Doc, Sequence[str]], dict[str, Any]]
FIELDS: dict[str, tuple[str, ...]] = {
    "sample_id": ("question_id", "qa_id", "id"),
    "question": ("question", "text", "prompt"),
    "reference": ("reference", "answer", "target"),
    "context": ("context",),
    "category": ("category",),
    "cluster": ("image_id", "image_name", PROMPT_CLUSTER),
}
REQUIRED = ("sample_id", "question", "reference")
#: Columns that may stand beside `category` and get a score of their own.
EXTRA_CATEGORY = "image_category"
#: Where `process_docs` puts recorded answers that come with a benchmark: label → answer, None where there is none.
ANCHORS = "anchors"
#: The share of answers, in percent, that a judge calls right.
JUDGED_ACCURACY = "accuracy_judged"
#: How the metrics of recorded answers begin. They stand beside a score and are no part of it.
ANCHOR = "anchor_"
#: Metrics of documents that name their prompt cluster.
OF_PROMPT_CLUSTERS = ("alignment", "dispersion")


def missing_columns(columns: Sequence[str], protocols: Sequence[str] = ()) -> str | None:
    """What a document with these columns lacks to be judged by these protocols, in a sentence, or None."""
    for name in REQUIRED:
        if not set(FIELDS[name]) & set(columns):
            return f"no column for the {name}: expected one of {', '.join(FIELDS[name])}; found {', '.join(columns)}"
    for name in protocols:
        if lack := [column for column in protocol(name).needs if column not in columns]:
            return f"no column {lack[0]}, by which the protocol {name} judges; found {', '.join(columns)}"
    return None


def documents_problem(documents: Any, protocols: Sequence[str]) -> str | None:
    """What of these documents cannot be judged by these protocols, in a sentence that names the row, or None.

    Args:
        documents: of `datasets`, after `process_docs`.
        protocols: their names.
    """
    if lack := missing_columns(documents.column_names, protocols):
        return lack
    for chosen in map(protocol, protocols):
        columns = {name: documents[name] for name in chosen.looks_at if name in documents.column_names}
        if problem := chosen.problem(columns):
            return problem
    return None


def sample_of(doc: Doc, answer: str, *, images: bool = False) -> Sample:
    """A document and its answer as a sample; the answer without outer white space.

    lmms-eval's command strips it, its Python function does not: the judge is to be sent the same in both.

    Args:
        doc: the document.
        answer: the model's.
        images: whether the document's images are wanted, for a judge that sees.

    Raises:
        KeyError: a required column is missing; names those expected and those found.
        TypeError: a column does not hold one text or number, such as a dict of several models' answers.
    """
    if lack := missing_columns(list(doc)):
        raise KeyError(lack)
    fields = {name: _read(doc, columns) for name, columns in FIELDS.items()}
    return Sample(
        answer=answer.strip(),
        **fields,
        images=images_of_doc(doc) if images else (),
        rubric=_rubric(doc),
        history=turns_of(doc.get("history")) or (),
    )


def _rubric(doc: Doc) -> Rubric | None:
    stated = doc.get("rubric")
    if not isinstance(stated, Mapping) or not {"criteria", "levels"} <= stated.keys():  # somebody else's column
        return None
    try:
        return Rubric.of(stated)
    except ValueError:  # of another scale; where it is to be judged by, `documents_problem` refused it before the run
        return None


def _read(doc: Doc, columns: Sequence[str]) -> str:
    """The first of the columns that is there, as a text; empty if there is none."""
    column = next((column for column in columns if doc.get(column) is not None), None)
    if column is None:
        return ""
    if isinstance(doc[column], (Mapping, list, tuple)):
        raise TypeError(f"the column {column} holds a {type(doc[column]).__name__}; expected one text or number")
    return str(doc[column])


def anchors_of(doc: Doc) -> dict[str, str]:
    """The recorded answers that a document carries, by label; one that is missing counts as a failed generation.

    A column of that name that holds anything but texts is somebody else's, and no anchors.
    """
    recorded = doc.get(ANCHORS)
    if not isinstance(recorded, Mapping) or not all(isinstance(a, (str, type(None))) for a in recorded.values()):
        return {}
    missing = failed_generation("no answer is recorded")
    return {label: missing if answer is None else answer for label, answer in recorded.items()}


def _none(_: Doc) -> Sequence[str]:
    return ()


def comparing(protocol_name: str) -> ProcessResults:
    """Judge with a comparing protocol: `overall`, the raw means, and a metric for each category of the document.

    Unless the settings say otherwise, recorded answers that the document carries are judged too, each for a metric
    `anchor_<label>` whose items hold their verdict.

    Aggregations: `overall` and `anchor_<label>` by `category_ratios_ja`, `model_mean` by `mean_ja`, `reference_mean` by
    `reference_mean_ja`, each category by `ratio_of_means_ja`.
    """

    def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
        sample, item = _submitted(protocol_name, doc, results[0])
        categories = dict.fromkeys(str(c) for c in (sample.category, doc.get(EXTRA_CATEGORY)) if c)
        names = ["overall", "model_mean", "reference_mean", *categories, *_of_prompt_clusters(doc)]
        judged = {f"verdict_{protocol_name}": item().verdict} | {name: item() for name in names}
        return judged | _judged_anchors(protocol_name, doc)

    return _marked(process_results, protocol_name)


def grading(
    protocol_name: str, metric: str = "judge_mean", *, unit: float = 1.0, parts: Callable[[Doc], Sequence[str]] = _none
) -> ProcessResults:
    """Judge with a protocol that scores the answer alone: one metric, and those that a document has a part in.

    Args:
        protocol_name: of the protocol.
        metric: its name; aggregated by `mean_ja`, or by `percent_ja` where the unit is that of a percentage.
        unit: by which the metric counts a score; 100 makes a percentage of a scale of 0 to 1.
        parts: names of further metrics of a document, such as that of its category.
    """

    def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
        _, item = _submitted(protocol_name, doc, results[0])
        items = {name: item() for name in (metric, *parts(doc), *_of_prompt_clusters(doc))}
        for judged in items.values():
            judged.unit = unit
        return {f"verdict_{protocol_name}": items[metric].verdict} | items

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


def _of_prompt_clusters(doc: Doc) -> tuple[str, ...]:
    return OF_PROMPT_CLUSTERS if doc.get(PROMPT_CLUSTER) is not None else ()


def _judged_anchors(protocol_name: str, doc: Doc) -> dict[str, MetricItem]:
    anchors = anchors_of(doc)
    if not anchors or not load_settings().anchors:
        return {}
    items = {}
    for label, answer in anchors.items():
        _, item = _submitted(protocol_name, doc, answer)
        items[f"{ANCHOR}{label}"] = judged = item()
        judged["verdict"] = judged.verdict
    return items


def _submitted(protocol_name: str, doc: Doc, answer: str) -> tuple[Sample, Callable[[], MetricItem]]:
    engine = current_engine()
    sample = sample_of(doc, answer, images=engine.judge.sees_image)
    chosen = protocol(protocol_name)
    verdict = engine.submit(sample, chosen)
    beside = {RUBRIC: sample.rubric.label} if sample.rubric is not None and RUBRIC in chosen.needs else {}
    if doc.get(PROMPT_CLUSTER) is not None:
        beside[PROMPT_CLUSTER] = str(doc[PROMPT_CLUSTER])

    def item() -> MetricItem:
        made = MetricItem(
            sample_id=sample.sample_id,
            answer=sample.answer,
            cluster=sample.cluster,
            category=sample.category,
            verdict=verdict,
        )
        made.update(beside)
        return made

    return sample, item


def _marked(function: ProcessResults, *protocols: str) -> ProcessResults:
    for name in protocols:
        protocol(name)
    function.judge_protocols = protocols  # type: ignore[attr-defined]  # read back by `protocols_of`
    return function


score_original = comparing("original")
score_ja_pairwise = comparing("ja_pairwise")
score_vqa_likert = grading("vqa_likert")
score_ja_graded = grading("ja_graded")
score_rubric = grading("rubric")
score_critic = grading("critic")
#: `accuracy_judged`, in percent, aggregated by `percent_ja`.
score_ja_binary = grading("ja_binary", JUDGED_ACCURACY, unit=100.0)
