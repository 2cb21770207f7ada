"""From the results of many models to what a comparison found."""

from __future__ import annotations

from lmms_eval_ja.compare.cards import card, correlations, lengths
from lmms_eval_ja.compare.compared import Compared
from lmms_eval_ja.compare.health import health
from lmms_eval_ja.compare.marks import marks, notes
from lmms_eval_ja.compare.matrices import matrices_of
from lmms_eval_ja.compare.over_tasks import curves, deltas, overall
from lmms_eval_ja.compare.results import Results
from lmms_eval_ja.compare.scored import Options, scored


def compare(results: Results, *, confidence: float = 0.95, resamples: int = 4999, seed: int = 0) -> Compared:
    """Compare all models on all tasks; docs/comparison.md explains every number and names its source.

    Args:
        results: what `load_results` read.
        confidence: of all intervals, between 0 and 1.
        resamples: of the bootstraps.
        seed: of the bootstraps and of the random halves; the same seed gives the same numbers.

    Raises:
        ValueError: an option is out of range.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence}; expected a number between 0 and 1, such as 0.95")
    if resamples < 2:  # noqa: PLR2004  a spread needs two
        raise ValueError(f"{resamples} resamples; expected 2 or more")
    options = Options(confidence, resamples, seed)
    tables = matrices_of(results)
    found = {
        (name, metric): scored(results, tables[name], metric, options)
        for name, task in results.tasks.items()
        for metric in task.metrics
    }
    headlines = {name: found[name, task.headline] for name, task in results.tasks.items()}
    cells = [cell for one in found.values() for cell in one.cells]
    return Compared(
        models=tuple(results.models),
        tasks=tuple(results.tasks),
        cells=tuple(cells),
        differences=tuple(difference for one in found.values() for difference in one.differences),
        deltas=tuple(deltas(results.baseline, list(found.values()), options)) if results.baseline else (),
        curves=tuple(curves(results, cells)),
        cards=tuple(card(tables[name], one.ranked, one.differences, seed=seed) for name, one in headlines.items()),
        correlations=tuple(correlations({name: one.cells for name, one in headlines.items()}, options)),
        lengths=tuple(row for table in tables.values() for row in lengths(table)),
        overall=tuple(overall(tuple(results.models), headlines, options)),
        health=tuple(row for table in tables.values() for row in health(results, table)),
        notes=tuple(notes(results)),
        marks=tuple(marks(results)),
        headlines={name: task.headline for name, task in results.tasks.items()},
        labels={name: model.label for name, model in results.models.items()},
        title=results.title,
        baseline=results.baseline,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )
