"""Every aggregation by the name that a task's YAML gives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lmms_eval_ja.judges import scores
from lmms_eval_ja.judges.alignment import alignment_ja, dispersion_ja
from lmms_eval_ja.judges.scores import Score

AGGREGATIONS: dict[str, Callable[[Sequence[Any]], Score]] = scores.AGGREGATIONS | {
    f.__name__: f for f in (alignment_ja, dispersion_ja)
}
