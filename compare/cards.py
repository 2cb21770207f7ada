"""What the models' scores tell of the benchmarks: how well each separates them, and how far they agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations

import numpy as np

from lmms_eval_ja.compare.compared import Cell, Difference, LengthAgreement, TaskCard, TaskCorrelation
from lmms_eval_ja.compare.matrices import Floats, Matrices
from lmms_eval_ja.compare.scored import Options
from lmms_eval_ja.judges import PROTOCOLS
from lmms_eval_ja.metrics import resampled_ranks, spearman, spearman_interval, split_half_reliability

_FEWEST_MODELS = 2
_FEWEST_TO_CORRELATE = 3
_FEWEST_ANSWERS = 30
_ROUGE = "rouge_l_ja"
_TERCILES = 3


def card(
    table: Matrices, ranked: Sequence[str], differences: Sequence[Difference], *, seed: int = 0, splits: int = 200
) -> TaskCard:
    """A task's report card, over the models that are ranked in it.

    Args:
        table: the task's answers.
        ranked: ids of the models.
        differences: of its headline.
        seed: of the random halves.
        splits: number of random halves.
    """
    task = table.task
    own = [one for one in differences if one.p_adjusted is not None]
    numbers = [table.models.index(model) for model in ranked]
    scores, top = _item_scores(table)
    scores = scores[numbers]
    known = ~np.isnan(scores)
    shared = known.sum(axis=0) >= _FEWEST_MODELS
    low, high = (np.where(known, scores, fill) for fill in (math.inf, -math.inf))
    flat = shared & (low.min(axis=0, initial=math.inf) == high.max(axis=0, initial=-math.inf))
    ceiling = flat & (high.max(axis=0, initial=-math.inf) >= top)
    reliability = split_half_reliability(
        table.influence(task.headline)[numbers], table.clusters, splits=splits, seed=seed
    )
    return TaskCard(
        task=task.name,
        metric=task.headline,
        separated_share=sum(one.significant for one in own) / len(own) if own else None,
        pairs=len(own),
        split_half_reliability=None if math.isnan(reliability) else reliability,
        dead_items=tuple(table.doc_ids[flat].tolist()),
        ceiling_items=tuple(table.doc_ids[ceiling].tolist()),
        items=int(shared.sum()),
    )


def _item_scores(table: Matrices) -> tuple[Floats, float]:
    """The scores of single answers that the headline rests on, and the highest there is."""
    task = table.task
    if (name := protocol_of_headline(table)) is not None:
        return table.score(name), PROTOCOLS[name].high if name in PROTOCOLS else math.inf
    values = table.value(task.headline)
    return (values if not np.isnan(values).all() else table.influence(task.headline)), 100.0


def protocol_of_headline(table: Matrices) -> str | None:
    """The protocol that a task's headline rests on; None for a headline that needs no judge."""
    task = table.task
    if not task.protocols or task.headline == _ROUGE:
        return None
    compares = [name for name in task.protocols if name in PROTOCOLS and PROTOCOLS[name].compares]
    grades = [name for name in task.protocols if name not in compares]
    fitting = grades if task.headline == "judge_mean" else compares
    return (fitting or list(task.protocols))[0]


def correlations(headlines: Mapping[str, Sequence[Cell]], options: Options) -> Iterator[TaskCorrelation]:
    """Spearman's correlation of every two tasks over the models that are ranked in both; none for fewer than 3.

    Args:
        headlines: cells of each task's headline.
        options: of the intervals, a percentile bootstrap over the models with 999 resamples.
    """
    values = {task: {c.model: c.value for c in cells if c.ranked} for task, cells in headlines.items()}

    @cache
    def ranks_of(task: str, models: Sequence[str]) -> Floats:
        return resampled_ranks(np.array([values[task][model] for model in models], dtype=float), seed=options.seed)

    for a, b in combinations(values, 2):
        models = [model for model in values[a] if model in values[b]]
        if len(models) < _FEWEST_TO_CORRELATE:
            continue
        x, y = (ranks_of(task, tuple(models)) for task in (a, b))
        found = spearman_interval(x, y, confidence=options.confidence)
        rho, low, high = (None if math.isnan(number) else number for number in found)
        yield TaskCorrelation(a, b, rho, low, high, len(models))


def lengths(table: Matrices) -> Iterator[LengthAgreement]:
    """ROUGE-L against each protocol's score, over all answers and by thirds of their length.

    ROUGE-L falls with verbosity where a judge's score does not (arXiv 2410.22736, Figure 2): the means then drift apart
    from the first to the last third.
    """
    if _ROUGE not in table.task.metrics:
        return
    rouge, chars = table.value(_ROUGE), table.value("chars")
    for protocol in table.task.protocols:
        score = table.score(protocol)
        both = ~np.isnan(rouge) & ~np.isnan(score) & ~np.isnan(chars)
        if both.sum() < _FEWEST_ANSWERS:
            continue
        x, y, length = rouge[both], score[both], chars[both]
        order = np.argsort(length, kind="stable")
        for tercile, rows in enumerate([order, *np.array_split(order, _TERCILES)]):
            rho = spearman(x[rows], y[rows])
            yield LengthAgreement(
                task=table.task.name,
                protocol=protocol,
                tercile=tercile,
                chars_low=int(length[rows].min()),
                chars_high=int(length[rows].max()),
                n=len(rows),
                spearman=None if math.isnan(rho) else rho,
                rouge_l=float(x[rows].mean()),
                score=float(y[rows].mean()),
            )
