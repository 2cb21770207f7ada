"""One metric of one task: the models' scores, the differences between every two of them, and their ranks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lmms_eval_ja.compare.compared import Cell, Difference
from lmms_eval_ja.compare.matrices import Matrices
from lmms_eval_ja.compare.results import Results
from lmms_eval_ja.metrics import holm, paired_differences, rank_intervals, ranks

#: A metric of the references says nothing of the model.
OF_REFERENCES = "reference_mean"
Score = Mapping[str, Any]


@dataclass(frozen=True)
class Options:
    """How sure intervals are, and what the bootstrap draws."""

    confidence: float = 0.95
    resamples: int = 4999
    seed: int = 0

    @property
    def level(self) -> float:
        """Below it a p value is significant."""
        return 1 - self.confidence


@dataclass(frozen=True)
class Scored:
    """A metric of a task: its cells in the order of the models, the differences, and who is ranked.

    `sign` is 1 where higher is better, else −1.
    """

    cells: Sequence[Cell]
    differences: Sequence[Difference]
    ranked: Sequence[str]
    sign: int


def scored(results: Results, table: Matrices, metric: str, options: Options) -> Scored:
    """Compare all models by a metric.

    Differences of every two models are paired and clustered (`paired_differences`), p values corrected for all pairs of
    ranked models by Holm's method, and ranks have the interval that the significant differences leave
    (`rank_intervals`). A contaminated cell, and one without a score, is never ranked.
    """
    task = table.task
    scores = [_score(results, model, task.name, metric) for model in table.models]
    cells = [_cell(results, model, table, metric, score) for model, score in zip(table.models, scores, strict=True)]
    ranked = [cell.model for cell in cells if cell.ranked]
    sign = 1 if task.higher_is_better.get(metric, True) else -1
    differences: list[Difference] = []
    known = {number: score for number, score in enumerate(scores) if score.get("value") is not None}
    if metric != OF_REFERENCES and len(known) > 1:
        differences = list(_differences(table, metric, known, ranked, options))
    places = _places(cells, differences, sign)
    return Scored([replace(cell, **places.get(cell.model, {})) for cell in cells], differences, ranked, sign)


def _score(results: Results, model: str, task: str, metric: str) -> Score:
    found: Score = results.runs[model, task].facts["scores"].get(metric) or {}
    return found


def _variance_of_runs(score: Score) -> float:
    """The judge's part in the variance of a mean over R runs: run_sd²/R; 0 for a single run, of which none is known."""
    runs = len(score.get("runs") or ())
    if score.get("run_sd") is None or runs < 2:  # noqa: PLR2004  a spread needs two
        return 0.0
    return float(score["run_sd"]) ** 2 / runs


def _cell(results: Results, model: str, table: Matrices, metric: str, score: Score) -> Cell:
    """A cell without a rank; its interval is the run's own, widened by the spread between the judge's runs."""
    value, error = score.get("value"), score.get("standard_error")
    low, high = score.get("ci_low"), score.get("ci_high")
    spread = _variance_of_runs(score)
    if spread and error and value is not None and low is not None and high is not None:
        wider = math.sqrt(1 + spread / error**2)
        low, high, error = value - wider * (value - low), value + wider * (high - value), error * wider
    why = _why_not_ranked(results, model, table, metric, score)
    return Cell(
        model=model,
        task=table.task.name,
        metric=metric,
        value=value,
        ci_low=low,
        ci_high=high,
        standard_error=error,
        run_sd=score.get("run_sd"),
        n=score.get("n", 0),
        scored=score.get("scored", 0),
        rank=None,
        rank_low=None,
        rank_high=None,
        best=False,
        ranked=why is None,
        why_not_ranked=why,
    )


def _why_not_ranked(results: Results, model: str, table: Matrices, metric: str, score: Score) -> str | None:
    run = results.runs[model, table.task.name]
    if table.task.name in results.models[model].contaminated_tasks:
        return "contaminated: its training data holds images or questions of this task"
    if not score:
        return f"{metric} was not computed"
    if score["value"] is None:
        return str(score.get("undefined") or f"incomplete: {score.get('why_none') or 'no score'}")
    if metric == OF_REFERENCES:
        return "of the reference answers, not of the model"
    if run.incomplete and metric not in table.without_judge:
        return f"incomplete: {run.incomplete}"
    return None


def _differences(
    table: Matrices, metric: str, known: Mapping[int, Score], ranked: Sequence[str], options: Options
) -> Iterator[Difference]:
    """Of every two of the models that have a score, by their numbers."""
    names = [table.models[number] for number in known]
    pairs = paired_differences(
        table.influence(metric)[list(known)],
        table.clusters,
        extra_variance=np.array([_variance_of_runs(score) for score in known.values()]),
        confidence=options.confidence,
        resamples=options.resamples,
        seed=options.seed,
    )
    among = np.isin(names, ranked)
    adjusted = holm(np.where(among[pairs.first] & among[pairs.second], pairs.p, math.nan))
    columns = (pairs.difference, pairs.ci_low, pairs.ci_high, pairs.p, adjusted)
    numbers = [[None if math.isnan(x) else x for x in column.tolist()] for column in columns]
    indices = (pairs.first.tolist(), pairs.second.tolist(), pairs.n.tolist())
    for difference, low, high, p, p_adjusted, a, b, n in zip(*numbers, *indices, strict=True):
        if difference is not None:
            yield Difference(
                task=table.task.name,
                metric=metric,
                a=names[a],
                b=names[b],
                difference=difference,
                ci_low=low,
                ci_high=high,
                p=p,
                p_adjusted=p_adjusted,
                significant=p_adjusted is not None and p_adjusted < options.level,
                n=n,
            )


def corrected(differences: Sequence[Difference], ranked: Iterable[str], level: float) -> list[Difference]:
    """The differences with p values by Holm's method over those between two ranked models."""
    among = set(ranked)
    p = [one.p if one.p is not None and one.a in among and one.b in among else math.nan for one in differences]
    found = []
    for one, adjusted in zip(differences, holm(np.array(p, dtype=float)).tolist(), strict=True):
        known = None if math.isnan(adjusted) else adjusted
        found.append(replace(one, p_adjusted=known, significant=known is not None and known < level))
    return found


def rank_ends(
    ranked: Sequence[str], differences: Iterable[Difference], sign: int, level: float
) -> dict[str, tuple[int, int]]:
    """Best and worst rank of each ranked model that the differences which are significant at a level do not exclude."""
    place = {model: n for n, model in enumerate(ranked)}
    own = [one for one in differences if one.p_adjusted is not None]
    first, second = (np.array([place[getattr(one, side)] for one in own], dtype=np.intp) for side in ("a", "b"))
    apart = np.array([sign * one.difference for one in own], dtype=float)
    significant = np.array([one.p_adjusted is not None and one.p_adjusted < level for one in own], dtype=bool)
    low, high = rank_intervals(len(ranked), first, second, apart, significant)
    return dict(zip(ranked, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def _places(cells: Sequence[Cell], differences: Sequence[Difference], sign: int) -> dict[str, dict[str, Any]]:
    """Rank, its ends, and whether it may be the best, by ranked model."""
    values = {cell.model: sign * cell.value for cell in cells if cell.ranked and cell.value is not None}
    if not values:
        return {}
    ends = rank_ends(list(values), (one for one in differences if one.significant), sign, math.inf)
    own = ranks(np.array(list(values.values()), dtype=float)).tolist()
    return {
        model: {"rank": rank, "rank_low": ends[model][0], "rank_high": ends[model][1], "best": ends[model][0] == 1}
        for model, rank in zip(values, own, strict=True)
    }
