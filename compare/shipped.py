"""The comparisons that come with this package: `compare --reproduce NAME`."""

from __future__ import annotations

from pathlib import Path

from lmms_eval_ja.compare.faults import ComparisonError, unknown

FOLDER = Path(__file__).parent / "reproduce"


def shipped_names() -> list[str]:
    """Of those that there are."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def shipped(name: str) -> Path:
    """The file of a comparison.

    Raises:
        ComparisonError: there is none of this name.
    """
    if name not in shipped_names():
        raise ComparisonError(f"--reproduce: {unknown('comparison', name, shipped_names())}")
    return FOLDER / f"{name}.yaml"
