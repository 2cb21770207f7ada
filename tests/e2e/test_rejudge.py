"""`lmms-eval-ja judge`: saved samples give the numbers of judging in place, and nothing is written over."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e.judging import RULES
from e2e.runner import Ended, evaluate, swapped, write_answers
from e2e.worker import Evaluated, Worker
from lmms_eval_ja.jp_tasks import FOLDER
from support import benchmarks
from support.hub import Hub
from support.judge_server import JudgeServer, Reply, scripted_scores

TASK, SAMPLE = "ja_vlm_bench_in_the_wild", "ja_sample"
TASKS = [TASK, SAMPLE]
ROWS = benchmarks.ja_vlm_rows()
FIRST_REPLIES = 30


def _reply(body: Mapping[str, Any]) -> str:
    """Scores that depend on the request, in the form that the protocol asks for."""
    first, second = scripted_scores(body)
    if "Score:" in body["messages"][-1]["content"]:
        return f"Score: {1 + first % 5}"
    return json.dumps({"score_gpt": first, "score": second})


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeServer]:
    with JudgeServer(_reply) as server:
        yield server


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file for each task."""
    folder = tmp_path_factory.mktemp("answers")
    shutil.copy(FOLDER / "ja_sample" / "answers" / "flawed.jsonl", folder / f"{SAMPLE}.jsonl")
    texts = {n: row["answer"][: 3 + n % 7] for n, row in enumerate(ROWS)}
    write_answers(folder / f"{TASK}.jsonl", texts)
    return folder


@pytest.fixture(scope="module")
def predicted(answers: Path, hub_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A run without a judge, by lmms-eval's own command."""
    folder = tmp_path_factory.mktemp("predicted")
    no_judge = {"LMMS_EVAL_JA_JUDGE": "openai"}  # without a key
    done = evaluate(folder, ",".join(TASKS), answers, hub_env | no_judge, "--predict_only")
    assert done.returncode == 0, done.output[-4000:]
    return done


@pytest.fixture
def env(judge: JudgeServer, tmp_path: Path) -> dict[str, str]:
    return _env(judge, tmp_path)


def _env(judge: JudgeServer, folder: Path) -> dict[str, str]:
    return {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
        "LMMS_EVAL_JA_JUDGE_DEADLINE_S": "2",
        "LMMS_EVAL_JA_STORE": str(folder / "verdicts.sqlite"),
        "COLUMNS": "300",
    }


@pytest.fixture
def saved(predicted: Ended, tmp_path: Path) -> Path:
    """A copy of the run's folder, for a test to write beside and to change."""
    return Path(shutil.copytree(predicted.folder, tmp_path / "out"))


def _judged(folder: Path) -> Ended:
    """What the command wrote into its default folder."""
    (found,) = folder.glob("judged-*")
    return Ended(0, "", found)


def _rewrite(path: Path, change: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _same(ours: Any, theirs: Any) -> None:
    """Equal, numbers within 1e-12, NaN as NaN."""
    assert type(ours) is type(theirs)
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key in ours:
            _same(ours[key], theirs[key])
    elif isinstance(ours, float):
        assert (math.isnan(ours) and math.isnan(theirs)) or ours == pytest.approx(theirs, rel=0, abs=1e-12)
    else:
        assert ours == theirs


def test_the_numbers_are_those_of_judging_in_place(
    worker: Worker, answers: Path, saved: Path, judge: JudgeServer, env: dict[str, str]
) -> None:
    in_place = worker.evaluate(TASKS, answers, env)
    before = {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    env["LMMS_EVAL_JA_STORE"] += ".other"  # so that everything is asked anew
    judge.requests.clear()
    status, output = worker.command("judge", str(saved), env=env)
    assert status == 0, output

    done = _judged(saved)
    assert len(judge.requests) == len(ROWS) + 40 + 2 * 40  # vqa_likert twice, ja_pairwise in both orders
    for task in TASKS:
        _same(done.scores(task), _plain(in_place.scores(task)))
        facts, expected = done.results["lmms_eval_ja"]["tasks"][task], in_place.facts(task)
        assert {name for name in done.scores(task) if name.endswith("_stderr_clustered")}
        assert facts["fingerprint"] == _plain(expected["fingerprint"])
        _same(facts["scores"], _plain(expected["scores"]))
        for ours, theirs in zip(done.samples(task), in_place.samples(task), strict=True):
            _same(_scored(ours), _plain(_scored(theirs)))
        assert f"{expected['scores']['judge_mean']['value']:.2f}" in output
    assert {path: path.read_bytes() for path in before} == before


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _scored(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Verdicts and items of a sample; one that was not written to a file holds its document too."""
    scored = {name: value for name, value in sample.items() if isinstance(value, dict) and name != "doc"}
    return scored | {name: sample[name] for name in ("doc_id", "target")}


def test_the_recorded_revision_is_loaded_and_results_say_where_they_come_from(
    worker: Worker, saved: Path, hub: Hub
) -> None:
    moved = [row | {"answer": row["answer"] + "（改訂）"} for row in ROWS]
    with swapped(hub, benchmarks.JA_VLM_ID, benchmarks.ja_vlm_bench(moved)):  # the hub has moved on
        status, output = worker.command("judge", str(saved), "--tasks", TASK, "--judge", "overlap", "--repeats", "2")
    assert status == 0, output
    results = _judged(saved).results
    (original,) = saved.glob("*_results.json")
    recorded = json.loads(original.read_text(encoding="utf-8"))
    assert (results["config"]["model"], results["config"]["model_args"]) == (
        "replay",
        recorded["config"]["model_args"],
    )
    assert results["model_name_sanitized"] == recorded["model_name_sanitized"]
    assert results["lmms_eval_ja"]["rejudged"]["from"] == str(saved)
    assert results["lmms_eval_ja"]["settings"]["judge"]["repeats"] == 2
    assert list(results["results"]) == [TASK]
    repository = hub.repository("datasets", benchmarks.JA_VLM_ID)
    assert repository is not None
    assert recorded["lmms_eval_ja"]["data"][TASK]["revision"] == repository.main
    judged = results["lmms_eval_ja"]["tasks"][TASK]["fingerprint"]["dataset"]["revision"]
    assert judged == repository.main


def test_another_protocol(worker: Worker, answers: Path, saved: Path, judge: JudgeServer, env: dict[str, str]) -> None:
    judge.requests.clear()
    words = ("judge", str(saved), "--tasks", SAMPLE, "--protocol")
    status, output = worker.command(*words, "ja_pairwise", "--dry-run", env=env)
    assert (status, judge.requests) == (0, []), output
    assert "80" in output  # both orders of 40
    assert not list(saved.glob("judged-*"))

    status, output = worker.command(*words, "ja_pairwise", env=env)
    assert status == 0, output
    assert len(judge.requests) == 80
    done = _judged(saved)
    scores = done.scores(SAMPLE)
    assert {"overall", "conv", "detail", "complex", "model_mean", "reference_mean", "rouge_l_ja"} <= scores.keys()
    assert "judge_mean" not in scores
    both = worker.evaluate([SAMPLE], answers, env).scores(SAMPLE)
    for name in ("overall", "overall_stderr_clustered", "conv", "reference_mean", "rouge_l_ja"):
        assert scores[name] == pytest.approx(both[name], rel=0, abs=1e-12)

    judge.requests.clear()
    status, output = worker.command(*words, "vqa_likert", "--output", str(saved.parent / "new"), env=env)
    assert (status, judge.requests) == (0, []), output  # judged for the comparison above
    graded = Ended(0, "", saved.parent / "new").scores(SAMPLE)
    assert graded["judge_mean"] == pytest.approx(both["judge_mean"], rel=0, abs=1e-12)
    assert "overall" not in graded


def test_a_judge_that_died_is_asked_for_the_rest(worker: Worker, saved: Path, tmp_path: Path) -> None:
    words = ("judge", str(saved), "--tasks", TASK)
    one_by_one = {
        "LMMS_EVAL_JA_JUDGE_CONCURRENCY": "1",
        "LMMS_EVAL_JA_JUDGE_DEADLINE_S": "1",
        "LMMS_EVAL_JA_JUDGE_MAX_FAILURES_IN_ROW": "1",
    }
    with JudgeServer(_reply, stop_after=FIRST_REPLIES) as dying:
        status, output = worker.command(*words, env=_env(dying, tmp_path) | one_by_one)
    assert status == 1, output
    assert "run the same command" in output
    first = _judged(saved)
    assert math.isnan(first.scores(TASK)["judge_mean"])
    shutil.move(first.folder, tmp_path / "first")
    with JudgeServer(_reply, port=dying.port) as well:
        status, output = worker.command(*words, env=_env(well, tmp_path))
    assert status == 0, output
    assert len(well.requests) == len(ROWS) - FIRST_REPLIES
    assert _judged(saved).scores(TASK)["coverage"] == 1


def test_a_judge_that_is_not_there_is_named_before_anything(worker: Worker, saved: Path, env: dict[str, str]) -> None:
    with JudgeServer(lambda _: Reply(None, status=500)) as gone:
        pass
    status, output = worker.command("judge", str(saved), env=env | {"LMMS_EVAL_JA_JUDGE_BASE_URL": gone.base_url})
    assert status == 1
    assert "cannot be reached" in output
    assert not list(saved.glob("judged-*"))


def test_nothing_is_written_over(worker: Worker, saved: Path) -> None:
    status, output = worker.command("judge", str(saved), "--judge", "overlap", "--output", str(saved))
    assert status == 1
    assert "nothing is overwritten" in output


@pytest.mark.parametrize(("column", "what"), [("question", "input"), ("answer", "target")])
def test_changed_data_is_refused(worker: Worker, saved: Path, hub: Hub, column: str, what: str) -> None:
    (results,) = saved.glob("*_results.json")
    _rewrite(results, lambda content: content.pop("lmms_eval_ja"))  # as an older run: no revision is recorded
    rows = [row | ({column: row[column] + "（改訂）"} if n == 7 else {}) for n, row in enumerate(ROWS)]
    with swapped(hub, benchmarks.JA_VLM_ID, benchmarks.ja_vlm_bench(rows)):
        status, output = worker.command("judge", str(saved), "--tasks", TASK, "--judge", "overlap")
    assert status == 1
    assert f"doc_id 7 of {TASK} had another {what}" in output
    assert not list(saved.glob("judged-*"))


@pytest.mark.slow
def test_a_part_of_the_documents(worker: Worker, answers: Path, saved: Path) -> None:
    (results,) = saved.glob("*_results.json")
    (samples,) = saved.glob(f"*_samples_{TASK}.jsonl")
    samples.write_text("".join(samples.read_text(encoding="utf-8").splitlines(keepends=True)[:20]), encoding="utf-8")
    words = ("judge", str(saved), "--tasks", TASK, "--judge", "overlap")
    status, output = worker.command(*words)
    assert status == 1
    assert "no answer for doc_id '20'" in output

    _rewrite(results, lambda content: content["config"].update(limit=20))
    status, output = worker.command(*words)
    assert status == 0, output
    in_place: Evaluated = worker.evaluate([TASK], answers, limit=20)
    _same(_judged(saved).scores(TASK), _plain(in_place.scores(TASK)))
    assert _judged(saved).results["lmms_eval_ja"]["tasks"][TASK]["fingerprint"] == _plain(
        in_place.facts(TASK)["fingerprint"]
    )

    _rewrite(results, lambda content: content["config"].update(limit=10))
    status, output = worker.command(*words)
    assert status == 1
    assert f"there is no doc_id 10 in the 10 documents of {TASK}" in output


def test_an_unknown_protocol_is_named(worker: Worker, saved: Path) -> None:
    status, output = worker.command("judge", str(saved), "--protocol", "nonsense")
    assert status == 1
    assert "unknown protocol 'nonsense'; expected one of" in output


@benchmarks.needs_shared
def test_a_protocol_that_does_not_fit_the_documents_asks_nothing(
    worker: Worker, saved: Path, judge: JudgeServer, env: dict[str, str]
) -> None:
    judge.requests.clear()
    env["LMMS_EVAL_JA_ASSETS"] = str(RULES.parents[1])
    status, output = worker.command("judge", str(saved), "--tasks", TASK, "--protocol", "original", env=env)
    assert (status, judge.requests) == (1, [])
    assert f"task {TASK}: no column category, by which original picks the rule" in output
    assert not list(saved.glob("judged-*"))
