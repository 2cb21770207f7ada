"""Published figures as the report shows them: apart from ours, with what is known of how they came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from lmms_eval_ja.compare.report.script import number


def published_of(rows: Sequence[Any], sources: Mapping[str, Any] | None) -> dict[str, Any]:
    """Rows of `compare.published` and the facts of their sources, for the index; sources without rows are left out."""
    used = list(dict.fromkeys(row.source for row in rows))
    facts = {name: _facts((sources or {}).get(name)) for name in used}
    return {
        "sources": [{"name": name, "facts": facts[name]} for name in used],
        "rows": [
            {
                "source": used.index(row.source),
                "model": getattr(row, "name", "") or row.model,
                "task": row.task,
                "metric": row.metric,
                "value": number(row.value),
                "note": row.note or None,
            }
            for row in rows
        ],
    }


def _facts(source: Any) -> list[list[str]]:
    """Names and values of what is known of a source, in its order."""
    if source is None:
        return []
    known = asdict(source) if is_dataclass(source) and not isinstance(source, type) else dict(source)
    return [[name, value] for name, value in known.items() if isinstance(value, str) and value]
