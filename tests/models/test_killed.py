"""A run that is killed continues where it stopped."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from support import killed_vlm
from support.killed_vlm import BATCH_S, DOCS, journalled, logged

KILLS = 10


def start(checkpoint: Path, folder: Path) -> subprocess.Popen[str]:
    """A process that is about to generate."""
    folder.mkdir(exist_ok=True)
    words = [killed_vlm.__file__, checkpoint, folder / "log", folder / "journal", folder / "answers"]
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen([sys.executable, *map(str, words)], stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", (folder / "errors").read_text()[-3000:]
    return process


def finish(checkpoint: Path, folder: Path) -> list[str]:
    """The answers of a process that is left alone."""
    with start(checkpoint, folder) as process:
        assert process.wait(120) == 0, (folder / "errors").read_text()[-3000:]
    return json.loads((folder / "answers").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_killed_at_ten_random_moments_nothing_is_generated_twice(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    checkpoint, folder = tiny("llava_next"), tmp_path / "killed"
    undisturbed = finish(checkpoint, tmp_path / "undisturbed")
    chance, known = random.Random(7), {}  # noqa: S311 (moments to kill at)
    for kills in range(4 * KILLS):
        found = set(logged(folder / "log"))
        if kills >= KILLS and found:
            break
        # On a busy machine a batch takes longer, and more kills may be needed until one is complete.
        longest = (2 if kills < KILLS else kills) * BATCH_S
        with start(checkpoint, folder) as process:
            while process.poll() is None and process.pid not in journalled(folder / "journal"):
                time.sleep(0.005)
            time.sleep(chance.uniform(0, longest))
            process.kill()
        known[process.pid] = found
    before_the_last = set(logged(folder / "log"))
    assert finish(checkpoint, folder) == undisturbed
    assert len(undisturbed) == DOCS

    begun = journalled(folder / "journal")
    for process_id, docs in begun.items():
        assert not set(docs) & known.get(process_id, before_the_last)
        assert max(Counter(docs).values()) == 1
    assert len(begun) > KILLS // 2  # most were killed in the midst of it
    assert len(before_the_last) > 0
    # In the log every document stands once: what was in it was not generated again.
    assert Counter(logged(folder / "log")) == Counter(range(DOCS))
