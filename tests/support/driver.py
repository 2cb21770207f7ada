"""A process of its own that carries out steps, to be interrupted and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support.processes import MARK, until

_TESTS = str(Path(__file__).parents[1])
_PATIENCE_S = 120
_CODE = """
import sys
from pathlib import Path
from lmms_eval_ja.compare.placing import carry_out
from support.standins import judging, why_incomplete, writing

output, runs, seconds, address = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
steps = [writing(output, f"m{n}", seconds, gpus=1) for n in range(runs)]
steps += [judging(output, f"m{n}", seconds / 2) for n in range(runs)]
done = carry_out(
    steps,
    address=address or None,
    gpus=None if address else 3,
    report=lambda event: print(event.kind, event.step.name, event.text, flush=True),
    why_incomplete=why_incomplete,
)
print("complete:", sum(outcome.complete for outcome in done), flush=True)
"""


class Driver:
    """Carries out a generate and a judge step of each run, on three GPUs here or on a cluster."""

    def __init__(
        self,
        output: Path,
        mark: str,
        *,
        runs: int,
        seconds: float,
        address: str = "",
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._output = output
        self._before = self._begun()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CODE, output, str(runs), str(seconds), address],
            env={**environ, MARK: mark, "PYTHONPATH": _TESTS},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_commands_run(self) -> None:
        """Until a command that this process started has written a sample."""
        assert until(lambda: self._begun() - self._before or self.process.poll() is not None, _PATIENCE_S)
        assert self.process.poll() is None, self.process.stderr.read()

    def end(self, how: signal.Signals | None = None) -> tuple[int, list[str]]:
        """Send a signal, if one is given, and wait for the end: the status, and what was said."""
        if how is not None:
            self.process.send_signal(how)
        said, complaints = self.process.communicate()
        return self.process.returncode, [*complaints.splitlines(), *said.splitlines()]

    def _begun(self) -> set[Path]:
        return {path for path in self._output.glob("runs/*/attempts/*/out/samples.txt") if path.stat().st_size}
