"""A model behind an address, through lmms-eval: answers that fail leave the run incomplete, the next run mends it."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from PIL import Image

from e2e.runner import BIN, command, start_of
from e2e.worker import Evaluated, Worker
from lmms_eval_ja.jp_tasks import FOLDER
from support.judge_server import JudgeServer, Reply, user_text

TASK, ROWS = "ja_sample", 40
DATA = Dataset.from_parquet(str(FOLDER / TASK / "ja_sample.parquet"))
REFERENCES = dict(zip(DATA["question"], DATA["answer"], strict=True))
KEY = "sk-test-0123456789abcdef"


def answered(body: dict[str, Any]) -> str:
    """The first two thirds of the reference."""
    reference = REFERENCES[user_text(body)]
    return reference[: 2 * len(reference) // 3]


def arguments(server: JudgeServer, store: Path, *more: str) -> str:
    return ",".join(["model=asked", f"base_url={server.base_url}", f"store={store}", *more])


def evaluated(worker: Worker, server: JudgeServer, store: Path, *more: str) -> Evaluated:
    return worker.evaluate([TASK], "", model="ja_api", model_args=arguments(server, store, *more))


def image_of(body: dict[str, Any]) -> Image.Image:
    (part,) = [part for part in body["messages"][0]["content"] if part["type"] == "image_url"]
    return Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].split(",")[1])))


def test_a_run_whose_answers_fail_is_completed_by_the_next(worker: Worker, tmp_path: Path) -> None:
    assert len(REFERENCES) == ROWS
    failing = {DATA["question"][n] for n in (3, 17, 39)}

    def sometimes(body: dict[str, Any]) -> str | Reply:
        return Reply("overloaded", status=503) if user_text(body) in failing else answered(body)

    with JudgeServer(sometimes) as server:
        first = evaluated(worker, server, tmp_path / "answers.sqlite", "deadline_s=4")
    assert math.isnan(first.scores(TASK)["overall"])
    assert math.isnan(first.scores(TASK)["rouge_l_ja"])
    assert first.facts(TASK)["failures"]["generation"]["samples"] == sorted(DATA["question_id"][n] for n in (3, 17, 39))
    assert "no reply: HTTP 503" in first.facts(TASK)["failures"]["generation"]["example"]
    assert "to resume, run the same command again" in first.log

    with JudgeServer(answered) as server:
        second = evaluated(worker, server, tmp_path / "answers.sqlite")
        assert {user_text(body) for body in server.requests} == failing
        assert len(server.requests) == 3
    with JudgeServer(answered) as server:
        undisturbed = evaluated(worker, server, tmp_path / "other.sqlite")
    assert second.scores(TASK) == undisturbed.scores(TASK)
    assert not math.isnan(second.scores(TASK)["overall"])
    assert [one["filtered_resps"] for one in second.samples(TASK)] == [
        one["filtered_resps"] for one in undisturbed.samples(TASK)
    ]
    shown = {user_text(body): image_of(body) for body in server.requests}
    for question, image in zip(DATA["question"], DATA["image"], strict=True):
        assert shown[question].tobytes() == image.convert("RGB").tobytes()


@pytest.mark.slow
def test_the_command_ends_with_status_1_and_a_rejected_key_with_its_variable(hub_env, tmp_path: Path) -> None:
    env = hub_env | {"MY_KEY": KEY}

    def run(server: JudgeServer, way: str, *more: str) -> Any:
        words = ["--model", "ja_api", "--model_args", arguments(server, tmp_path / f"{way}.sqlite", *more)]
        words += ["--tasks", TASK, "--output_path", str(tmp_path / way), "--log_samples"]
        extra = {"ACCELERATE_USE_CPU": "true"} if way == "torchrun" else {}
        return command([*start_of(way), *words], env | extra, cwd=tmp_path, folder=tmp_path / way)

    assert BIN.is_dir()
    with JudgeServer(answered, require_key="another") as server:
        rejected = run(server, "lmms-eval", "api_key_env=MY_KEY")
        assert rejected.returncode == 1
        assert "does not take the key in MY_KEY" in rejected.output
        assert KEY not in rejected.output
        server.require_key = KEY
        alone = run(server, "lmms-eval", "api_key_env=MY_KEY")
        asked = len(server.requests)
        ranks = run(server, "torchrun", "api_key_env=MY_KEY")
        assert len(server.requests) - asked == ROWS
    assert (alone.returncode, ranks.returncode) == (0, 0)
    assert ranks.scores(TASK)["overall"] == alone.scores(TASK)["overall"]
    assert "answers: 40 new, 0 from" in alone.output
