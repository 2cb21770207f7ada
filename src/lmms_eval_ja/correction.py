"""Scores corrected by a few labels of people: what `lmms-eval-ja correct` computes.

Means of a judge's scores are corrected. A ratio to the references' scores is not: the judge may be as biased there, and
labels of answers say nothing of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lmms_eval_ja.compare.documents import read_documents
from lmms_eval_ja.compare.found import TaskFile
from lmms_eval_ja.compare.results import Document
from lmms_eval_ja.judge_scores import check_ids, documents_of, judged_files, rows_of, same_answer
from lmms_eval_ja.judged_means import JudgedMean, judged_means
from lmms_eval_ja.metrics import Corrected, corrected_share, mean, prediction_powered_mean
from lmms_eval_ja.trusted import (
    FEWEST,
    Item,
    Scale,
    Scored,
    TrustedError,
    check_enough,
    check_scale,
    rater_alpha,
    raters,
    read_scores,
)

Method = Literal["ppi", "ppi++", "labels", "rogan-gladen"]
METHODS: tuple[Method, ...] = ("ppi++", "ppi", "labels", "rogan-gladen")


@dataclass(frozen=True)
class Number:
    """A number with its 95 % interval; None where there is none."""

    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None


@dataclass(frozen=True)
class Row:
    """A metric of a model, raw and corrected.

    Attributes:
        raw: as the results have it; of a share, the judge's own share over the answers that it scored.
        corrected: None inside, with `why_none`, where there is none.
        labels_alone: the mean (share) of the labels, without the judge.
        bias: the judge's mean less the labels', over answers with both; of a share None.
        power: λ, 0 to 1; None for a share.
        labels: answers with a label and a score of the judge.
        others: answers with a score of the judge alone.
        left_out: labels of answers that the judge failed to score.
        images: of the labelled answers.
        warnings: what the results say of the judge, such as that nothing is known of it on Japanese answers.
    """

    model: str
    task: str
    metric: str
    protocol: str
    judge: str
    raw: Number
    corrected: Number
    labels_alone: Number
    bias: float | None
    power: float | None
    labels: int
    others: int
    left_out: int
    images: int
    sensitivity: float | None = None
    specificity: float | None = None
    why_none: str | None = None
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Correction:
    """All that was corrected; `alpha` is Krippendorff's between the raters, None where there is none."""

    labels: str
    results: str
    method: Method
    at_least: float | None
    raters: Sequence[str]
    alpha: float | None
    rows: Sequence[Row]

    def as_json(self) -> str:
        """All of it."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


@dataclass(frozen=True)
class Wish:
    """What is to be corrected, and how; `at_least` makes shares of answers with that score or a higher one."""

    task: str | None = None
    metric: str | None = None
    method: Method = "ppi++"
    at_least: float | None = None


def read_method(name: str) -> Method:
    """A method by its name.

    Raises:
        TrustedError: there is none of this name.
    """
    for method in METHODS:
        if method == name:
            return method
    raise TrustedError(f"--method {name}: expected one of {', '.join(METHODS)}")


def corrected(results: Path, labels: Path, wish: Wish | None = None) -> Correction:
    """Correct the means of judged results by labels of some of the answers, drawn at random.

    Several raters of an answer count as their mean. Where the raw score is none, the corrected one is none.

    Args:
        results: a folder of judged results, also of several models.
        labels: a file of scores, CSV or JSONL (`trusted`).
        wish: task, metric and method.

    Raises:
        TrustedError, ResultsError, DocumentsError: what is wrong, with file and row.
    """
    wish = wish or Wish()
    if wish.method == "rogan-gladen" and wish.at_least is None:
        raise TrustedError("--method rogan-gladen corrects a share: name the lowest score that counts with --at-least")
    if wish.at_least is not None and not math.isfinite(wish.at_least):
        raise TrustedError(f"--at-least {wish.at_least:g}: expected a score")
    scored = read_scores(labels)
    if wish.task is not None:
        scored = [one for one in scored if one.item.task == wish.task]
    check_enough(labels, scored)
    files = judged_files(results)
    collected = read_documents(results)
    _check_known(labels, scored, files)
    rows = [
        row
        for task, by_model in files.items()
        for names, file in by_model
        if (own := [one for one in scored if one.item.task == task and one.item.model in names])
        for row in _rows(labels, own, (names[0], task, file), collected.get(task, {}), wish)
    ]
    return Correction(str(labels), str(results), wish.method, wish.at_least, raters(scored), rater_alpha(scored), rows)


def _check_known(
    labels: Path, scored: Sequence[Scored], files: Mapping[str, Sequence[tuple[list[str], TaskFile]]]
) -> None:
    for one in scored:
        where, item = f"{labels}, row {one.row}", one.item
        if item.key:
            raise TrustedError(f"{where}: results are corrected by model, task and doc_id, not by the key of a reply")
        if item.task not in files:
            raise TrustedError(f"{where}: no judged results of task {item.task!r}; there are {', '.join(files)}")
        models = [name for names, _ in files[item.task] for name in names]
        if item.model not in models:
            raise TrustedError(
                f"{where}: no results of model {item.model!r} on {item.task}; there are {', '.join(models)}"
            )


def _rows(
    labels: Path,
    scored: Sequence[Scored],
    of: tuple[str, str, TaskFile],
    collected: Mapping[int, Document],
    wish: Wish,
) -> Iterator[Row]:
    model, task, file = of
    documents = rows_of(file)
    by_document = _by_document(labels, scored, documents_of(documents, collected))
    known = {str(row["doc_id"]) for row in documents}
    for doc_id, label in by_document.items():
        if doc_id not in known:
            raise TrustedError(
                f"{labels}, row {label.row}: {model} has no doc_id {doc_id} of {task}; there are {len(known):,} "
                f"documents, {min(known, key=int)} to {max(known, key=int)}"
            )
    means = _wanted(judged_means(model, file, documents), file, wish)
    if len({one.scale for one in means}) > 1:
        stated = ", ".join(f"{one.metric} ({one.protocol})" for one in means)
        raise TrustedError(f"{task} has means on different scales: {stated}; say with --metric which the labels are of")
    for one in means:
        if one.scale is not None:
            check_scale(labels, scored, one.scale)
            _check_share(one, one.scale, wish)
        values = {doc_id: label.score for doc_id, label in by_document.items() if doc_id in one.scores}
        has = {doc_id: value for doc_id, value in values.items() if value is not None}
        if len(has) < FEWEST:
            raise TrustedError(
                f"{labels}: {len(has)} labels of {model}'s answers to {task} that {one.metric} is over; at least "
                f"{FEWEST} are needed"
            )
        judging = (file.facts.get("judging") or {}).get(one.protocol) or {}
        yield replace(_row(one, has, wish), warnings=tuple(judging.get("warnings") or ()))


def _check_share(of: JudgedMean, scale: Scale, wish: Wish) -> None:
    """Refuse a share that is of all answers or of none, whatever they are."""
    low, high = scale
    if wish.at_least is not None and not low < wish.at_least <= high:
        raise TrustedError(
            f"--at-least {wish.at_least:g}: {of.metric} of {of.task} is on a scale of {low:g} to {high:g}, so every "
            f"answer counts, or none; name a score above {low:g}, up to {high:g}"
        )


def _by_document(labels: Path, scored: Sequence[Scored], documents: Mapping[int, Document]) -> dict[str, Scored]:
    questions = {str(doc_id): document.question_id for doc_id, document in documents.items() if document.question_id}
    ids = {question_id: doc_id for doc_id, question_id in questions.items()}
    found: dict[str, Scored] = {}
    for one in scored:
        doc_id = one.item.doc_id or ids.get(one.item.question_id)
        if doc_id is None:
            raise TrustedError(
                f"{labels}, row {one.row}: question_id {one.item.question_id!r} is not known; without "
                "documents/documents.parquet of the same data only the doc_id is"
            )
        check_ids(labels, one, Item(doc_id=doc_id, question_id=questions.get(doc_id, "")))
        if doc_id in found:
            raise same_answer(labels, one, found[doc_id])
        found[doc_id] = one
    return found


def _wanted(means: list[JudgedMean], file: TaskFile, wish: Wish) -> list[JudgedMean]:
    """The means that are asked for."""
    there = ", ".join(one.metric for one in means) or "none"
    if wish.metric is None:
        if means:
            return means
        metrics = ", ".join(file.facts["scores"])
        raise TrustedError(f"{file.task}: none of {metrics} is the mean of a judge's scores of the answers")
    if wish.metric not in file.facts["scores"]:
        raise TrustedError(f"{file.task} has no metric {wish.metric!r}; the means that can be corrected are {there}")
    if chosen := [one for one in means if one.metric == wish.metric]:
        return chosen
    raise TrustedError(
        f"{wish.metric} of {file.task} is not the mean of a judge's scores of the answers, and is not corrected: a "
        "ratio rests on the judge's scores of the references too, of which labels of answers say nothing. What can be "
        f"corrected: {there}"
    )


def _row(of: JudgedMean, labels: Mapping[str, float], wish: Wish) -> Row:
    judged = {doc_id: score for doc_id, score in of.scores.items() if not math.isnan(score)}
    with_label = [doc_id for doc_id in judged if doc_id in labels]
    others = [doc_id for doc_id in judged if doc_id not in labels]
    row = Row(
        model=of.model,
        task=of.task,
        metric=of.metric,
        protocol=of.protocol,
        judge=of.judge,
        raw=_on_scale(of),
        corrected=Number(None),
        labels_alone=Number(None),
        bias=None,
        power=None,
        labels=len(with_label),
        others=len(others),
        left_out=len(labels) - len(with_label),
        images=len({of.clusters[doc_id] for doc_id in with_label}),
        why_none=_why_none(of.facts, len(with_label)),
    )
    if row.why_none is not None:
        return row
    scores = tuple(
        [side[doc_id] for doc_id in ids] for side, ids in ((labels, with_label), (judged, with_label), (judged, others))
    )
    clusters = [of.clusters[doc_id] for doc_id in with_label], [of.clusters[doc_id] for doc_id in others]
    if wish.at_least is not None:
        return _of_share(row, [[one >= wish.at_least for one in side] for side in scores], clusters, wish.method)
    method = "labels" if wish.method == "rogan-gladen" else wish.method
    return _of_mean(row, prediction_powered_mean(*scores, method=method, clusters=clusters))


def _on_scale(of: JudgedMean) -> Number:
    """The metric as the results have it, on the scale of the judge and of the labels."""
    numbers = (of.facts.get(name) for name in ("value", "ci_low", "ci_high"))
    return Number(*(None if number is None else number / of.unit for number in numbers))


def _why_none(facts: Mapping[str, Any], labels: int) -> str | None:
    if facts.get("value") is None:
        return f"there is no raw score: {facts.get('why_none') or 'no reason is stated'}"
    return None if labels >= FEWEST else f"the judge scored {labels} of the labelled answers; {FEWEST} are needed"


def _of_mean(row: Row, found: Corrected) -> Row:
    return replace(
        row,
        corrected=_number(found.value, found.ci_low, found.ci_high),
        labels_alone=_number(found.labels_mean, found.labels_ci_low, found.labels_ci_high),
        bias=found.bias,
        power=found.power,
    )


def _of_share(row: Row, scores: Sequence[Sequence[bool]], clusters: tuple[list[str], list[str]], method: Method) -> Row:
    """The share of answers with at least a certain score, by Rogan and Gladen or by prediction-powered inference."""
    h, f, rest = ([float(one) for one in side] for side in scores)
    own = mean([*f, *rest], [*clusters[0], *clusters[1]])
    row = replace(row, raw=_number(own.value, own.ci_low, own.ci_high))
    if method != "rogan-gladen":
        return _of_mean(row, prediction_powered_mean(h, f, rest, method=method, clusters=clusters))
    found = corrected_share(*scores, clusters=clusters)
    alone = prediction_powered_mean(h, f, rest, method="labels", clusters=clusters)
    return replace(
        row,
        corrected=_number(found.value, found.ci_low, found.ci_high),
        labels_alone=_number(alone.labels_mean, alone.labels_ci_low, alone.labels_ci_high),
        sensitivity=_known(found.sensitivity),
        specificity=_known(found.specificity),
        why_none=found.why_none,
    )


def _number(value: float, low: float, high: float) -> Number:
    return Number(_known(value), _known(low), _known(high))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
