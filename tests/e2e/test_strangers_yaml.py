"""Somebody else's folder of YAMLs: our metric, our judging and our aggregations by name, and tasks without any."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from e2e.runner import write_answers
from e2e.worker import Worker
from lmms_eval_ja.metrics import rouge_l
from support.judge_server import JudgeServer, scripted_scores, user_text

ROWS = [
    {
        "id": f"s{n}",
        "question": f"{n:02d}番の箱は何色ですか？",
        "answer": ("赤い色", "白色", "青と緑", "黄色")[n % 4],
        "category": ("conv", "detail")[n % 2],
        "image_id": f"p{n // 2}",
    }
    for n in range(12)
]
ANSWERS = {row["id"]: ("箱は" if n % 3 else "") + row["answer"] for n, row in enumerate(ROWS)}

_SHARED = """
dataset_path: parquet
dataset_kwargs:
  data_files: {{test: {data}}}
test_split: test
output_type: generate_until
doc_to_visual: !function utils.no_picture
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: [], max_new_tokens: 16}}
"""
_TASKS = {
    "stranger_rouge": "metric_list: [{metric: rouge_l_ja}]",
    "stranger_exact": "metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]",
    "stranger_pairwise": """
process_results: !function lmms_eval_ja.judges.score_ja_pairwise
score_key: influence
cluster_key: cluster
metric_list:
  - {metric: conv, aggregation: ratio_of_means_ja, higher_is_better: true}
  - {metric: detail, aggregation: ratio_of_means_ja, higher_is_better: true}
  - {metric: model_mean, aggregation: mean_ja, higher_is_better: true}
  - {metric: reference_mean, aggregation: reference_mean_ja, higher_is_better: true}
  - {metric: overall, aggregation: category_ratios_ja, higher_is_better: true}
""",
    "stranger_likert": """
process_results: !function lmms_eval_ja.judges.score_vqa_likert
score_key: influence
metric_list: [{metric: judge_mean, aggregation: mean_ja, higher_is_better: true}]
""",
}
_TASKS["stranger_lacking"] = _TASKS["stranger_likert"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stranger's folder: YAMLs, a helper beside them, two Parquet files."""
    folder = tmp_path_factory.mktemp("stranger")
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "rows.parquet")
    lacking = [{k: v for k, v in row.items() if k != "question"} | {"query": row["question"]} for row in ROWS]
    pq.write_table(pa.Table.from_pylist(lacking), folder / "lacking.parquet")
    (folder / "utils.py").write_text("def no_picture(doc):\n    return []\n", encoding="utf-8")
    for name, own in _TASKS.items():
        shared = _SHARED.format(data="lacking.parquet" if name == "stranger_lacking" else "rows.parquet")
        if name == "stranger_lacking":
            shared = shared.replace("{{question}}", "{{query}}")
        (folder / f"{name}.yaml").write_text(f"task: {name}\n{shared}\n{own}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = write_answers(tmp_path_factory.mktemp("answers") / "a.jsonl", ANSWERS, key="id")
    return f"{path},key=id"


def _reply(body: Mapping[str, Any]) -> str:
    reference, model = scripted_scores(body)
    if "score_gpt" in user_text(body):
        return json.dumps({"score_gpt": reference, "score": model})
    return f"Score: {model % 5 + 1}"


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    with JudgeServer(_reply) as server:
        yield server


def _asking(judge: JudgeServer, tmp_path: Path) -> dict[str, str]:
    return {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
        "LMMS_EVAL_JA_STORE": str(tmp_path / "verdicts.sqlite"),
    }


def test_our_metric_by_name(worker: Worker, folder: Path, answers: str) -> None:
    done = worker.evaluate(["stranger_rouge"], answers, {"LMMS_EVAL_JA_JUDGE": "openai"}, include_path=folder)
    expected = fmean(rouge_l(row["answer"], ANSWERS[row["id"]]) for row in ROWS)
    assert done.scores("stranger_rouge")["rouge_l_ja"] == pytest.approx(expected, abs=1e-9)
    assert 0 < expected < 100


def test_a_task_that_is_nothing_of_ours_runs_untouched(worker: Worker, folder: Path, answers: str) -> None:
    done = worker.evaluate(["stranger_exact"], answers, {"LMMS_EVAL_JA_JUDGE": "nobody"}, include_path=folder)
    assert done.scores("stranger_exact")["exact_match"] == pytest.approx(4 / 12)
    assert done.results is not None
    assert "lmms_eval_ja" not in done.results
    assert {"coverage", "chars"}.isdisjoint(done.scores("stranger_exact"))


def test_judging_with_a_comparing_protocol(
    worker: Worker, folder: Path, answers: str, judge: JudgeServer, tmp_path: Path
) -> None:
    done = worker.evaluate(["stranger_pairwise"], answers, _asking(judge, tmp_path), include_path=folder)
    assert len(judge.requests) == 2 * len(ROWS)
    pairs = []
    for row in ROWS:
        asked = [body for body in judge.requests if row["question"] in user_text(body)]
        assert len(asked) == 2
        pairs.append([fmean(two) for two in zip(*map(scripted_scores, asked), strict=True)])
    ratios = []
    for category in ("conv", "detail"):
        own = [pair for row, pair in zip(ROWS, pairs, strict=True) if row["category"] == category]
        ratios.append(100 * fmean(m for _, m in own) / fmean(r for r, _ in own))
    shown = done.scores("stranger_pairwise")
    assert [shown["conv"], shown["detail"]] == pytest.approx(ratios, abs=1e-9)
    assert shown["overall"] == pytest.approx(fmean(ratios), abs=1e-9)
    assert shown["model_mean"] == pytest.approx(fmean(m for _, m in pairs), abs=1e-9)
    facts = done.facts("stranger_pairwise")
    assert facts["fingerprint"]["judging"][0]["protocol"] == "ja_pairwise"
    assert facts["scores"]["overall"]["clusters"] == 6
    assert facts["fingerprint"]["dataset"] is None
    assert isinstance(shown["overall_stderr_clustered"], float)


def test_judging_with_a_grading_protocol(
    worker: Worker, folder: Path, answers: str, judge: JudgeServer, tmp_path: Path
) -> None:
    done = worker.evaluate(["stranger_likert"], answers, _asking(judge, tmp_path), include_path=folder)
    expected = fmean(scripted_scores(body)[1] % 5 + 1 for body in judge.requests)
    assert len(judge.requests) == len(ROWS)
    assert done.scores("stranger_likert")["judge_mean"] == pytest.approx(expected, abs=1e-9)
    assert done.scores("stranger_likert")["coverage"] == 1


def test_a_judge_that_is_missing_stops_a_strangers_task_too(worker: Worker, folder: Path) -> None:
    env = {"LMMS_EVAL_JA_JUDGE": "openai"}
    done = worker.evaluate(["stranger_likert"], "/nonexistent", env, include_path=folder)
    assert "wants a key" in (done.exit or "")


def test_a_missing_column_is_named_before_the_run(worker: Worker, folder: Path) -> None:
    done = worker.evaluate(["stranger_lacking"], "/nonexistent", include_path=folder)
    assert done.exit == (
        "lmms-eval-ja: task stranger_lacking: no column for the question: expected one of question, text, prompt; "
        "found id, answer, category, image_id, query"
    )
