"""A model that knows nothing as a judge in the process itself: texts in place, then images by judging again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from e2e.runner import Ended, evaluate
from e2e.worker import Worker
from lmms_eval_ja.clients import JudgeSettings, Store
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.judges.checkpoint import asked_model
from lmms_eval_ja.models.tiny import make_tiny_vlm
from support.tiny_models import make_text_model

pytestmark = pytest.mark.slow
TASK, LIMIT = "ja_sample", 4
ANSWERS = FOLDER / TASK / "answers" / "terse.jsonl"
PROTOCOLS = ("vqa_likert", "ja_pairwise")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("in_process")


def judged_by(model: Path) -> dict[str, str]:
    fields = {"PROVIDER": "transformers", "MODEL": str(model), "MAX_TOKENS": "8", "REASKS": "0", "BATCH_SIZE": "4"}
    return {f"LMMS_EVAL_JA_JUDGE_{name}": value for name, value in fields.items()} | {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_STORE": str(model.parent / "verdicts.sqlite"),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="module")
def run(folder: Path, hub_env: dict[str, str]) -> Ended:
    """The terse answers, judged through lmms-eval's own command."""
    model = make_text_model(folder / "text", positions=16_384)
    return evaluate(folder, TASK, ANSWERS, hub_env | judged_by(model), "--limit", str(LIMIT))


def check_nothing_is_a_number(scores: dict[str, Any], facts: dict[str, Any], judge: str) -> None:
    for metric in ("overall", "judge_mean", "model_mean", "reference_mean"):
        assert math.isnan(scores[metric]), metric
    assert not math.isnan(scores["rouge_l_ja"])
    assert (scores["coverage"], scores["judge_failures"]) == (0, 0)
    assert set(facts["failures"]) == {"parse"}
    assert facts["judge"] == judge
    assert facts["fingerprint"]["judge_models"] == [judge]


def test_nonsense_is_a_parse_failure_and_no_number(run: Ended, folder: Path) -> None:
    assert run.returncode == 1, run.output[-4000:]
    name = asked_model(JudgeSettings(provider="transformers", model=str(folder / "text")))
    check_nothing_is_a_number(run.scores(TASK), run.results["lmms_eval_ja"]["tasks"][TASK], name)
    assert run.scores(TASK)["parse_failures"] == LIMIT * len(PROTOCOLS)


def test_a_judge_that_sees_judges_the_saved_answers(run: Ended, folder: Path, worker: Worker) -> None:
    model = make_tiny_vlm(folder / "seeing", positions=16_384)
    env = judged_by(model) | {"LMMS_EVAL_JA_JUDGE_SEES_IMAGE": "true"}
    status, output = worker.command("judge", str(run.folder), "--output", str(folder / "seen"), env=env)
    assert status == 1, output
    seen = Ended(status, output, folder / "seen")
    facts = seen.results["lmms_eval_ja"]["tasks"][TASK]
    name = asked_model(JudgeSettings(provider="transformers", model=str(model)))
    check_nothing_is_a_number(seen.scores(TASK), facts, name)
    assert all(judging["sees_image"] for judging in facts["fingerprint"]["judging"])


def test_the_store_keeps_both_judges_apart(run: Ended, folder: Path) -> None:
    store = Store(folder / "verdicts.sqlite")
    try:
        stored = list(store)
    finally:
        store.close()
    assert {reply.asked_model.partition("@")[0] for reply in stored} == {"text", "seeing"}
    for reply in stored:
        assert reply.asked_model == reply.model
        assert 0 < (reply.completion_tokens or 0) <= 8
        content = json.loads(reply.messages)[-1]["content"]
        assert isinstance(content, list) == reply.model.startswith("seeing@")
        assert "base64" not in reply.messages
