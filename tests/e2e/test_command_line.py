"""What is about the command line itself: ways to start, exit statuses, files. Made-up data, so it runs everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e.runner import Ended, evaluate, free_port, write_answers
from lmms_eval_ja.jp_tasks import FOLDER
from support import benchmarks

OVERLAP = "overlap (not an LLM, for trying the pipeline)"
SAMPLE_ANSWERS = FOLDER / "ja_sample" / "answers" / "terse.jsonl"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = benchmarks.synthetic_heron_rows()
    texts = {row["question_id"]: row["answer"]["gpt-4-vision-preview"] for row in rows}
    return write_answers(tmp_path_factory.mktemp("answers") / "heron.jsonl", texts)


def _unreachable() -> dict[str, str]:
    url = f"http://127.0.0.1:{free_port()}/v1"
    return {"LMMS_EVAL_JA_JUDGE": "openai", "LMMS_EVAL_JA_JUDGE_BASE_URL": url}


@pytest.fixture(scope="module")
def runs(hub_env: Mapping[str, str], answers: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """Runs by name, two at a time."""
    new = tmp_path_factory.mktemp
    no_judge, strict = {"LMMS_EVAL_JA_JUDGE": "openai"}, {"LMMS_EVAL_JA_ALLOW_CHANGED_DATA": "0"}
    calls = {
        "overlap": lambda: evaluate(new("overlap"), "heron_bench_ja", answers, hub_env),
        "unreachable": lambda: evaluate(new("unreachable"), "ja_sample", "/nonexistent", hub_env | _unreachable()),
        "changed data": lambda: evaluate(new("changed"), "heron_bench_ja", answers, hub_env | strict),
        "predict only": lambda: evaluate(
            new("predict"), "ja_sample", SAMPLE_ANSWERS, hub_env | no_judge, "--predict_only"
        ),
    }
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(calls, pool.map(lambda call: call(), calls.values()), strict=True))


def test_our_task_is_found_from_an_empty_directory_and_a_complete_run_exits_with_0(runs: dict[str, Ended]) -> None:
    run = runs["overlap"]
    assert run.returncode == 0, run.output[-4000:]
    assert run.scores("heron_bench_ja")["coverage"] == 1
    assert "|heron_bench_ja|" in run.output


def test_overlap_is_named_in_the_log_and_in_every_file(runs: dict[str, Ended]) -> None:
    run = runs["overlap"]
    assert OVERLAP in run.output
    assert run.results["lmms_eval_ja"]["tasks"]["heron_bench_ja"]["judge"] == OVERLAP
    assert {sample["verdict_original"]["judge"] for sample in run.samples("heron_bench_ja")} == {OVERLAP}


def test_the_settings_are_shown_at_the_start(runs: dict[str, Ended]) -> None:
    assert "settings: {'judge': " in runs["overlap"].output


def test_an_unreachable_judge_ends_the_run_before_the_model_is_built(runs: dict[str, Ended]) -> None:
    run = runs["unreachable"]
    assert run.returncode == 1
    assert "cannot be reached" in run.output
    assert "there is no such file" not in run.output
    assert not list(run.folder.rglob("*.json"))


def test_changed_data_ends_the_run_with_1(runs: dict[str, Ended]) -> None:
    run = runs["changed data"]
    assert run.returncode == 1
    assert "Silviase/Japanese-Heron-Bench is not the benchmark's data: texts have sha256" in run.output
    assert "LMMS_EVAL_JA_ALLOW_CHANGED_DATA=1" in run.output


def test_predict_only_needs_no_judge(runs: dict[str, Ended]) -> None:
    run = runs["predict only"]
    assert run.returncode == 0, run.output[-4000:]
    assert [sample["doc_id"] for sample in run.samples("ja_sample")] == list(range(40))
    assert all("verdict_ja_pairwise" not in sample for sample in run.samples("ja_sample"))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["lmms-eval eval", "python -m lmms_eval", "accelerate launch", "torchrun"])
def test_every_way_to_start_finds_our_tasks(
    way: str, runs: dict[str, Ended], hub_env: dict[str, str], answers: Path, tmp_path: Path
) -> None:
    run = evaluate(tmp_path, "heron_bench_ja", answers, hub_env, way=way)
    assert run.returncode == 0, run.output[-4000:]
    expected = runs["overlap"].results["lmms_eval_ja"]["tasks"]
    assert run.results["lmms_eval_ja"]["tasks"] == expected
    assert run.samples("heron_bench_ja") == runs["overlap"].samples("heron_bench_ja")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["accelerate launch", "torchrun"])
def test_a_refused_run_ends_every_process_with_1(
    way: str, hub_env: dict[str, str], answers: Path, tmp_path: Path
) -> None:
    run = evaluate(tmp_path, "ja_sample", SAMPLE_ANSWERS, hub_env | _unreachable(), way=way)
    assert run.returncode == 1
    assert "cannot be reached" in run.output


@pytest.mark.slow
def test_an_incomplete_run_of_two_ranks_exits_with_1(hub_env: dict[str, str], tmp_path: Path) -> None:
    from lmms_eval_ja.metrics import failed_generation

    text = SAMPLE_ANSWERS.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if '"shop_hours_1"' not in line]
    lines.append(f'{{"question_id": "shop_hours_1", "answer": "{failed_generation("x")}"}}'.replace("\0", "\\u0000"))
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    run = evaluate(tmp_path, "ja_sample", file, hub_env, way="torchrun")
    assert run.returncode == 1
    assert "39 of 40 samples have a score; failures: 1 generation" in run.output
    assert run.samples("ja_sample")
