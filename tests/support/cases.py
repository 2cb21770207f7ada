"""Tables of cases: those written for this project beside the tests, and the golden ones of the shared folder."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from support.benchmarks import SHARED

_FOLDER = Path(__file__).parents[1] / "metrics" / "cases"


@cache
def cases(name: str) -> list[dict[str, Any]]:
    """The cases of `tests/metrics/cases/<name>.jsonl`."""
    return [json.loads(line) for line in (_FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def by_kind(name: str) -> list[Any]:
    """The cases of a table as parameters of a test, one for each kind."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for case in cases(name):
        kinds.setdefault(case["kind"], []).append(case)
    return [pytest.param(of_kind, id=kind) for kind, of_kind in kinds.items()]


@cache
def golden(name: str) -> list[dict[str, Any]]:
    """The cases of `../shared/golden/<name>.jsonl`; the test is skipped where that is absent."""
    if SHARED is None:
        pytest.skip("the golden files of ../shared are not here")
    lines = (SHARED / "golden" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
