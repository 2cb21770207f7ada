"""A judge that sees is sent the documents' images, by whatever way the evaluation runs, and only such a judge."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from e2e.runner import evaluate
from e2e.worker import Worker
from lmms_eval_ja.jp_tasks import FOLDER
from support.judge_server import JudgeServer, content_text, scripted_scores, user_text

TASK, LIMIT = "ja_sample", 3
ANSWERS = FOLDER / TASK / "answers" / "verbose.jsonl"


def _reply(body: Mapping[str, Any]) -> str:
    first, second = scripted_scores(body)
    return (
        f"Score: {1 + first % 5}" if "Score:" in user_text(body) else json.dumps({"score_gpt": first, "score": second})
    )


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeServer]:
    with JudgeServer(_reply) as server:
        yield server


@pytest.fixture(scope="module")
def env(judge: JudgeServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
        "LMMS_EVAL_JA_JUDGE_SEES_IMAGE": "true",
        "LMMS_EVAL_JA_STORE": str(tmp_path_factory.mktemp("seeing") / "verdicts.sqlite"),
    }


def pictures() -> list[bytes]:
    """The pixels of the first images of the data."""
    rows = pq.read_table(FOLDER / TASK / f"{TASK}.parquet", columns=["image"]).to_pylist()[:LIMIT]
    return [Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB").tobytes() for row in rows]


def shown(body: Mapping[str, Any]) -> list[bytes]:
    """The pixels of the images of a request."""
    content = body["messages"][-1]["content"]
    urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    files = [base64.b64decode(url.removeprefix("data:image/png;base64,"), validate=True) for url in urls]
    return [Image.open(io.BytesIO(file)).convert("RGB").tobytes() for file in files]


@pytest.fixture(scope="module")
def seen(worker: Worker, env: dict[str, str], judge: JudgeServer) -> dict[str, Any]:
    """Scores by the Python function, for which every request went out."""
    done = worker.evaluate([TASK], ANSWERS, env, limit=LIMIT)
    assert all(judging["sees_image"] for judging in done.facts(TASK)["fingerprint"]["judging"])
    return done.scores(TASK)


def test_the_judge_is_shown_the_image_before_the_text(seen: dict[str, Any], judge: JudgeServer) -> None:
    asked = [shown(body) for body in judge.requests]
    # the likert protocol asks once, the pairwise one in both orders
    assert sorted(asked) == sorted([[picture] for picture in pictures()] * 3)
    for body in judge.requests:
        assert [part["type"] for part in body["messages"][-1]["content"]] == ["image_url", "text"]
    assert seen["coverage"] == 1


def test_a_judge_that_does_not_see_is_shown_none(worker: Worker, env: dict[str, str], tmp_path: Path) -> None:
    with JudgeServer(_reply) as server:
        own = {"LMMS_EVAL_JA_JUDGE_BASE_URL": server.base_url, "LMMS_EVAL_JA_STORE": str(tmp_path / "v.sqlite")}
        worker.evaluate([TASK], ANSWERS, env | own | {"LMMS_EVAL_JA_JUDGE_SEES_IMAGE": "false"}, limit=LIMIT)
    assert len(server.requests) == 3 * LIMIT
    assert all(isinstance(body["messages"][-1]["content"], str) for body in server.requests)
    assert all(content_text(body["messages"][-1]["content"]) for body in server.requests)


@pytest.mark.slow
def test_the_command_and_judging_again_send_the_same(
    seen: dict[str, Any],
    env: dict[str, str],
    hub_env: dict[str, str],
    judge: JudgeServer,
    worker: Worker,
    tmp_path: Path,
) -> None:
    before = len(judge.requests)
    done = evaluate(tmp_path, TASK, ANSWERS, hub_env | env, "--limit", str(LIMIT))
    assert done.returncode == 0, done.output[-4000:]
    assert done.scores(TASK)["overall"] == seen["overall"]
    status, output = worker.command("judge", str(done.folder), "--output", str(tmp_path / "again"), env=env)
    assert status == 0, output
    # What is in the store, under the hash of all that is sent, is not asked again.
    assert len(judge.requests) == before
