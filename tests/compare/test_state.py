"""How far a run is, on a folder that lmms-eval really wrote, and on what may become of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from e2e.runner import evaluate

from lmms_eval_ja.compare.file import read_comparison
from lmms_eval_ja.compare.plan import Run, plan_of
from lmms_eval_ja.compare.record import read_record, record_of, update_record
from lmms_eval_ja.compare.state import State, status, why_incomplete
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.metrics import failed_generation
from support.comparison_file import GOOD, written

ANSWERS = FOLDER / "ja_sample" / "answers" / "flawed.jsonl"
MODEL = {"id": "flawed", "plugin": "replay", "args": {"answers": str(ANSWERS)}}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers and scores of `ja_sample`, by lmms-eval's own command in one go."""
    folder = tmp_path_factory.mktemp("real")
    env = os.environ | {"LMMS_EVAL_JA_JUDGE": "overlap", "HF_HUB_OFFLINE": "1"}
    done = evaluate(folder, "ja_sample", ANSWERS, env)
    assert done.returncode == 0, done.output[-4000:]
    return done.folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Whose plan fits the folder."""
    (run,) = plan_of(read_comparison(written(tmp_path, GOOD | {"models": [MODEL]}))).runs
    return run


@pytest.fixture
def out(real: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(real, tmp_path / "attempt"))


def results(out: Path) -> Path:
    (path,) = out.rglob("*_results.json")
    return path


def samples(out: Path) -> Path:
    (path,) = out.rglob("*_samples_ja_sample.jsonl")
    return path


def rewrite(path: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def lines(out: Path, change: Callable[[list[str]], list[str]]) -> None:
    path = samples(out)
    path.write_text("".join(change(path.read_text(encoding="utf-8").splitlines(keepends=True))), encoding="utf-8")


def test_what_was_really_written_is_complete(run: Run, real: Path) -> None:
    assert why_incomplete(run.generate, real) is None
    assert why_incomplete(run.judge, real) is None


def _failed(rows: list[str]) -> list[str]:
    row = json.loads(rows[7])
    row["filtered_resps"] = failed_generation("out of memory")
    return [*rows[:7], json.dumps(row) + "\n", *rows[8:]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (shutil.rmtree, "no samples found"),
        (lambda out: samples(out).unlink(), "no samples found"),
        (lambda out: results(out).unlink(), "_results.json, the results file beside"),
        (lambda out: results(out).write_text('{"results": {'), "_results.json, the results file beside"),
        (lambda out: results(out).write_text("{}"), "_results.json is not lmms-eval's: it has no config"),
        (lambda out: lines(out, lambda rows: rows[:-1]), "has 39 samples; 40 of 40 documents of ja_sample were eval"),
        (lambda out: lines(out, lambda rows: [*rows[:-1], rows[-1][:50]]), "breaks off in line 40"),
        (lambda out: lines(out, lambda _: []), "has 0 samples; 40 of 40"),
        (
            lambda out: rewrite(results(out), lambda r: r["config"].update(limit=40)),
            "ja_sample was run with --limit 40 and --offset 0: a part of the documents is another benchmark",
        ),
        (lambda out: rewrite(results(out), lambda r: r["config"].update(offset=3)), "--offset 3"),
        (
            lambda out: rewrite(results(out), lambda r: r["n-samples"]["ja_sample"].update(original=500)),
            "40 of 500 documents of ja_sample",
        ),
        (lambda out: rewrite(results(out), lambda r: r.pop("n-samples")), "None of None documents"),
        (
            lambda out: rewrite(results(out), lambda r: r["config"].update(model="ja_vlm")),
            "the samples are of --model ja_vlm, not replay",
        ),
        (lambda out: shutil.copytree(out, out / "again"), "2 samples files of ja_sample"),
    ],
)
def test_what_either_step_lacks(run: Run, out: Path, change: Callable[[Path], object], says: str) -> None:
    change(out)
    assert says in str(why_incomplete(run.generate, out))
    if "--model" not in says:
        assert says in str(why_incomplete(run.judge, out))


def test_answers_that_lack_a_task_or_failed(run: Run, out: Path) -> None:
    two = replace(run.generate, tasks=("ja_sample", "heron_bench_ja"))
    assert "no samples of task 'heron_bench_ja'; there are those of ja_sample" in str(why_incomplete(two, out))
    lines(out, _failed)
    assert why_incomplete(run.generate, out) == (
        "1 of 40 answers to ja_sample could not be generated, the first to doc_id 7: out of memory"
    )


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("", "all 40 answers to ja_sample are empty"),
        ("[LMMS_EVAL_REQUEST_FAILED after 3 retries] no key", "40 of 40 answers to ja_sample could not be generated"),
    ],
)
def test_what_other_models_give_instead_of_answers(run: Run, out: Path, answer: str, says: str) -> None:
    lines(out, lambda rows: [json.dumps(json.loads(row) | {"filtered_resps": answer}) + "\n" for row in rows])
    assert says in str(why_incomplete(run.generate, out))


def test_tasks_of_different_models_are_not_one_run(run: Run, out: Path) -> None:
    other = Path(shutil.copytree(out, out / "other"))
    samples(other).rename(samples(other).with_name(samples(other).name.replace("ja_sample", "heron_bench_ja")))
    rewrite(results(other), lambda r: r["config"].update(model_args="answers=elsewhere"))
    two = replace(run.generate, tasks=("ja_sample", "heron_bench_ja"))
    assert "the samples are of different models" in str(why_incomplete(two, out))


def _task(record: Any) -> Any:
    return record["lmms_eval_ja"]["tasks"]["ja_sample"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda r: r.pop("lmms_eval_ja"), "ja_sample has no score of ours in its results file"),
        (lambda r: r["lmms_eval_ja"]["tasks"].clear(), "ja_sample has no score of ours in its results file"),
        (
            lambda r: _task(r)["failures"].update(transport={"count": 3, "samples": [], "example": "timeout"}),
            "ja_sample has no complete score: 3 transport (timeout)",
        ),
        (
            lambda r: _task(r)["failures"].update(refusal={"count": 30, "samples": [], "example": "no"}),
            None,  # another run would bring the same
        ),
    ],
)
def test_scores_that_another_run_can_mend(run: Run, out: Path, change: Callable[[Any], object], says: str) -> None:
    rewrite(results(out), change)
    assert why_incomplete(run.judge, out) == says


@pytest.fixture
def done(run: Run, real: Path) -> Run:
    """The run with answers and scores in their places, as the command leaves them."""
    shutil.copytree(real, run.generate.folder)
    shutil.copytree(real, run.judge.folder / "results")
    update_record(run.folder, **record_of(run))
    return run


def test_the_states_of_a_run(done: Run) -> None:
    assert (status(done).state, status(done).refused) == (State.DONE, None)
    shutil.rmtree(done.judge.folder)
    assert (status(done).state, status(done).refused) == (State.ANSWERED, None)
    update_record(done.folder, failed={"kind": "judge", "cause": "no key", "log": "attempts/judge-1/log.txt"})
    found = status(done)
    assert (found.state, found.cause, found.log) == (State.FAILED, "no key", "attempts/judge-1/log.txt")
    shutil.rmtree(done.folder)
    assert (status(done).state, status(done).refused) == (State.TO_DO, None)
    assert read_record(done.folder) == {}


@pytest.mark.parametrize("content", [None, "{", '{"id": "flawed"}'])
def test_a_record_that_does_not_say_what_made_the_answers(done: Run, content: str | None) -> None:
    path = done.folder / "run.json"
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert "run.json is missing or does not say hub, so what made it is not known" in str(status(done).refused)


def changed(folder: Path, **fields: Any) -> Run:
    (run,) = plan_of(read_comparison(written(folder, GOOD | {"models": [MODEL]} | fields))).runs
    return run


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"models": [MODEL | {"args": MODEL["args"] | {"key": "id"}}]}, "it was made with args"),
        ({"models": [MODEL | {"env": "sarashina2"}]}, "it was made with env None, the file now says 'sarashina2'"),
        ({"gen_kwargs": {"max_new_tokens": 5}}, "it was made with gen_kwargs {}, the file now says {'max_new_tokens"),
        ({"tasks": ["ja_sample", "ja_vg_vqa_500"]}, "no samples of task 'ja_vg_vqa_500'"),
        ({"repeats": 2}, "it was judged by overlap (1 times), the file now says overlap (2 times)"),
        ({"judge": "openai"}, "it was judged by overlap (1 times), the file now says openai (1 times)"),
        ({"judge": "none"}, "it was judged, and the file now says judge: none"),
        ({"models": [MODEL | {"label": "other", "gpus": 1, "licence": "MIT"}], "batch_size": 2}, None),
    ],
)
def test_a_file_that_changed_after_the_run(done: Run, tmp_path: Path, fields: dict[str, Any], says: str | None) -> None:
    refused = status(changed(tmp_path, **fields)).refused
    if says is None:
        assert refused is None
    else:
        assert says in str(refused)
        assert "Nothing is written over: remove " in str(refused)


def test_scores_of_other_answers_or_none(done: Run) -> None:
    def other(record: Any) -> None:
        record["lmms_eval_ja"]["rejudged"] = {"samples": {"ja_sample": "/else/20200101_000000_samples_ja_sample.jsonl"}}

    rewrite(results(done.judge.folder), other)
    assert "its scores are of other answers than those that are there (20200101_000000_samples" in str(
        status(done).refused
    )
    shutil.rmtree(done.generate.folder)
    assert "there are scores, but no answers" in str(status(done).refused)


def test_half_written_folders_are_named(done: Run) -> None:
    lines(done.judge.folder, lambda rows: rows[:9])
    assert "its scores do not hold what the file asks for: " in str(status(done).refused)
    results(done.generate.folder).unlink()
    assert "its answers do not hold what the file asks for: " in str(status(done).refused)
