"""One warm process with lmms-eval in it, for everything that is not about the command line.

Run as a script it reads one JSON request a line and answers with one JSON line on the channel that was its stdout;
`Worker` is the other end. A request holds `env` (variables for this evaluation only) and what `simple_evaluate` takes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self


@dataclass(frozen=True)
class Evaluated:
    """What `simple_evaluate` gave: its results, or the message it exited or failed with; and the log."""

    results: dict[str, Any] | None
    exit: str | None
    failure: str | None
    log: str

    def scores(self, task: str) -> dict[str, Any]:
        """The row of a task: keys such as `overall`, without the filter's name."""
        assert self.results is not None, f"{self.exit or self.failure}\n{self.log}"
        return {key.removesuffix(",none"): value for key, value in self.results["results"][task].items()}

    def facts(self, task: str) -> dict[str, Any]:
        """What our section says about a task."""
        assert self.results is not None, f"{self.exit or self.failure}\n{self.log}"
        return self.results["lmms_eval_ja"]["tasks"][task]

    def samples(self, task: str) -> list[dict[str, Any]]:
        """The samples of a task, as they are written."""
        assert self.results is not None, f"{self.exit or self.failure}\n{self.log}"
        return self.results["samples"][task]


class Worker:
    """A warm process; a context manager."""

    def __init__(self, env: Mapping[str, str], cwd: Path) -> None:
        cwd.mkdir(parents=True, exist_ok=True)
        self._errors = (cwd.parent / f"{cwd.name}.stderr").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)
        self._errors.close()

    def evaluate(
        self,
        tasks: Sequence[str],
        answers: Path | str,
        env: Mapping[str, str] | None = None,
        *,
        include_path: Path | None = None,
        output_path: Path | None = None,
        **more: Any,
    ) -> Evaluated:
        """`simple_evaluate`; samples are written where an output path is given.

        The model is replay with these answers, unless `model` and `model_args` name another.
        """
        request = {
            "tasks": list(tasks),
            "model_args": more.pop("model_args", f"answers={answers}"),
            "env": dict(env or {}),
            "include_path": str(include_path) if include_path else None,
            "output_path": str(output_path) if output_path else None,
            "more": more,
        }
        return Evaluated(**self._ask(request))

    def command(self, *words: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
        """The command `lmms-eval-ja`: its exit status and output."""
        answer = self._ask({"command": list(words), "env": dict(env or {})})
        return answer["status"], answer["output"]

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            self._errors.seek(0)
            raise RuntimeError(f"the worker died:\n{self._errors.read().decode(errors='replace')[-4000:]}")
        return json.loads(answer)


def _serve() -> None:
    channel, sys.stdout = sys.stdout, sys.stderr
    managers: dict[str | None, Any] = {}
    for line in sys.stdin:
        request = json.loads(line)
        before = dict(os.environ)
        os.environ.update(request["env"])
        try:
            answer = _command(request) if "command" in request else _evaluate(request, managers)
        finally:
            os.environ.clear()
            os.environ.update(before)
        channel.write(json.dumps(answer, ensure_ascii=False, default=str) + "\n")
        channel.flush()


def _command(request: Mapping[str, Any]) -> dict[str, Any]:
    from typer.testing import CliRunner

    from lmms_eval_ja.cli import app

    done = CliRunner().invoke(app, request["command"])
    failure = "".join(traceback.format_exception(done.exception)) if done.exception else ""
    return {"status": done.exit_code, "output": done.output + failure}


def _evaluate(request: Mapping[str, Any], managers: dict[str | None, Any]) -> dict[str, Any]:
    from lmms_eval import evaluator
    from lmms_eval.loggers import EvaluationTracker
    from lmms_eval.tasks import TaskManager
    from loguru import logger

    log = io.StringIO()
    logger.remove()
    logger.add(log, level="INFO", format="{level} | {message}")
    folder, results, exit_, failure = request["include_path"], None, None, None
    if folder not in managers:
        managers[folder] = TaskManager("INFO", include_path=folder, include_defaults=folder is None)
    try:
        with contextlib.redirect_stdout(log):
            results = evaluator.simple_evaluate(
                model=request["more"].pop("model", "replay"),
                model_args=request["model_args"],
                tasks=request["tasks"],
                task_manager=managers[folder],
                **request["more"],
            )
    except SystemExit as stop:
        exit_ = str(stop.code)
    except Exception:
        failure = traceback.format_exc()
    if results is not None and request["output_path"]:
        tracker = EvaluationTracker(output_path=request["output_path"])
        tracker.general_config_tracker.model_name_sanitized = "replay"
        tracker.date_id = "now"
        for task, samples in results["samples"].items():
            tracker.save_results_samples(task_name=task, samples=samples)
    return {"results": results, "exit": exit_, "failure": failure, "log": log.getvalue()}


if __name__ == "__main__":
    _serve()
