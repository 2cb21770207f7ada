"""`--model llm_jp_vila` and `vila15` through lmms-eval's command line, in one process and on two ranks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e.runner import Ended, command, start_of
from lmms_eval_ja.metrics import generation_failure
from support.tiny_vila import make_vila

PLUGINS = {"llm_jp_vila": "mlp2x_gelu", "vila15": "mlp_downsample"}
RUNS = [("llm_jp_vila", "lmms-eval"), ("llm_jp_vila", "torchrun"), ("vila15", "lmms-eval"), ("vila15", "torchrun")]


def _evaluate(plugin: str, way: str, checkpoint: Path, folder: Path, env: Mapping[str, str]) -> Ended:
    empty = folder / "empty"
    empty.mkdir(parents=True)
    arguments = f"pretrained={checkpoint},device=cpu,answer_log={folder / 'answers'}"
    words = ["--model", plugin, "--model_args", arguments, "--tasks", "ja_sample", "--batch_size", "4"]
    words += ["--output_path", str(folder / "out"), "--log_samples", "--gen_kwargs", "max_new_tokens=16"]
    env = dict(env) | {"OMP_NUM_THREADS": "1"} | ({"ACCELERATE_USE_CPU": "true"} if way == "torchrun" else {})
    return command([*start_of(way), *words], env, cwd=empty, folder=folder / "out")


@pytest.fixture(scope="module")
def runs(hub_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Ended]:
    new = tmp_path_factory.mktemp
    checkpoints = {plugin: make_vila(new("vila"), projector=projector) for plugin, projector in PLUGINS.items()}
    with ThreadPoolExecutor(2) as pool:
        ended = pool.map(lambda run: _evaluate(*run, checkpoints[run[0]], new("run"), hub_env), RUNS)
        return dict(zip(RUNS, ended, strict=True))


@pytest.mark.parametrize(("plugin", "way"), RUNS)
def test_every_document_is_answered(runs: dict[tuple[str, str], Ended], plugin: str, way: str) -> None:
    run = runs[plugin, way]
    assert run.returncode == 0, run.output[-4000:]
    answers = [sample["filtered_resps"] for sample in run.samples("ja_sample")]
    assert len(answers) == 40
    assert not [
        answer for answer in answers if generation_failure(str(answer[0] if isinstance(answer, list) else answer))
    ]
    assert len({json.dumps(answer) for answer in answers}) >= 30
    assert run.scores("ja_sample")["coverage"] == 1


@pytest.mark.parametrize("plugin", PLUGINS)
def test_two_ranks_answer_as_one_process(runs: dict[tuple[str, str], Ended], plugin: str) -> None:
    one, two = (runs[plugin, way] for way in ("lmms-eval", "torchrun"))
    compared = ("doc_id", "filtered_resps", "target")
    assert [[s[name] for name in compared] for s in two.samples("ja_sample")] == [
        [s[name] for name in compared] for s in one.samples("ja_sample")
    ]
    numbers = [{k: v for k, v in run.scores("ja_sample").items() if isinstance(v, float)} for run in (one, two)]
    assert len(numbers[0]) > 20
    assert numbers[1] == pytest.approx(numbers[0], rel=1e-9, nan_ok=True)
