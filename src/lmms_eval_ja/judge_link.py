"""How far two judges, or two protocols, shift the scores of the same answers: judged runs, old and new, side by side.

Answers are joined by model, task and doc_id. A score's shift is the mean of what each document adds to it now, less
what it added before (the influence values in the samples files), so that its interval is a paired one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from lmms_eval_ja.compare.judged import (
    Judged,
    LinkError,
    Model,
    Row,
    by_model,
    item_of,
    named,
    paired_documents,
    read_judged,
)
from lmms_eval_ja.judges import PROTOCOLS
from lmms_eval_ja.metrics import mean, rank_correlation

#: What the rows are called that are over the answers of all models.
ALL_MODELS = "all models"
_FEWEST_TO_RANK = 3


@dataclass(frozen=True)
class Shift:
    """A metric, old and new, over the `n` answers that have a score on both sides.

    `shift` and its 95 % interval are None where the two are on different scales; the rank correlations are those of
    the models' values, None for fewer than three models.
    """

    model: str
    metric_old: str
    metric_new: str
    n: int
    left_out: int
    old: float | None
    new: float | None
    shift: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    standard_error: float | None = None
    interval: str = "none"
    clusters: int = 0
    ranks_spearman: float | None = None
    ranks_kendall: float | None = None


@dataclass(frozen=True)
class Agreement:
    """The judges' scores of single answers; the mean absolute difference is None where the scales differ."""

    model: str
    protocol_old: str
    protocol_new: str
    n: int
    left_out: int
    spearman: float | None
    kendall: float | None
    mean_absolute_difference: float | None


@dataclass(frozen=True)
class TaskLink:
    """A task, judged on both sides; the fingerprints are the different ones of each side."""

    task: str
    models: Sequence[str]
    fingerprints_old: Sequence[Mapping[str, Any]]
    fingerprints_new: Sequence[Mapping[str, Any]]
    shifts: Sequence[Shift]
    agreements: Sequence[Agreement]
    notes: Sequence[str]


@dataclass(frozen=True)
class Link:
    """Two folders of judged runs, linked."""

    old: Path
    new: Path
    tasks: Sequence[TaskLink]
    #: Tasks that only one of the two has judged.
    unmatched: Sequence[str]

    def as_json(self) -> str:
        """All of it."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2, default=str) + "\n"


def link(old: Path, new: Path) -> Link:
    """Compare the scores that the same answers have in two folders of judged runs.

    Args:
        old: a folder with samples and results files, also nested; judgings that `lmms-eval-ja judge` wrote below it are
            left out, unless the folder itself is one.
        new: another such folder.

    Raises:
        LinkError, SamplesError, AnswersError: nothing to link, files that cannot be read, answers that differ.
    """
    before, after = read_judged(old), read_judged(new)
    tasks = [task for task in before if task in after]
    if not tasks:
        raise LinkError(
            f"no task is judged in both folders: {old} has {', '.join(before)}; {new} has {', '.join(after)}"
        )
    unmatched = sorted(before.keys() ^ after.keys())
    return Link(old, new, [_linked(task, before[task], after[task]) for task in tasks], unmatched)


def _linked(task: str, before: Mapping[Model, Judged], after: Mapping[Model, Judged]) -> TaskLink:
    models = by_model(task, before, after)
    documents = {name: paired_documents(task, *sides) for name, sides in models.items()}
    everything = documents
    if len(models) > 1:
        everything = {ALL_MODELS: [pair for pairs in documents.values() for pair in pairs]} | documents
    first_old, first_new = next(iter(models.values()))
    protocols = _protocol_pairs(first_old.protocols, first_new.protocols)
    comparable = all(_same_scale(*pair) for pair in protocols)
    metrics = _metric_pairs(list(models.values()))
    shifts = [
        shift
        for metric in metrics
        for shift in _with_ranks([_shift(name, metric, pairs, comparable) for name, pairs in everything.items()])
    ]
    agreements = [_agreement(name, pair, pairs) for pair in protocols for name, pairs in everything.items()]
    sides = list(zip(*models.values(), strict=True))
    olds, news = ([dict(print_) for print_ in _distinct(s.facts["fingerprint"] for s in side)] for side in sides)
    notes = [*_unmatched(before, after, models), *_notes(models, olds, news, protocols)]
    return TaskLink(task, list(models), olds, news, shifts, agreements, notes)


def _protocol_pairs(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str]]:
    """Each protocol with itself; where none is the same, those of a kind, else all with all."""
    if same := [(name, name) for name in old if name in new]:
        return same
    every = [(a, b) for a in old for b in new]
    return [(a, b) for a, b in every if _compares(a) == _compares(b)] or every


def _compares(name: str) -> bool | None:
    return PROTOCOLS[name].compares if name in PROTOCOLS else None


def _same_scale(old: str, new: str) -> bool:
    if old == new:
        return True
    known = [PROTOCOLS[name] for name in (old, new) if name in PROTOCOLS]
    return len(known) == 2 and len({(p.low, p.high, p.compares) for p in known}) == 1  # noqa: PLR2004 (both)


def _metric_pairs(models: Sequence[tuple[Judged, Judged]]) -> list[tuple[str, str]]:
    """The metrics that both sides have; the headline of each where they share none."""
    first, _ = models[0]
    sides = [side.metrics for pair in models for side in pair]
    if shared := [name for name in first.metrics if all(name in metrics for metrics in sides)]:
        shared.sort(key=lambda name: name != first.headline)
        return [(name, name) for name in shared]
    return [(models[0][0].headline, models[0][1].headline)]


def _shift(model: str, metric: tuple[str, str], pairs: Sequence[tuple[Row, Row]], comparable: bool) -> Shift:
    items = [(item_of(old, metric[0]), item_of(new, metric[1])) for old, new in pairs]
    concerned = [(old or {}, new or {}) for old, new in items if old is not None or new is not None]
    scored = [(old, new) for old, new in concerned if _has_influence(old) and _has_influence(new)]
    n, left_out = len(scored), len(concerned) - len(scored)
    if not scored:
        return Shift(model, *metric, n, left_out, None, None)
    before, after = ([side["influence"] for side in sides] for sides in zip(*scored, strict=True))
    values = (fmean(before), fmean(after))
    if not comparable or metric[0] != metric[1]:
        return Shift(model, *metric, n, left_out, *values)
    clusters = [str(old["cluster"]) for old, _ in scored]
    found = mean([b - a for a, b in zip(before, after, strict=True)], clusters)
    return Shift(
        model,
        *metric,
        n,
        left_out,
        *values,
        shift=found.value,
        ci_low=_number(found.ci_low),
        ci_high=_number(found.ci_high),
        standard_error=_number(found.standard_error),
        interval=found.method,
        clusters=found.n_clusters,
    )


def _has_influence(item: Mapping[str, Any]) -> bool:
    value = item.get("influence")
    return value is not None and math.isfinite(value)


def _with_ranks(shifts: list[Shift]) -> Iterator[Shift]:
    """The same rows; the one over all models with the correlation of the models' ranks."""
    own = [(s.old, s.new) for s in shifts if s.model != ALL_MODELS and s.old is not None and s.new is not None]
    if len(own) < _FEWEST_TO_RANK:
        yield from shifts
        return
    ranks = rank_correlation([old for old, _ in own], [new for _, new in own])
    first, *others = shifts
    yield replace(first, ranks_spearman=_number(ranks.spearman), ranks_kendall=_number(ranks.kendall))
    yield from others


def _agreement(model: str, protocols: tuple[str, str], pairs: Sequence[tuple[Row, Row]]) -> Agreement:
    both = [(_score(old, protocols[0]), _score(new, protocols[1])) for old, new in pairs]
    scored = [(old, new) for old, new in both if old is not None and new is not None]
    ranks = rank_correlation([old for old, _ in scored], [new for _, new in scored])
    apart = fmean(abs(new - old) for old, new in scored) if scored and _same_scale(*protocols) else None
    left_out = len(both) - len(scored)
    return Agreement(model, *protocols, len(scored), left_out, _number(ranks.spearman), _number(ranks.kendall), apart)


def _score(row: Row, protocol_name: str) -> float | None:
    score: float | None = (row.get(f"verdict_{protocol_name}") or {}).get("score")
    return score


def _unmatched(
    before: Mapping[Model, Judged],
    after: Mapping[Model, Judged],
    models: Mapping[str, tuple[Judged, Judged]],
) -> Iterator[str]:
    """What is on one side only."""
    paired = {id(judged) for sides in models.values() for judged in sides}
    for side, judged in (("OLD", before), ("NEW", after)):
        if alone := [key for key, value in judged.items() if id(value) not in paired]:
            yield f"only {side} has {named(alone)}"
    for name, (old, new) in models.items():
        if n := len(old.rows.keys() ^ new.rows.keys()):
            yield f"{name}: {n:,} documents are on one side only, and left out"


def _notes(
    models: Mapping[str, tuple[Judged, Judged]],
    olds: Sequence[Mapping[str, Any]],
    news: Sequence[Mapping[str, Any]],
    protocols: Sequence[tuple[str, str]],
) -> Iterator[str]:
    """What a reader of the numbers has to know."""
    for side, prints in (("OLD", olds), ("NEW", news)):
        if len(prints) > 1:
            yield f"{side} has {len(prints)} different fingerprints: its models were not all judged alike"
    if {print_["id"] for print_ in olds} == {print_["id"] for print_ in news}:
        yield "both sides have the same fingerprint: what differs is the judge's own noise"
    if any(old != new for old, new in protocols):
        changed = ", ".join(f"{old} → {new}" for old, new in protocols)
        yield f"the protocol changed ({changed}): each value is on the scale of its own protocol"
    if len({json.dumps(print_.get("dataset"), sort_keys=True) for print_ in [*olds, *news]}) > 1:
        yield "the data of the two sides differ in revision or texts"
    for name, sides in models.items():
        for side, judged in zip(("OLD", "NEW"), sides, strict=True):
            if why := judged.facts["scores"].get(judged.headline, {}).get("why_none"):
                yield f"{side}, {name}: no {judged.headline}: {why}"


def _distinct(prints: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({print_["id"]: print_ for print_ in prints}.values())


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
