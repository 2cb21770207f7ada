"""From the items of an exported task's documents to its scores: NaN where too few have one, and influences besides."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from loguru import logger as eval_logger

from lmms_eval_ja.judges.scores import LEAST_COVERAGE
from lmms_eval_ja.metrics._macro_ratio import influence_values, macro_ratio
from lmms_eval_ja.metrics._standard_error import FloatArray

Item = dict[str, Any]
#: Failures after which a score would change when the run is done again: a metric with one of them has none.
PASSING = ("transport", "generation")


def mean_score(items: Sequence[Item]) -> float:
    """Mean of the answers' scores."""
    return _aggregate(items, lambda scored: _columns([i["score"] for i in scored], [1.0] * len(scored)))


def mean_reference_score(items: Sequence[Item]) -> float:
    """Mean of the reference answers' scores, which a ratio hides."""
    return _aggregate(items, lambda scored: _columns([i["reference_score"] for i in scored], [1.0] * len(scored)))


def ratio_of_means(items: Sequence[Item]) -> float:
    """100 x mean score of the answers / mean score of the references."""
    return _aggregate(
        items, lambda scored: _columns([100 * i["score"] for i in scored], [i["reference_score"] for i in scored])
    )


def mean_of_category_ratios(items: Sequence[Item]) -> float:
    """The unweighted mean over categories of `ratio_of_means`."""
    return _aggregate(
        items,
        lambda scored: _columns(
            [100 * i["score"] for i in scored],
            [i["reference_score"] for i in scored],
            [i["category"] for i in scored],
        ),
    )


def _aggregate(items: Sequence[Item], columns: Callable[[Sequence[Item]], FloatArray]) -> float:
    """A macro ratio over the items that have a score; their key `influence` then gives the harness its error.

    NaN, with a line in the log, where a failure would pass when the run is done again, or where fewer than 95 % of the
    items have a score. There is no influence then, so no error stands beside NaN.
    """
    ordered = sorted(items, key=lambda item: item["sample_id"])
    scored = [item for item in ordered if item["failure"] is None]
    failures = Counter(item["failure"] for item in ordered if item["failure"] is not None)
    if not scored or any(failures[kind] for kind in PASSING) or len(scored) / len(ordered) < LEAST_COVERAGE:
        named = ", ".join(f"{count} {kind}" for kind, count in sorted(failures.items()))
        eval_logger.error(f"no score: {len(scored)} of {len(ordered)} samples have one; failures: {named or 'none'}")
        for item in scored:
            item["influence"] = math.nan
        return math.nan
    table = columns(scored)
    for item, influence in zip(scored, influence_values(table).tolist(), strict=True):
        item["influence"] = influence
    return float(macro_ratio(table.sum(axis=0)))


def _columns(
    numerators: Sequence[float], denominators: Sequence[float], categories: Sequence[str] | None = None
) -> FloatArray:
    """Numbers of documents, shape (n,) each, as `influence_values` takes them, shape (n, 2C)."""
    named = categories or [""] * len(numerators)
    column = {category: number for number, category in enumerate(sorted(set(named)))}
    own = np.array([column[category] for category in named], dtype=np.intp)
    table = np.zeros((len(named), 2 * len(column)))
    table[np.arange(len(named)), own] = numerators
    table[np.arange(len(named)), own + len(column)] = denominators
    return table
