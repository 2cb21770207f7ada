"""What goes beyond one metric of one task: deltas against a baseline, curves of checkpoints, the mean rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from lmms_eval_ja.compare.compared import Cell, Curve, CurvePoint, Difference, Overall
from lmms_eval_ja.compare.results import Results
from lmms_eval_ja.compare.scored import Options, Scored, corrected, rank_ends


def deltas(baseline: str, found: Sequence[Scored], options: Options) -> Iterator[Difference]:
    """Every model less the baseline, p values corrected for these comparisons alone.

    Args:
        baseline: id of the model.
        found: metrics of tasks.
        options: `confidence` gives the level.
    """
    for one in found:
        own = [_against(row, baseline) for row in one.differences if baseline in (row.a, row.b)]
        yield from corrected(own, one.ranked, options.level)


def _against(row: Difference, baseline: str) -> Difference:
    if row.b == baseline:
        return row
    low, high = (None if end is None else -end for end in (row.ci_high, row.ci_low))
    return replace(row, a=row.b, b=row.a, difference=-row.difference, ci_low=low, ci_high=high)


def curves(results: Results, cells: Sequence[Cell]) -> Iterator[Curve]:
    """Every metric of every series of checkpoints, by step."""
    steps = {m.id: (m.series, m.step) for m in results.models.values() if m.series is not None and m.step is not None}
    points: dict[tuple[str, str, str], list[CurvePoint]] = {}
    for cell in cells:
        if cell.model in steps:
            series, step = steps[cell.model]
            point = CurvePoint(step or 0, cell.model, cell.value, cell.ci_low, cell.ci_high)
            points.setdefault((str(series), cell.task, cell.metric), []).append(point)
    for key, own in points.items():
        yield Curve(*key, tuple(sorted(own, key=lambda point: point.step)))


def overall(models: Sequence[str], headlines: Mapping[str, Scored], options: Options) -> Iterator[Overall]:
    """Each model's mean rank over the headlines in which it is ranked.

    The ends are means of ranks' ends that hold in all T tasks at once: each task's pairs are tested at the level
    (1 − confidence)/T (Bonferroni).

    Args:
        models: ids.
        headlines: the headline of each task.
        options: `confidence` gives the level.
    """
    judged = [one for one in headlines.values() if one.ranked]
    rows: dict[str, list[tuple[int, int, int]]] = {model: [] for model in models}
    for one in judged:
        ends = rank_ends(one.ranked, one.differences, one.sign, options.level / len(judged))
        for cell in one.cells:
            if cell.rank is not None:
                rows[cell.model].append((cell.rank, *ends[cell.model]))
    for model, own in rows.items():
        if own:
            mean, low, high = (fmean(column) for column in zip(*own, strict=True))
            yield Overall(model, mean, low, high, len(own))
