"""`lmms-eval --model ja_vlm` on tiny random models: one process and two ranks give the same."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from e2e.runner import Ended, command, start_of
from support.tiny_vlms import MAKERS

pytestmark = pytest.mark.slow


def words(folder: Path, checkpoint: Path, way: str, *more: str, model_args: str = "") -> list[str]:
    """The command line of an evaluation of `ja_sample` with batch size 4."""
    given = ["--model", "ja_vlm", "--model_args", f"pretrained={checkpoint},dtype=float32{model_args}"]
    given += ["--tasks", "ja_sample", "--batch_size", "4", "--gen_kwargs", "max_new_tokens=12"]
    return [*start_of(way), *given, "--output_path", str(folder), "--log_samples", *more]


def environment(env: Mapping[str, str], log: str) -> dict[str, str]:
    """The judge that asks nobody, one thread a process, and an answer log of one's own."""
    return {**env, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "LMMS_EVAL_JA_ANSWER_LOG": log}


def evaluated(folder: Path, checkpoint: Path, way: str, env: Mapping[str, str]) -> Ended:
    folder.mkdir(parents=True)
    ended = command(words(folder / "out", checkpoint, way), env, cwd=folder, folder=folder / "out")
    assert ended.returncode == 0, ended.output[-4000:]
    return ended


def answers(ended: Ended) -> list[tuple[int, object]]:
    return [(sample["doc_id"], sample["filtered_resps"]) for sample in ended.samples("ja_sample")]


@pytest.mark.parametrize("family", MAKERS)
def test_two_ranks_equal_one_process(family: str, tmp_path: Path, hub_env: dict[str, str]) -> None:
    checkpoint, env = MAKERS[family](tmp_path / family), environment(hub_env, "off")
    one = evaluated(tmp_path / "one", checkpoint, "lmms-eval", env)
    two = evaluated(tmp_path / "two", checkpoint, "torchrun", env)
    assert [doc_id for doc_id, _ in answers(one)] == list(range(40))
    assert answers(one) == answers(two)
    assert len({str(answer) for _, answer in answers(one)}) > 20
    # lmms-eval sums its clustered errors in the order in which the ranks' samples come in.
    numbers = {name: value for name, value in one.scores("ja_sample").items() if isinstance(value, float)}
    assert {name: two.scores("ja_sample")[name] for name in numbers} == pytest.approx(numbers, rel=1e-12)
    assert "overall" in numbers


def test_ranks_with_unequal_numbers_of_documents(tmp_path: Path, hub_env: dict[str, str]) -> None:
    checkpoint, env = MAKERS["llava_next"](tmp_path / "tiny"), environment(hub_env, "off")
    ended = []
    for way in ("lmms-eval", "torchrun"):
        (folder := tmp_path / way).mkdir()
        line = words(folder / "out", checkpoint, way, "--limit", "5")
        ended.append(command(line, env, cwd=folder, folder=folder / "out"))
    one, two = (sorted(answers(end)) for end in ended)
    assert len(one) == 5
    assert one == two


def test_a_run_that_is_killed_is_continued_by_the_same_command(tmp_path: Path, hub_env: dict[str, str]) -> None:
    checkpoint, log = MAKERS["llava_next"](tmp_path / "tiny"), tmp_path / "log"
    whole = evaluated(tmp_path / "whole", checkpoint, "lmms-eval", environment(hub_env, "off"))
    env = environment(hub_env, str(log))
    for kill in range(2):
        line = words(tmp_path / f"killed{kill}", checkpoint, "lmms-eval")
        logged = _lines(log)
        process = subprocess.Popen(line, env=env, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while _lines(log) <= logged and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    continued = evaluated(tmp_path / "continued", checkpoint, "lmms-eval", env)
    assert answers(continued) == answers(whole)
    keys = [line.split('"key": ')[1][:66] for line in _text(log).splitlines() if '"key": ' in line]
    assert len(keys) == len(set(keys)) == 40


def _text(log: Path) -> str:
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(log.rglob("*.jsonl")))


def _lines(log: Path) -> int:
    return _text(log).count("\n")
