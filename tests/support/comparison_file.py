"""A `comparison.yaml` for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

GOOD: dict[str, Any] = {"output": "out", "tasks": ["ja_sample"], "judge": "overlap", "models": ["qwen2-vl-7b-instruct"]}


def written(folder: Path, fields: dict[str, Any] | str) -> Path:
    """The file with these fields, or this text."""
    path = folder / "comparison.yaml"
    text = fields if isinstance(fields, str) else yaml.safe_dump(fields, allow_unicode=True, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path
