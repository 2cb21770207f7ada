"""Start lmms-eval as a user does, and read what it leaves behind."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from support.hub import Hub

BIN = Path(sys.executable).parent
TIMEOUT_S = 300


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its status, what it said on both channels, and the folder it wrote to."""

    returncode: int
    output: str
    folder: Path

    @property
    def results(self) -> dict[str, Any]:
        """The results file; there must be exactly one."""
        (path,) = self.folder.rglob("*_results.json")
        return json.loads(path.read_text(encoding="utf-8"))

    def scores(self, task: str) -> dict[str, Any]:
        """The row of a task: keys such as `overall`, without the filter's name."""
        return {key.removesuffix(",none"): value for key, value in self.results["results"][task].items()}

    def samples_file(self, task: str) -> Path:
        """The samples file of a task."""
        (path,) = self.folder.rglob(f"*_samples_{task}.jsonl")
        return path

    def samples(self, task: str) -> list[dict[str, Any]]:
        """The lines of a task's samples file."""
        return [json.loads(line) for line in self.samples_file(task).read_text(encoding="utf-8").splitlines()]


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_of(way: str) -> list[str]:
    """The words before lmms-eval's own options, for each of the ways to start it."""
    if way == "torchrun":
        return [str(BIN / way), "--nproc_per_node", "2", "--master_port", str(free_port()), "-m", "lmms_eval"]
    return {
        "lmms-eval": [str(BIN / "lmms-eval")],
        "lmms-eval eval": [str(BIN / "lmms-eval"), "eval"],
        "python -m lmms_eval": [sys.executable, "-m", "lmms_eval"],
        "accelerate launch": [str(BIN / "accelerate"), "launch", "--cpu", "--num_processes", "1", "-m", "lmms_eval"],
    }[way]


def evaluate(
    folder: Path, tasks: str, answers: Path | str, env: Mapping[str, str], *more: str, way: str = "lmms-eval"
) -> Ended:
    """`lmms-eval --model replay --log_samples` from an empty directory under `folder`; results go to `folder/out`."""
    return command(**evaluation(folder, tasks, answers, env, *more, way=way))


def evaluation(
    folder: Path, tasks: str, answers: Path | str, env: Mapping[str, str], *more: str, way: str = "lmms-eval"
) -> dict[str, Any]:
    """What `evaluate` gives to `command`."""
    empty, out = folder / "empty", folder / "out"
    empty.mkdir(parents=True, exist_ok=True)
    words = ["--model", "replay", "--model_args", f"answers={answers}", "--tasks", tasks]
    words += ["--output_path", str(out), "--log_samples", *more]
    env = dict(env) | ({"ACCELERATE_USE_CPU": "true"} if way in {"torchrun", "accelerate launch"} else {})
    return {"words": [*start_of(way), *words], "env": env, "cwd": empty, "folder": out}


def command(words: Sequence[str], env: Mapping[str, str], *, cwd: Path, folder: Path | None = None) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(
        words,
        env=dict(env),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout, folder or cwd)


def write_answers(path: Path, answers: Mapping[object, str], key: str = "question_id") -> Path:
    """An answers file for `--model replay`: a line for each id."""
    lines = [json.dumps({key: id_, "answer": text}, ensure_ascii=False) for id_, text in answers.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@contextlib.contextmanager
def swapped(hub: Hub, name: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """For a while the dataset's main revision is another one; gives its commit."""
    repository = hub.repository("datasets", name)
    assert repository is not None
    before = repository.main
    try:
        yield hub.add_dataset(name, files)
    finally:
        repository.main = before


def without_column(files: Mapping[str, bytes], column: str) -> dict[str, bytes]:
    """A dataset's Parquet files without a column, and without the card that would promise it."""
    changed = {}
    for path, data in files.items():
        if path.endswith(".parquet"):
            out = io.BytesIO()
            pq.write_table(pq.read_table(io.BytesIO(data)).drop([column]).replace_schema_metadata(None), out)
            changed[path] = out.getvalue()
    return changed
