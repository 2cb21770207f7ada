"""The reference's own results on a tiny VILA checkpoint (../shared/golden/vila), where they are at hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "golden" / "vila"
needs_golden = pytest.mark.skipif(not _FOLDER.is_dir(), reason="needs ../shared/golden/vila beside the repository")
CHECKPOINT = _FOLDER / "checkpoint"


@dataclass(frozen=True)
class Case:
    """One conversation, and what the reference made of it."""

    name: str
    facts: dict[str, Any]

    @property
    def prompt(self) -> str:
        return str(self.facts["prompt"])

    @property
    def images(self) -> list[Image.Image]:
        return [Image.open(_FOLDER / "images" / name) for name in self.facts["images"]]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """As a task gives them: images first, then the question without its leading tags."""
        found: list[dict[str, Any]] = []
        for question, answer in self.facts["turns"]:
            images = [{"type": "image", "url": image} for image in ([] if found else self.images)]
            found.append({"role": "user", "content": [*images, {"type": "text", "text": question}]})
            if answer is not None:
                found.append({"role": "assistant", "content": answer})
        return found

    @property
    def max_new_tokens(self) -> int:
        return int(self.facts["max_new_tokens"])

    @property
    def new_ids(self) -> list[int]:
        return list(self.facts["output_ids"][1:])

    def array(self, name: str) -> Any:
        return _expected()[f"{self.name}.{name}"]


def _read() -> list[Case]:
    if not _FOLDER.is_dir():
        return []
    cases = json.loads((_FOLDER / "cases.json").read_text(encoding="utf-8"))["cases"]
    return [Case(facts["name"], facts) for facts in cases]


@cache
def _expected() -> Any:
    import numpy as np

    return np.load(_FOLDER / "expected.npz")


CASES = _read()
WITH_IMAGES = [case for case in CASES if case.facts["images"]]


def each(cases: list[Case] = CASES) -> Any:
    """Run a test for each case."""
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])
