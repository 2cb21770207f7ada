"""`lmms-eval-ja`: what is here, does it work, fetch it; and a run without the network afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from e2e.runner import BIN, Ended, command, evaluate, free_port, write_answers
from e2e.worker import Worker
from support import benchmarks
from support.hub import Hub

TASK = "ja_vlm_bench_in_the_wild"
SECRET = "sk-a-key-that-nobody-may-see"


def test_tasks_lists_every_task_and_group(worker: Worker) -> None:
    status, output = worker.command("tasks", env={"COLUMNS": "250"})
    assert status == 0
    for expected in ("heron_bench_ja", "4,000", "vqa_likert", "japanese_vlm = heron_bench_ja, ja_vlm_bench_in_the_"):
        assert expected in output


def test_doctor_finds_a_working_installation(worker: Worker) -> None:
    status, output = worker.command("doctor", env={"COLUMNS": "250"})
    assert status == 0, output
    assert "33.3" in output
    assert "lmms-eval finds heron_bench_ja" in output
    assert "overlap (not an LLM, for trying the pipeline)" in output
    assert "broken" not in output


def test_doctor_says_what_is_broken_and_shows_no_key(worker: Worker) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    env = {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": url,
        "OPENAI_API_KEY": SECRET,
        "LMMS_EVAL_JA_JUDGE_API_KEY_ENV": "OPENAI_API_KEY",
    }
    status, output = worker.command("doctor", env=env | {"COLUMNS": "400"})
    assert status == 1
    assert "OPENAI_API_KEY is set" in output
    assert "cannot be reached" in output
    assert SECRET not in output


def test_fetch_names_what_it_has(worker: Worker, hub: Hub) -> None:
    status, output = worker.command("fetch", "--tasks", "ja_vg_vqa_500_first", env={"COLUMNS": "400"})
    repository = hub.repository("datasets", benchmarks.JA_VG_ID)
    assert status == 0, output
    assert repository is not None
    assert f"500 rows of {benchmarks.JA_VG_ID}, revision {repository.main}" in output
    assert "HF_HUB_OFFLINE=1" in output


def test_fetch_refuses_an_unknown_name(worker: Worker) -> None:
    status, output = worker.command("fetch", "--tasks", "nonsense", env={"COLUMNS": "400"})
    assert status == 1
    assert re.search("unknown task 'nonsense'; expected some of .*heron_bench_ja, ", output)


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Ended, str, list[tuple[str, str]]]:
    """A fetch, then an offline run when the hub has moved on: both, the commit that was fetched, later requests."""
    folder = tmp_path_factory.mktemp("offline")
    rows = benchmarks.ja_vlm_rows()
    answers = write_answers(folder / "answers.jsonl", {n: row["answer"] for n, row in enumerate(rows)})
    with Hub() as hub:
        fetched = hub.add_dataset(benchmarks.JA_VLM_ID, benchmarks.ja_vlm_bench(rows))
        env = hub.environ(folder / "hf") | {
            "LMMS_EVAL_JA_JUDGE": "overlap",
            "LMMS_EVAL_JA_STORE": str(folder / "verdicts.sqlite"),
        }
        (folder / "empty").mkdir()
        first = command([str(BIN / "lmms-eval-ja"), "fetch", "--tasks", TASK], env, cwd=folder / "empty")
        moved = [row | {"answer": "後から直された答え"} for row in rows]
        hub.add_dataset(benchmarks.JA_VLM_ID, benchmarks.ja_vlm_bench(moved))
        hub.requests.clear()
        run = evaluate(folder, TASK, answers, env | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"})
        return first, run, fetched, hub.requests


def test_what_was_fetched_is_enough_to_run_offline(
    offline: tuple[Ended, Ended, str, list[tuple[str, str]]],
) -> None:
    first, run, fetched, requests = offline
    assert first.returncode == 0, first.output
    assert fetched in first.output.replace("\n", "")
    assert run.returncode == 0, run.output[-4000:]
    assert run.scores(TASK)["coverage"] == 1
    assert requests == []


def test_the_revision_recorded_offline_is_the_one_that_was_loaded(
    offline: tuple[Ended, Ended, str, list[tuple[str, str]]],
) -> None:
    _, run, fetched, _ = offline
    assert run.results["lmms_eval_ja"]["tasks"][TASK]["fingerprint"]["dataset"]["revision"] == fetched
    assert run.scores(TASK)["rouge_l_ja"] == 100  # the answers are the fetched revision's, not the hub's newest
    assert [sample["target"] for sample in run.samples(TASK)] == [row["answer"] for row in benchmarks.ja_vlm_rows()]


def test_the_package_says_its_version(tmp_path: Path) -> None:
    from lmms_eval_ja import __version__

    done = command([str(BIN / "lmms-eval-ja"), "--version"], {}, cwd=tmp_path)
    assert (done.returncode, done.output.strip()) == (0, __version__)
