"""The plan of a comparison: the commands of each run, and what they need."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.compare.faults import ComparisonError
from lmms_eval_ja.compare.file import read_comparison
from lmms_eval_ja.compare.needs import disks, minutes_of, weights_gb
from lmms_eval_ja.compare.plan import Plan, plan_of
from lmms_eval_ja.jp_tasks.catalogue import groups, tasks
from lmms_eval_ja.models.catalogue import Entry, Status, catalogue
from lmms_eval_ja.models.environments import environment
from support.comparison_file import GOOD, written

HERON = {"id": "heron", "plugin": "ja_vlm", "args": {"pretrained": "org/heron"}, "gpus": 0}
VLLM = {"id": "theirs", "plugin": "vllm", "args": {"model": "org/theirs"}, "gpus": 2, "params_b": 30}


@pytest.fixture(autouse=True)
def _no_judge_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def planned(folder: Path, **fields: Any) -> Plan:
    return plan_of(read_comparison(written(folder, GOOD | fields)))


def test_a_run_of_the_catalogue_on_a_gpu(tmp_path: Path) -> None:
    plan = planned(tmp_path, tasks=["ja_sample", "heron_bench_ja"], repeats=3)
    (run,) = plan.runs
    assert run.generate.words == (
        *(sys.executable, "-m", "lmms_eval", "--model", "ja_vlm"),
        *("--model_args", "pretrained=Qwen/Qwen2-VL-7B-Instruct", "--tasks", "ja_sample,heron_bench_ja"),
        *("--predict_only", "--output_path", "{attempt}", "--batch_size", "auto"),
    )
    assert run.judge.words == (
        *(sys.executable, "-m", "lmms_eval_ja", "judge", str(tmp_path / "out/runs/qwen2-vl-7b-instruct/answers")),
        *("--output", "{attempt}/results", "--judge", "overlap", "--repeats", "3"),
    )
    assert run.generate.folder == run.judge.after == run.folder / "answers"
    assert run.judge.folder == run.folder / "scores"
    assert (run.generate.gpus, run.judge.gpus) == (1, 0)
    assert run.generate.tasks == run.judge.tasks == ("ja_sample", "heron_bench_ja")
    # 143 documents at 0.5 + 0.2 × 7 s, and 2 minutes to load.
    assert run.generate.minutes == pytest.approx(2 + 143 * (0.5 + 0.2 * 7) / 60)
    assert (run.judge_name, run.repeats, run.image) == ("overlap", 3, "given")


def test_environments_devices_and_models_of_lmms_eval(tmp_path: Path) -> None:
    plan = planned(tmp_path, models=["sarashina2-vision-14b", HERON, VLLM], gen_kwargs={"max_new_tokens": 8})
    sarashina, heron, theirs = (run.generate for run in plan.runs)
    assert sarashina.words[0] == str(environment("sarashina2").python)
    assert sarashina.environment == "sarashina2"
    assert sarashina.words[-2:] == ("--gen_kwargs", "max_new_tokens=8")
    assert "--batch_size" not in heron.words  # on the CPU `auto` would grow until the memory is full
    assert (heron.gpus, heron.memory_gb) == (0, None)
    assert "--batch_size" not in theirs.words  # not every model of lmms-eval knows auto
    assert theirs.words[theirs.words.index("--model_args") + 1] == "device_map=auto,model=org/theirs"
    assert plan.runs[0].judge.words[0] == sys.executable
    stated = planned(tmp_path, models=[HERON, VLLM], batch_size=4)
    assert all(run.generate.words[-2:] == ("--batch_size", "4") for run in stated.runs)


def test_a_group_and_the_runs_that_are_picked(tmp_path: Path) -> None:
    for step in (1, 2):
        (tmp_path / "training" / f"checkpoint-{step}").mkdir(parents=True)
    series = {"id": "run1", "plugin": "ja_vlm", "checkpoints": "training"}
    plan = planned(tmp_path, tasks=["japanese_vlm_light"], models=[HERON, series])
    assert plan.comparison.tasks == tuple(groups()["japanese_vlm_light"])
    assert [run.id for run in plan.only([])] == ["heron", "run1-1", "run1-2"]
    assert [run.id for run in plan.only(["run1"])] == ["run1-1", "run1-2"]
    assert [run.id for run in plan.only(["run1-2", "heron"])] == ["heron", "run1-2"]
    with pytest.raises(ComparisonError, match=r"unknown model 'run1-3'; did you mean run1-2 or run1-1\?"):
        plan.only(["run1-3"])


def test_without_a_judge(tmp_path: Path) -> None:
    plan = planned(tmp_path, judge="none", tasks=["ja_sample", "ja_vg_vqa_500"])
    assert plan.judge_name is None
    assert plan.runs[0].judge.words[-2:] == ("--protocol", "none")
    with pytest.raises(ComparisonError, match="tasks: heron_bench_ja has no metric that needs no judge"):
        planned(tmp_path, judge="none", tasks=["ja_sample", "heron_bench_ja"])
    with pytest.raises(ComparisonError, match="repeats is how often a judge is asked, and judge is none"):
        planned(tmp_path, judge="none", repeats=2)


def test_settings_go_with_the_steps_and_keys_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "judge.toml").write_text(
        'judge = "slow"\nstore = "verdicts.sqlite"\n[judges.slow]\nmodel = "m"\nmode = "batch"\nrepeats = 2\n'
    )
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.delenv("LMMS_EVAL_JA_STORE")
    plan = planned(tmp_path, judge=None)
    step = plan.runs[0].judge
    assert step.words[-3:] == ("--judge", "slow", "--wait")
    assert step.environ == {
        "LMMS_EVAL_JA_JUDGE_FILE": str(tmp_path / "judge.toml"),
        "LMMS_EVAL_JA_STORE": str(tmp_path / "verdicts.sqlite"),
    }
    assert (plan.judge_name, plan.runs[0].repeats) == ("slow", 2)
    with pytest.raises(ComparisonError, match=r"judge: unknown judge 'quick'; expected one of .*; or none"):
        planned(tmp_path, judge="quick")


def test_minutes_by_measurement_and_by_size(tmp_path: Path) -> None:
    rows = {task.name: task.rows for task in tasks()}
    measured = Entry(id="a", plugin="ja_vlm", minutes_estimate=60, status=Status.CHECKED)
    whole = sum(rows[name] for name in groups()["japanese_vlm"])
    assert minutes_of(measured, groups()["japanese_vlm"]) == pytest.approx(60)
    assert minutes_of(measured, ["ja_sample"]) == pytest.approx(60 * 40 / whole)
    unknown = Entry(id="a", plugin="ja_vlm", status=Status.CHECKED)
    assert minutes_of(unknown, ["ja_sample"]) == pytest.approx(40 * 0.5 / 60)


def test_what_is_to_be_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    entry = catalogue()["qwen2-vl-7b-instruct"]
    assert weights_gb(entry) == 14  # 7 billion × 2 bytes
    assert weights_gb(entry.model_copy(update={"params_b": None})) is None
    assert weights_gb(entry.model_copy(update={"args": {"pretrained": "/data/qwen"}})) == 0
    (disk,) = disks([entry, entry])
    assert disk.parts == {tmp_path / "hf" / "hub": 14}
    assert disk.lack is None or "the disk is too small" in disk.lack
    sarashina = catalogue()["sarashina2-vision-8b"]
    needed = sum(disk.needed_gb for disk in disks([entry, sarashina]))
    assert needed == pytest.approx(14 + 16 + 6.5 + 0.3)  # the first environment, 8 billion × 2 bytes
    snapshot = tmp_path / "hf/hub/models--Qwen--Qwen2-VL-7B-Instruct/snapshots/abc"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").touch()
    assert weights_gb(entry) == 0
    assert disks([entry]) == []
    huge = entry.model_copy(update={"hub": "org/huge", "params_b": 1e9})
    (disk,) = disks([huge])
    assert "about 2,000,000,000.0 GB are to come into" in str(disk.lack)
    assert "free some space, or move them (HF_HOME" in str(disk.lack)
