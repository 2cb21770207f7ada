"""A stand-in for uv on PATH: it writes down how it is called, and makes folders with a stand-in for Python."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

_SCRIPT = f"""#!{sys.executable} -S
import json, os, pathlib, sys
words, folder = sys.argv[1:], pathlib.Path(__file__).parent
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps([words, os.environ.get("VIRTUAL_ENV")]) + "\\n")
fault = folder / "fault"
if fault.exists() and fault.read_text().split("\\n")[0] in " ".join(words):
    sys.exit(fault.read_text().split("\\n", 1)[1])
if words[0] == "venv":
    python = pathlib.Path(words[-1]) / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(folder / "python")
"""


class FakeUv:
    """Its calls, and the fault and the Python that it shall have."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "uv").write_text(_SCRIPT, encoding="utf-8")
        (folder / "uv").chmod(0o755)
        self.python_prints("0.7.3 4.47.1")
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def python_prints(self, words: str, status: int = 0) -> None:
        """What the environment's Python prints, and how it ends."""
        stream = "&2" if status else "&1"
        (self.folder / "python").write_text(f"#!/bin/sh\necho '{words}' >{stream}\nexit {status}\n", encoding="utf-8")
        (self.folder / "python").chmod(0o755)

    def fails(self, at: str, saying: str) -> None:
        """Fail at calls whose words hold `at`, with a text on stderr."""
        (self.folder / "fault").write_text(f"{at}\n{saying}", encoding="utf-8")

    def works(self) -> None:
        """Take the fault back."""
        (self.folder / "fault").unlink(missing_ok=True)

    def calls(self) -> list[tuple[list[str], str | None]]:
        """Words and VIRTUAL_ENV of each call so far."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [(words, active) for words, active in map(json.loads, lines)]

    def commands(self) -> list[str]:
        """The first words of each call: `venv`, `pip sync`, `pip install`."""
        return [" ".join(words[: 1 + (words[0] == "pip")]) for words, _ in self.calls()]
