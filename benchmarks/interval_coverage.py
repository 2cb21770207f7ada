"""How often 95 % intervals hold the truth.

`PYTHONPATH=tests python benchmarks/interval_coverage.py [--runs N] [--json FILE]`

Of every statistic of agreement, by the interval that is used (bootstrap-t) and by two that are not (percentiles, BCa),
with 200 clusters, with 21, the number of Heron-Bench's images, and with 10; five answers each. Of corrected means with
labels of some answers, drawn at random from all, and the width beside that of the labels alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from lmms_eval_ja.metrics import FUZZY_BINS, STRICT_BINS, agreement, alignment_score, prediction_powered_mean
from lmms_eval_ja.metrics._division_agreement import divided
from lmms_eval_ja.metrics._meta_evaluation import STATISTICS
from lmms_eval_ja.metrics._resampling import resampled
from lmms_eval_ja.metrics._weighted_pairs import Pairs
from machine import machine
from support.scored_pairs import population

CLUSTERS, ANSWERS, RESAMPLES = (200, 21, 10), 5, 999
LABELS = ((200, 200), (200, 30), (21, 50), (21, 30))
ENDS = np.array([0.025, 0.975])


def main() -> None:
    """Simulate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    started = time.perf_counter()
    found: dict[str, Any] = {"device": machine("numpy", "scipy"), "runs": arguments.runs}
    found["agreement"] = {str(clusters): coverage(clusters, arguments.runs) for clusters in CLUSTERS}
    found["alignment"] = {str(clusters): of_alignment(clusters, arguments.runs) for clusters in CLUSTERS}
    found["corrected mean"] = [corrected(clusters, labels, arguments.runs) for clusters, labels in LABELS]
    found["seconds"] = round(time.perf_counter() - started, 1)
    text = json.dumps(found, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")


def coverage(clusters: int, runs: int) -> dict[str, dict[str, float]]:
    """The share of the intervals that hold the truth, by statistic and kind of interval; none is no cover."""
    whole = population()
    truth, rng = whole.truth(), np.random.default_rng(0)
    held: dict[str, dict[str, int]] = {name: defaultdict(int) for name in STATISTICS}
    for _ in range(runs):
        first, second, images = whole.draw(rng, clusters, ANSWERS)
        ours = agreement(first, second, clusters=images, resamples=RESAMPLES)
        for name, one in ours.statistics.items():
            low, high = one.ci_low, one.ci_high
            held[name]["bootstrap-t"] += low is not None and high is not None and low <= truth[name] <= high
        for name, kind, (low, high) in _others(first, second, images):
            held[name][kind] += low <= truth[name] <= high
    return {name: {kind: round(n / runs, 4) for kind, n in kinds.items()} for name, kinds in held.items()}


def _others(first: Any, second: Any, images: list[int]) -> Iterator[tuple[str, str, Any]]:
    """Percentiles and BCa, with the jackknife over clusters."""
    bins = {"strict_division": STRICT_BINS, "fuzzy_division": FUZZY_BINS}
    pairs = Pairs(
        first, second, images, {name: (divided("x", first, b), divided("y", second, b)) for name, b in bins.items()}
    )
    clusters = pairs.n_clusters
    whole = pairs.statistics(np.ones((1, clusters)))
    drawn = pairs.statistics(resampled(pairs.sizes, RESAMPLES, 0))
    without = pairs.statistics(np.ones((clusters, clusters)) - np.eye(clusters))
    for name in STATISTICS:
        values = drawn[name][np.isfinite(drawn[name])]
        yield name, "percentiles", np.quantile(values, ENDS)
        below = (values < whole[name]).mean() + (values == whole[name]).mean() / 2
        bias = ndtri(np.clip(below, 1e-6, 1 - 1e-6))
        apart = without[name].mean() - without[name]
        speed = (apart**3).sum() / (6 * (apart**2).sum() ** 1.5 + 1e-300)
        shifted = bias + ndtri(ENDS)
        yield name, "BCa", np.quantile(values, ndtr(bias + shifted / (1 - speed * shifted)))


def of_alignment(clusters: int, runs: int) -> float:
    """The same of the alignment score: six scores a cluster, whose spread is 0.5 or 1.5."""
    rng, held = np.random.default_rng(0), 0
    truth = 1 / (np.sqrt(2 / 6) * 2 / 1.329340388179137)  # Γ(3) = 2, Γ(2.5) = 1.3293
    for _ in range(runs):
        scores = rng.normal(6, rng.choice([0.5, 1.5], (clusters, 1)), (clusters, 6))
        one = alignment_score(scores.tolist(), resamples=RESAMPLES).dispersions["std_ddof0"]
        held += one.alignment_low is not None and one.alignment_low <= truth <= (one.alignment_high or np.inf)
    return round(held / runs, 4)


def corrected(clusters: int, labels: int, runs: int) -> dict[str, Any]:
    """Of corrected means, when the judge's scores correlate with the labels at 0.8."""
    rng, n = np.random.default_rng(0), clusters * ANSWERS
    images = np.repeat(np.arange(clusters), ANSWERS)
    held: dict[str, float] = defaultdict(float)
    width: dict[str, float] = defaultdict(float)
    for _ in range(runs):
        human = (6 + rng.normal(0, 0.6, (clusters, 1)) + rng.normal(0, 0.8, (clusters, ANSWERS))).reshape(-1)
        judge = human + (rng.normal(0, 0.35, (clusters, 1)) + rng.normal(0.4, 0.66, (clusters, ANSWERS))).reshape(-1)
        has = np.zeros(n, dtype=bool)
        has[rng.choice(n, labels, replace=False)] = True
        among = (images[has].tolist(), images[~has].tolist())
        for method in ("ppi++", "ppi", "labels"):
            one = prediction_powered_mean(human[has], judge[has], judge[~has], method=method, clusters=among)
            held[method] += (one.ci_low <= 6 <= one.ci_high) / runs
            width[method] += (one.ci_high - one.ci_low) / runs
    return {
        "clusters": clusters,
        "labels": labels,
        "coverage": {name: round(share, 4) for name, share in held.items()},
        "width, of that of the labels alone": {
            name: round(one / width["labels"], 3) for name, one in width.items() if name != "labels"
        },
    }


if __name__ == "__main__":
    main()
