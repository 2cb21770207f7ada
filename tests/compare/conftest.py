"""A made-up comparison that is read and compared once."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmms_eval_ja.compare.compared import Compared
from lmms_eval_ja.compare.results import Results, load_results
from lmms_eval_ja.compare.statistics import compare
from support.comparisons import Shape, write_comparison


@pytest.fixture(scope="session")
def made_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four models, two tasks, two repeats, one series of two checkpoints, a baseline; not to be written to."""
    series = {"series": "run", "contaminated_tasks": []}
    shape = Shape(
        models=4,
        repeats=2,
        parse_failures=0.02,
        baseline="model-01",
        run_facts={
            "model-02": series | {"step": 200, "label": "run, 200"},
            "model-03": series | {"step": 100},
            "model-00": {"contaminated_tasks": ["heron_bench_ja"], "flags": ["in_domain"]},
        },
    )
    return write_comparison(tmp_path_factory.mktemp("made") / "out", shape)


@pytest.fixture(scope="session")
def made_results(made_folder: Path) -> Results:
    """What is read of it."""
    return load_results(made_folder)


@pytest.fixture(scope="session")
def made_compared(made_results: Results) -> Compared:
    """What is found."""
    return compare(made_results, resamples=500)
