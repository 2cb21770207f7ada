"""How the judging of each model's answers went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lmms_eval_ja.compare.compared import Health
from lmms_eval_ja.compare.matrices import Matrices
from lmms_eval_ja.compare.results import Results
from lmms_eval_ja.judges import PARSE_FAILURES

_GENERATION = "generation"


def health(results: Results, table: Matrices) -> Iterator[Health]:
    """A row for each model and protocol; for a task without a judge one for each model, by its headline."""
    task = table.task
    for name in task.protocols or (None,):
        failed = _failures(table, name)
        for number, model in enumerate(table.models):
            facts = results.runs[model, task.name].facts
            score = facts["scores"].get(task.headline) or {}
            kinds = failed[number]
            judged: Mapping[str, Any] = (facts.get("judging") or {}).get(name) or {}
            usage = judged.get("usage") or {}
            bias = judged.get("position_bias") or {}
            lost = sum(kinds.values())
            yield Health(
                model=model,
                task=task.name,
                protocol=name,
                coverage=1 - lost / len(table.doc_ids) if len(table.doc_ids) else 0.0,
                judge_failures=lost - kinds.get(_GENERATION, 0) - sum(kinds.get(kind, 0) for kind in PARSE_FAILURES),
                parse_failures=sum(kinds.get(kind, 0) for kind in PARSE_FAILURES),
                generation_failures=kinds.get(_GENERATION, 0),
                run_sd=score.get("run_sd"),
                position_bias=bias.get("points"),
                judge=facts.get("judge") if name else None,
                usd=usage.get("usd"),
                replies=int(usage.get("replies") or 0),
            )


def _failures(table: Matrices, protocol: str | None) -> list[dict[str, int]]:
    """Documents of each model by kind of failure; of several repeats' failures the first counts."""
    column = table.texts(f"{protocol}_failure" if protocol else "generation_failure")
    counts: list[dict[str, int]] = [{} for _ in table.models]
    if column is None:
        return counts
    failed = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    kinds = column.take(failed).to_pylist()
    model, document, _ = table.place()
    seen = set()
    for row, kind in zip(failed.tolist(), kinds, strict=True):
        if (key := (int(model[row]), int(document[row]))) not in seen:
            seen.add(key)
            kind_ = kind if protocol else _GENERATION
            counts[key[0]][kind_] = counts[key[0]].get(kind_, 0) + 1
    return counts
