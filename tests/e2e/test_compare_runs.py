"""`lmms-eval-ja compare` on real runs, killed and started again: recorded answers, a tiny model, two transformers.

One comparison for all of it, since a run starts lmms-eval twice: a series of three checkpoints (recorded answers), the
tiny model in this environment, and the same in an environment of transformers 4 that uv really installs.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import pytest

from e2e.runner import Ended
from e2e.sample_judging import judged_by, reply, stored
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.models.environments import environment
from lmms_eval_ja.models.tiny import make_tiny_vlm
from support.comparison_file import written
from support.judge_server import JudgeServer, Reply, user_text

pytestmark = [pytest.mark.slow, pytest.mark.alone]

#: uv's cache of the user, read before the tests' own HOME is set: without it the test would download PyTorch.
CACHE = os.environ.get("UV_CACHE_DIR") or str(
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "uv"
)
CONCURRENCY = 4
FAMILY = "llm_jp_4_vl"
STEPS = {100: "terse", 200: "flawed", 300: "verbose"}
IDS = [*(f"run1-{step}" for step in STEPS), "tiny", "tiny-older"]
COMPARE = [sys.executable, "-m", "lmms_eval_ja", "compare"]
#: Generous: this is about what comes out, not about how fast.
TIMEOUT_S = 1800


@dataclass(frozen=True)
class Comparison:
    """A file, the folder that it names, the variables of its commands, the judge and the store of its replies."""

    file: Path
    output: Path
    env: Mapping[str, str]
    judge: JudgeServer
    store: Path

    def finished(self) -> dict[Path, tuple[int, int]]:
        """The folders of steps that are complete, with their inode and the number of attempts at the step."""
        found = {}
        for kind, name in (("generate", "answers"), ("judge", "scores")):
            for folder in self.output.glob(f"runs/*/{name}"):
                attempts = list(folder.parent.glob(f"attempts/{kind}-*"))
                found[folder] = (folder.stat().st_ino, len(attempts))
        return found


def as_transformers_4_writes(folder: Path) -> Path:
    """A checkpoint of transformers 5 in the older layout, which both load."""
    from safetensors.torch import load_file, save_file

    weights = {
        name.replace("vision_tower.", "vision_tower.vision_model."): weight
        for name, weight in load_file(folder / "model.safetensors").items()
    }
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    processor = json.loads((folder / "processor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(processor.pop("image_processor")))
    (folder / "processor_config.json").write_text(json.dumps(processor))
    path = folder / "tokenizer_config.json"
    older = {"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": ["input_ids", "attention_mask"]}
    path.write_text(json.dumps(json.loads(path.read_text()) | older))
    return folder


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeServer]:
    """Takes a moment for each reply, so that kills come in between."""
    with JudgeServer(lambda body: Reply(reply(body), delay_s=0.05)) as server:
        yield server
        assert server.errors == []


@pytest.fixture(scope="module")
def comparison(judge: JudgeServer, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("comparison")
    for step, name in STEPS.items():
        (checkpoint := folder / "training" / f"checkpoint-{step}").mkdir(parents=True)
        shutil.copy(FOLDER / "ja_sample" / "answers" / f"{name}.jsonl", checkpoint / "ja_sample.jsonl")
    as_transformers_4_writes(make_tiny_vlm(folder / "weights"))
    tiny = {
        "plugin": "ja_vlm",
        "args": {"pretrained": "weights", "dtype": "float32", "answer_log": "off"},
        "gpus": 0,
    }
    fields = {
        "output": "out",
        "title": "小さな比較",
        "tasks": ["ja_sample"],
        "gen_kwargs": {"max_new_tokens": 8},
        "baseline": "run1-100",
        "models": [
            {"id": "run1", "plugin": "replay", "checkpoints": "training"},
            {"id": "tiny", "label": "Tiny"} | tiny,
            {"id": "tiny-older", "env": FAMILY} | tiny,
        ],
    }
    store = folder / "verdicts.sqlite"
    env = os.environ | {"HF_HUB_OFFLINE": "1", "UV_CACHE_DIR": CACHE, "OMP_NUM_THREADS": "1"}
    env |= judged_by(judge.base_url, store, judge_concurrency=CONCURRENCY)
    return Comparison(written(folder, fields), folder / "out", env, judge, store)


def ended(comparison: Comparison, *words: str) -> Ended:
    """The command, carried to its end."""
    done = subprocess.run(
        [*COMPARE, str(comparison.file), *words],
        env=dict(comparison.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout, comparison.output)


def killed_after(comparison: Comparison, steps: int, seconds: float, log: Path) -> dict[Path, tuple[int, int]]:
    """Start the command, kill it some seconds after so many steps are complete; what was complete when it was gone."""
    with log.open("w") as out:
        process = subprocess.Popen([*COMPARE, str(comparison.file)], env=dict(comparison.env), stdout=out, stderr=out)
    deadline = time.monotonic() + TIMEOUT_S
    while len(comparison.finished()) < steps and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(seconds)
    assert process.poll() is None, log.read_text()
    process.send_signal(signal.SIGKILL)
    process.wait()
    while (left := _left_behind(comparison)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left
    time.sleep(0.5)  # what was in flight has arrived
    return comparison.finished()


def _left_behind(comparison: Comparison) -> list[list[str]]:
    """Commands that still work on the comparison's folder."""
    words = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [line for line in words if any(str(comparison.output) in word for word in line)]


@pytest.fixture(scope="module")
def done(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The comparison, killed twice at random moments, then carried to its end; gives what the last start said."""
    draw, logs = random.Random(), tmp_path_factory.mktemp("logs")  # noqa: S311 (no secret)
    asked = comparison.judge.requests
    first = killed_after(comparison, 1, draw.uniform(0, 6), logs / "first")
    seen, known = len(asked), stored(comparison.store)
    second = killed_after(comparison, max(3, len(first) + 1), draw.uniform(0, 6), logs / "second")
    assert first.items() <= second.items()
    _none_twice(asked[seen:], known)
    seen, known = len(asked), stored(comparison.store)
    last = ended(comparison)
    assert last.returncode == 0, last.output[-6000:]
    _none_twice(asked[seen:], known)
    # What was finished was neither done again nor touched.
    assert second.items() <= comparison.finished().items()
    assert len(comparison.finished()) == 2 * len(IDS)
    return last.output


def _none_twice(asked: Sequence[Mapping[str, Any]], known: set[str]) -> None:
    """No prompt is sent twice by one start, nor one whose reply was stored before; kills lose what was in flight."""
    prompts = [user_text(body) for body in asked]
    assert len(prompts) == len(set(prompts))
    assert not known & set(prompts)


def results(output: Path, run: str, name: str = "scores") -> dict[str, Any]:
    (path,) = (output / "runs" / run / name).rglob("*_results.json")
    return json.loads(path.read_text(encoding="utf-8"))


def test_two_versions_of_transformers_in_one_comparison(comparison: Comparison, done: str) -> None:
    pythons = {}
    for run in ("tiny", "tiny-older"):
        folder = max(comparison.output.glob(f"runs/{run}/attempts/generate-*"), key=lambda path: path.stat().st_mtime)
        pythons[run] = json.loads((folder / "attempt.json").read_text())["words"][0]
        assert results(comparison.output, run, "answers")["n-samples"]["ja_sample"]["effective"] == 40
    made = environment(FAMILY)
    assert pythons == {"tiny": sys.executable, "tiny-older": str(made.python)}
    assert (version("transformers").split(".")[0], made.pinned("transformers")) == ("5", "4.57.6")
    shutil.rmtree(made.path)  # pytest would keep its gigabytes


def test_a_second_start_runs_nothing(comparison: Comparison, done: str) -> None:
    before, asked = comparison.finished(), len(comparison.judge.requests)
    made = (comparison.output / "comparison.parquet").read_bytes()
    again = ended(comparison)
    assert again.returncode == 0, again.output
    assert comparison.finished() == before
    assert len(comparison.judge.requests) == asked
    assert " started" not in again.output
    assert (comparison.output / "comparison.parquet").read_bytes() == made


def test_tables_curve_and_report(comparison: Comparison, done: str) -> None:
    out = comparison.output
    compared = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert compared["models"] == IDS
    assert compared["title"] == "小さな比較"
    steps = {point["step"] for curve in _rows(compared["curves"]) for point in curve["points"]}
    assert steps == set(STEPS)
    assert {delta["b"] for delta in _rows(compared["deltas"])} == {"run1-100"}
    assert "Tiny" in (out / "leaderboard.md").read_text(encoding="utf-8")
    assert (out / "report" / "index.html").is_file()
    record = json.loads((out / "runs/tiny/run.json").read_text(encoding="utf-8"))
    assert (record["label"], record["failed"]) == ("Tiny", None)
    assert record["seconds"].keys() == {"generate", "judge"}


def _rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_shell_lines_give_the_same(comparison: Comparison, done: str, tmp_path: Path) -> None:
    picked, other = ["run1-300", "tiny"], tmp_path / "other"
    words = [*COMPARE, str(comparison.file), "--print-commands", "--only", ",".join(picked), "--output", str(other)]
    said = subprocess.run(words, env=dict(comparison.env), capture_output=True, text=True, check=True).stdout
    *lines, last = [line for line in said.splitlines() if not line.startswith("#")]
    assert len(lines) == len(picked)
    started = [
        subprocess.Popen(["/bin/sh", "-c", line], env=dict(comparison.env), cwd="/", stdout=subprocess.PIPE, text=True)
        for line in lines
    ]
    for process in started:
        said, _ = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, said
    for run in picked:
        assert results(other, run)["results"] == results(comparison.output, run)["results"]
    assert shlex.split(last)[-1] == "--collect"
