"""`ja_sample_robust` through lmms-eval, judged by a scripted judge: alignment and dispersion as computed by hand."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from e2e.runner import evaluate
from e2e.worker import Worker
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.jp_tasks.rephrasing.rules import variants_by_rules
from lmms_eval_ja.jp_tasks.rephrasing.variant_file import read_variants
from support.benchmarks import synthetic_heron_rows
from support.judge_server import JudgeServer, user_text

TASK = "ja_sample_robust"
FOLDER_ = FOLDER / "ja_sample"
ROWS = [json.loads(line) for line in (FOLDER_ / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
REFERENCE = 8


def _wordings() -> dict[str, tuple[int, int]]:
    """(number of the question, number of the wording) by the wording."""
    accepted = [one for one in read_variants(FOLDER_ / "variants.jsonl") if one.accepted]
    return {
        text: (n, k)
        for n, row in enumerate(ROWS)
        for k, text in enumerate(
            [row["question"], *(one.variant for one in accepted if one.question_id == row["question_id"])]
        )
    }


WORDINGS = _wordings()


def _points(n: int, k: int) -> int:
    """1 to 10: every other wording gets a point more."""
    return n % 7 + 2 + k % 2


def _reply(body: Mapping[str, Any]) -> str:
    text = user_text(body)
    if "Score: X" in text:  # vqa_likert
        return f"Score: {len(text) % 5 + 1}"
    wording = max((one for one in WORDINGS if one in text), key=len)  # the longest: some are the beginning of another
    return json.dumps({"score_gpt": REFERENCE, "score": _points(*WORDINGS[wording])})


def _answers(folder: Path) -> Path:
    """The same answer to each wording."""
    folder.mkdir()
    rows = [{"question_id": f"{ROWS[n]['question_id']}-{k}", "answer": "わかりません。"} for n, k in WORDINGS.values()]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / f"{TASK}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.mark.slow
def test_alignment_through_lmms_eval(tmp_path: Path, hub_env: dict[str, str], worker: Worker) -> None:
    with JudgeServer(_reply) as server:
        settings = {"judge": "openai", "judge_base_url": server.base_url, "anchors": 0}
        settings["store"] = tmp_path / "verdicts.sqlite"
        env = hub_env | {f"LMMS_EVAL_JA_{name.upper()}": str(value) for name, value in settings.items()}
        done = evaluate(tmp_path, TASK, _answers(tmp_path / "answers"), env)
        assert len(server.requests) == 2 * 183  # in both orders
        again = shutil.copytree(done.folder, tmp_path / "again")
        status, output = worker.command("judge", str(again), "--protocol", "vqa_likert", env=env)
    assert done.returncode == 0, done.output
    assert status == 0, output
    assert {"judge_mean", "alignment", "dispersion"} <= set(output.split())  # another protocol keeps both
    row = done.scores(TASK)
    # 17 questions have four wordings, scored b, b+1, b, b+1: deviations of 1/2. 23 have five, with two of five a point
    # higher: √(2/5 · 3/5) = √0.24.
    dispersion = (17 * 0.5 + 23 * math.sqrt(0.24)) / 40
    assert row["dispersion"] == pytest.approx(dispersion)
    assert row["alignment"] == pytest.approx(1 / dispersion)
    assert row["dispersion_ci_low"] < dispersion < row["dispersion_ci_high"]
    assert row["alignment_stderr_clustered"] > 0
    assert row["model_mean"] == pytest.approx(fmean(_points(*place) for place in WORDINGS.values()))
    points: dict[str, list[int]] = {category: [] for category in ("conv", "detail", "complex")}
    for n, k in WORDINGS.values():
        points[ROWS[n]["category"]].append(_points(n, k))
    assert row["overall"] == pytest.approx(fmean(100 * fmean(own) / REFERENCE for own in points.values()))
    facts = done.results["lmms_eval_ja"]["tasks"][TASK]
    within = facts["scores"]["alignment"]["within_clusters"]
    assert (within["default"], within["n_clusters"], within["n_singletons"]) == ("std_ddof0", 40, 0)
    # variances 1/4 and 0.24; by k − 1, 1/3 and 0.3
    assert within["dispersions"]["var_ddof0"]["mean"] == pytest.approx((17 * 0.25 + 23 * 0.24) / 40)
    assert within["dispersions"]["var_ddof1"]["mean"] == pytest.approx((17 / 3 + 23 * 0.3) / 40)
    assert within["consistency"] == pytest.approx(1 - dispersion / 4.5)
    assert facts["variants"]["wordings"] == facts["fingerprint"]["dataset"]["rows"] == 183
    sample = next(one for one in done.samples(TASK) if one["doc_id"] == 1)
    assert sample["alignment"]["prompt_cluster"] == "shop_hours_1"
    assert sample["alignment"]["cluster"] == "shop_hours"


@pytest.mark.slow
def test_heron_bench_in_other_words(worker: Worker, tmp_path: Path) -> None:
    """Judged by `overlap`, which scores the same answer alike, however the question is put: nothing varies."""
    answers = tmp_path / "answers"
    answers.mkdir()
    rows = synthetic_heron_rows()
    lines = [
        json.dumps({"question_id": f"{row['question_id']}-{k}", "answer": "桜の木です。"})
        for row in rows
        for k in range(1 + len(variants_by_rules(row["text"])))
    ]
    (answers / "heron_bench_ja_robust.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = worker.evaluate(["heron_bench_ja_robust"], answers, {"LMMS_EVAL_JA_STORE": str(tmp_path / "s.sqlite")})
    row, facts = done.scores("heron_bench_ja_robust"), done.facts("heron_bench_ja_robust")
    assert row["overall"] > 0
    assert row["dispersion"] == 0
    assert math.isnan(row["alignment"])
    score = facts["scores"]["alignment"]
    assert (score["value"], score["why_none"]) == (None, None)  # the task is complete
    assert score["undefined"] == "no cluster has any dispersion: the alignment score is infinite"
    assert score["within_clusters"]["dispersions"]["std_ddof0"]["is_infinite"]
    assert facts["variants"]["from"] == "rules 2"
    assert facts["variants"]["wordings"] == len(lines) == facts["fingerprint"]["dataset"]["rows"]
    assert facts["fingerprint"]["dataset"]["revision"]  # read back through the repeated rows


@pytest.mark.slow
def test_a_file_that_does_not_fit_stops_the_run_before_the_model(worker: Worker, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (FOLDER_ / "variants.jsonl").read_text(encoding="utf-8").splitlines()]
    rows[1]["question_id"] = "shop_hours_9"
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    done = worker.evaluate([TASK], tmp_path / "no_answers", {"LMMS_EVAL_JA_VARIANTS": str(path)})
    assert done.exit is not None, done.failure
    assert f"{path}, row 2: ja_sample has no question 'shop_hours_9'; its ids are like shop_hours_1" in done.exit
