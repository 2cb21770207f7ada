"""The README shows what the demo prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lmms_eval_ja.demo import HEADER, SETS, TINY

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def table(text: str) -> dict[str, str]:
    """The rows of the demo's table by their first cell."""
    lines = text[text.index(HEADER) :].splitlines()[2:]
    return {line.split("|")[1].strip(): line for line in lines if line.startswith("|")}


def test_the_readme_shows_what_the_demo_prints(tmp_path: Path, hub_env: dict[str, str]) -> None:
    words = [sys.executable, "-m", "lmms_eval_ja.demo", str(tmp_path / "out")]
    done = subprocess.run(words, env=hub_env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    (block,) = re.findall(r"<!-- demo -->\n(.*?)<!-- /demo -->", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)

    shown, printed = table(block), table(done.stdout)
    assert list(printed) == list(shown) == [*SETS, TINY]
    assert {name: printed[name] for name in SETS} == {name: shown[name] for name in SETS}
    assert done.stdout.splitlines()[-1] == block.splitlines()[-1]
    # Random weights depend on the version of transformers and a near tie on the CPU: nonsense, but all of it scored.
    rouge, judged, _, coverage, *_ = (cell.split("[")[0] for cell in printed[TINY].split("|")[2:])
    assert float(rouge) < 5
    assert float(judged) < 1.5
    assert float(coverage) == 1
