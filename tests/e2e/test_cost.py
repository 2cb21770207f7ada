"""`lmms-eval-ja cost` on the made-up benchmarks of the hub, in its own words."""

from __future__ import annotations

from pathlib import Path

from e2e.runner import BIN, command
from e2e.worker import Worker
from support.hub import Hub

WIDE = {"COLUMNS": "250", "LMMS_EVAL_JA_JUDGE": "openai"}


def test_questions_are_counted_not_pictures(worker: Worker) -> None:
    status, output = worker.command("cost", "--tasks", "ja_vg_vqa_500,ja_sample", "--repeats", "2", env=WIDE)
    assert status == 0, output
    lines = [line.replace("│", " ").split() for line in output.splitlines() if "gpt-5.1-2025-11-13" in line]
    # 500 pictures with 8 questions each; 40 samples, by ja_pairwise in both orders; all of it twice.
    assert [line[:5] for line in lines] == [
        ["ja_vg_vqa_500", "vqa_likert", "gpt-5.1-2025-11-13", "4,000", "8,000"],
        ["ja_sample", "vqa_likert", "gpt-5.1-2025-11-13", "40", "80"],
        ["ja_sample", "ja_pairwise", "gpt-5.1-2025-11-13", "40", "160"],
    ]
    total = sum(float(line[7].replace(",", "")) for line in lines)
    (said,) = [line for line in output.splitlines() if line.startswith("Total: about $")]
    assert abs(float(said.removeprefix("Total: about $").replace(",", "")) - total) < 0.02
    assert "Assumed: 4 ASCII characters to a token" in output
    assert "litellm" in output


def test_recorded_answers_are_counted_beside_those_under_test(worker: Worker) -> None:
    words = ["cost", "--tasks", "heron_bench_ja_pairwise"]
    status, output = worker.command(*words, env=WIDE | {"LMMS_EVAL_JA_ANCHORS": "1"})
    assert status == 0, output
    rows = [line for line in output.splitlines() if "gpt-5.1-2025-11-13" in line]
    assert len(rows) == 2, output
    # 103 questions, and as many answers of each of three models; in both orders.
    assert ["103" in rows[0], "206" in rows[0], "309" in rows[1], "618" in rows[1]] == [True] * 4
    assert "heron_bench_ja_pairwise (anchors)" in rows[1]
    status, output = worker.command(*words, env=WIDE | {"LMMS_EVAL_JA_ANCHORS": "0"})
    assert (status, "anchors" in output) == (0, False), output


def test_a_price_that_is_not_known(worker: Worker) -> None:
    env = WIDE | {"LMMS_EVAL_JA_JUDGE_BASE_URL": "http://127.0.0.1:9/v1"}
    status, output = worker.command("cost", "--tasks", "ja_sample", env=env)
    assert status == 0, output
    assert "unknown" in output
    assert "Total: about $0.00, and what has no known price" in output
    assert "state its price_input and price_output in judge.toml" in output


def test_data_that_is_not_there_is_an_error(hub: Hub, tmp_path: Path) -> None:
    env = hub.environ(tmp_path / "hf") | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = command([str(BIN / "lmms-eval-ja"), "cost", "--tasks", "ja_vg_vqa_500"], env, cwd=tmp_path)
    assert done.returncode == 1
    assert "error: the data of ja_vg_vqa_500 (SakanaAI/JA-VG-VQA-500) cannot be loaded" in done.output
    assert "lmms-eval-ja fetch --tasks ja_vg_vqa_500" in done.output
    assert "Traceback" not in done.output
