"""A server that this project did not write, `transformers serve`, with a model that knows nothing, as a judge."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from e2e.runner import BIN, Ended, command, evaluate, free_port
from lmms_eval_ja.clients import Store
from lmms_eval_ja.jp_tasks import FOLDER

pytestmark = pytest.mark.slow
TASK, LIMIT = "ja_sample", 6
ANSWERS = FOLDER / TASK / "answers" / "terse.jsonl"
PROTOCOLS = ("vqa_likert", "ja_pairwise")
START_S = 120


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model; skips where nothing could serve it."""
    if lacking := [name for name in ("fastapi", "uvicorn", "transformers.cli.serve") if not _there(name)]:
        pytest.skip(f"transformers serve is not there: no {', no '.join(lacking)}")
    folder = tmp_path_factory.mktemp("tiny") / "judge"
    script = Path(__file__).with_name("tiny_judge.py")
    made = command([sys.executable, str(script), str(folder)], os.environ, cwd=folder.parent)
    assert made.returncode == 0, made.output
    return folder


@pytest.fixture(scope="module")
def base_url(model: Path) -> Iterator[str]:
    """The address of a server of that model, stopped at the end."""
    home, log, port = model.parent / "hf", model.parent / "server.log", free_port()
    (home / "hub").mkdir(parents=True)
    words = [str(BIN / "transformers"), "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    env = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as out:
        server = subprocess.Popen([*words, str(model)], env=env, cwd=model.parent, stdout=out, stderr=out)
    try:
        end = time.monotonic() + START_S
        while not _healthy(port):
            said = log.read_text(encoding="utf-8", errors="replace")[-4000:]
            assert server.poll() is None, f"the server ended with {server.returncode}:\n{said}"
            assert time.monotonic() < end, f"the server is not up after {START_S} s:\n{said}"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # an older transformers has no package `cli`
        return False


def _healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def store(model: Path) -> Path:
    return model.parent / "verdicts.sqlite"


@pytest.fixture(scope="module")
def run(base_url: str, model: Path, store: Path, hub_env: dict[str, str]) -> Ended:
    """The terse answers, judged by it."""
    env = hub_env | {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": base_url,
        "LMMS_EVAL_JA_JUDGE_MODEL": str(model),
        "LMMS_EVAL_JA_JUDGE_MAX_TOKENS": "8",
        "LMMS_EVAL_JA_JUDGE_REASKS": "0",
        "LMMS_EVAL_JA_JUDGE_CONCURRENCY": "4",
        "LMMS_EVAL_JA_STORE": str(store),
    }
    return evaluate(model.parent, TASK, ANSWERS, env, "--limit", str(LIMIT))


def test_nonsense_is_a_parse_failure_and_no_number(run: Ended) -> None:
    scores, facts = run.scores(TASK), run.results["lmms_eval_ja"]["tasks"][TASK]
    assert run.returncode == 1, run.output[-4000:]
    for metric in ("overall", "judge_mean", "model_mean", "reference_mean"):
        assert math.isnan(scores[metric]), metric
    assert not math.isnan(scores["rouge_l_ja"])
    assert (scores["coverage"], scores["judge_failures"]) == (0, 0)
    assert scores["parse_failures"] == LIMIT * len(PROTOCOLS)
    assert set(facts["failures"]) == {"parse"}
    assert facts["scores"]["overall"]["why_none"] == f"0 of {LIMIT} samples have a score; failures: {LIMIT} parse"
    for sample in run.samples(TASK):
        for protocol in PROTOCOLS:
            verdict = sample[f"verdict_{protocol}"]
            assert (verdict["failure"], verdict["score"], verdict["reference_score"]) == ("parse", None, None)


def test_the_judge_is_named_as_the_server_names_it(run: Ended, model: Path) -> None:
    facts = run.results["lmms_eval_ja"]["tasks"][TASK]
    assert facts["judge"] == str(model)
    assert facts["fingerprint"]["judge_models"] == [f"{model}@main"]


def test_the_store_holds_what_the_server_said(run: Ended, model: Path, store: Path) -> None:
    said = [
        reply["content"]
        for sample in run.samples(TASK)
        for protocol in PROTOCOLS
        for one in sample[f"verdict_{protocol}"]["runs"]
        for reply in one["replies"]
    ]
    opened = Store(store)
    try:
        stored = list(opened)
    finally:
        opened.close()
    assert len(said) >= LIMIT * len(PROTOCOLS)
    assert sorted(reply.content or "" for reply in stored) == sorted(said)
    assert {(reply.asked_model, reply.model) for reply in stored} == {(str(model), f"{model}@main")}
    assert {reply.protocol for reply in stored} == {"vqa_likert/1", "ja_pairwise/1"}
    assert all(0 < (reply.completion_tokens or 0) <= 8 for reply in stored)
