"""`lmms-eval-ja judge --protocol none`: what needs no judge is scored without one, and nobody is asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from e2e.runner import Ended, write_answers
from e2e.worker import Worker
from lmms_eval_ja import rejudge
from lmms_eval_ja.compare.finished import SamplesError
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.jp_tasks.ja_sample.task import process_results as ja_sample
from lmms_eval_ja.judges import score_original, score_rouge_l
from lmms_eval_ja.metrics import rouge_l
from support import benchmarks

SAMPLE, HERON, STRANGE = "ja_sample", "heron_bench_ja", "stranger_scored_by_us"
#: The default judge, without a key: asking it, or checking it, would end the command.
NOBODY = {"LMMS_EVAL_JA_JUDGE": "openai", "COLUMNS": "300"}
_YAML = """
task: {name}
dataset_path: parquet
dataset_kwargs:
  data_files: {{test: {data}}}
test_split: test
output_type: generate_until
doc_to_visual: !function utils.no_picture
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
process_results: !function lmms_eval_ja.judges.results.score_rouge_l
generation_kwargs: {{until: []}}
metric_list: [{{metric: rouge_l_ja, aggregation: mean_ja, higher_is_better: true}}]
score_key: influence
cluster_key: cluster
"""


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YAML that is scored by a function of ours and judged by nobody."""
    folder = tmp_path_factory.mktemp("strange")
    (folder / f"{STRANGE}.yaml").write_text(
        _YAML.format(name=STRANGE, data=FOLDER / "ja_sample" / "ja_sample.parquet"), encoding="utf-8"
    )
    (folder / "utils.py").write_text("def no_picture(doc):\n    return []\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def saved(worker: Worker, strange: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples of three tasks, as --predict_only leaves them."""
    answers, out = tmp_path_factory.mktemp("answers"), tmp_path_factory.mktemp("saved")
    for name in (SAMPLE, STRANGE):
        shutil.copy(FOLDER / "ja_sample" / "answers" / "flawed.jsonl", answers / f"{name}.jsonl")
    write_answers(
        answers / f"{HERON}.jsonl", {row["question_id"]: "はい。" for row in benchmarks.synthetic_heron_rows()}
    )
    for tasks, include in (([SAMPLE, HERON], None), ([STRANGE], strange)):
        done = worker.evaluate(tasks, answers, include_path=include, output_path=out, predict_only=True)
        assert done.results is not None, done.log
        config = done.results["config"] | {"model_args": f"answers={answers}", "model": "replay"}
        for path in out.rglob("*_samples_*.jsonl"):
            results = path.with_name(f"{path.stem.partition('_samples_')[0]}_results.json")
            results.write_text(json.dumps({"config": config}, default=str), encoding="utf-8")
    return out


def test_what_needs_no_judge_is_scored_and_nobody_is_asked(
    worker: Worker, saved: Path, strange: Path, tmp_path: Path
) -> None:
    words = ("judge", str(saved), "--protocol", "none", "--include-path", str(strange), "--output", str(tmp_path / "o"))
    status, output = worker.command(*words, env=NOBODY)
    assert status == 0, output
    assert "Judge: none." in output
    done = Ended(status, output, tmp_path / "o")
    assert done.results["lmms_eval_ja"]["rejudged"]["protocol"] == "none"
    assert done.results["lmms_eval_ja"]["tasks"].keys() == {SAMPLE, STRANGE}  # not Heron-Bench, which is only judged
    for task in (SAMPLE, STRANGE):
        facts: dict[str, Any] = done.results["lmms_eval_ja"]["tasks"][task]
        assert list(facts["scores"]) == ["rouge_l_ja"]
        assert (facts["fingerprint"]["judging"], facts["fingerprint"]["judge_models"]) == ([], [])
        assert (facts["judge"], facts["judging"]) == (None, None)
        # The mean over the 40 documents of the metric itself.
        samples = done.samples(task)
        expected = fmean(rouge_l(sample["target"], sample["filtered_resps"]) for sample in samples)
        assert facts["scores"]["rouge_l_ja"]["value"] == pytest.approx(expected, abs=1e-9)
        assert facts["scores"]["rouge_l_ja"]["scored"] == 40
        assert not [name for name in samples[0] if name.startswith("verdict_") or name in {"overall", "judge_mean"}]


@pytest.mark.parametrize(
    ("process_results", "metrics", "without_judge", "usual"),
    [
        (ja_sample, ["rouge_l_ja", "overall"], None, None),
        (score_original, ["overall"], "has no metric that needs no judge (it is judged by original)", None),
        (score_rouge_l, ["rouge_l_ja"], None, None),
        (None, ["exact_match"], "is not ours", "is not ours"),
    ],
)
def test_which_tasks_are_scored(
    process_results: Any, metrics: list[str], without_judge: str | None, usual: str | None
) -> None:
    config = {"process_results": process_results, "metric_list": [{"metric": name} for name in metrics]}
    for protocol, expected in (("none", without_judge), (None, usual)):
        why = rejudge._why_unscored(config, protocol)
        assert why is None if expected is None else expected in str(why)


def test_a_judge_beside_none_is_refused(saved: Path) -> None:
    with pytest.raises(SamplesError, match="--protocol none asks no judge: leave out --judge"):
        rejudge.rejudge(saved, rejudge.Wish(protocol="none", judge="overlap"))
