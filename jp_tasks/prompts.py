"""What the model sees: the picture and the bare question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def doc_to_visual(doc: Mapping[str, Any]) -> list[Any]:
    """The picture in RGB."""
    return [doc["image"].convert("RGB")]


def doc_to_text(doc: Mapping[str, Any]) -> str:
    """The question as the benchmark has it, nothing added."""
    return str(doc["question"])


def doc_to_target(doc: Mapping[str, Any]) -> str:
    """The reference answer."""
    return str(doc["reference"] if "reference" in doc else doc["answer"])
