"""Finding and reading the samples of a finished run, and what is refused there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.compare.finished import SamplesError, find_samples, read_run
from lmms_eval_ja.models.answers import AnswersError
from lmms_eval_ja.rejudge import Judged, check_revision

TASK = "heron_bench_ja"


def _write(folder: Path, task: str = TASK, date: str = "20260101_000000", config: Any = None) -> Path:
    """A run's samples and results, as lmms-eval writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{date}_samples_{task}.jsonl"
    path.write_text(
        json.dumps({"doc_id": 0, "target": "白", "filtered_resps": "白です", "input": "何色？"}) + "\n",
        encoding="utf-8",
    )
    content = {"config": {"model": "m", "model_args": "a=1", "limit": None, "offset": 0} | (config or {})}
    (folder / f"{date}_results.json").write_text(json.dumps(content), encoding="utf-8")
    return path


def test_samples_are_found_by_task_wherever_they_lie(tmp_path: Path) -> None:
    first, second = _write(tmp_path / "model"), _write(tmp_path / "model" / "deeper", "x_samples_y")
    assert find_samples(tmp_path) == {TASK: first, "x_samples_y": second}
    assert find_samples(tmp_path, [TASK]) == {TASK: first}


def test_groups_are_opened(tmp_path: Path) -> None:
    members = [TASK, "ja_vlm_bench_in_the_wild", "ja_vg_vqa_500"]
    paths = {name: _write(tmp_path, name) for name in members}
    _write(tmp_path, "ja_sample")
    assert find_samples(tmp_path, ["japanese_vlm"]) == paths


def test_earlier_judgings_are_no_originals(tmp_path: Path) -> None:
    first = _write(tmp_path / "model")
    again = _write(tmp_path / "judged-openai-original-20260101_000000" / "model")
    assert find_samples(tmp_path) == {TASK: first}
    assert find_samples(again.parents[1]) == {TASK: again}


def test_no_samples(tmp_path: Path) -> None:
    with pytest.raises(SamplesError, match=r"no samples found .* --log_samples or --predict_only"):
        find_samples(tmp_path)


def test_an_unknown_task_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    _write(tmp_path)
    with pytest.raises(SamplesError, match="no samples of task 'nonsense'; there are those of heron_bench_ja"):
        find_samples(tmp_path, ["nonsense"])


def test_two_files_of_a_task_are_both_named(tmp_path: Path) -> None:
    first, second = _write(tmp_path), _write(tmp_path, date="20260102_000000")
    with pytest.raises(SamplesError, match="2 samples files of heron_bench_ja") as caught:
        find_samples(tmp_path)
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)


def test_a_run_is_read_with_its_results(tmp_path: Path) -> None:
    run = read_run(tmp_path, {TASK: _write(tmp_path)})
    assert run.samples[TASK].by_key == {"0": "白です"}
    assert run.samples[TASK].origin == {"0": ("白", "何色？")}
    assert run.config["model"] == "m"
    assert run.revision(TASK) is None


@pytest.mark.parametrize(
    "section",
    [
        {"tasks": {TASK: {"fingerprint": {"dataset": {"revision": "abc"}}}}},
        {"tasks": {}, "data": {TASK: {"revision": "abc"}}},
    ],
    ids=["judged", "predict_only"],
)
def test_the_recorded_revision_is_read(tmp_path: Path, section: dict[str, Any]) -> None:
    path = _write(tmp_path)
    results = next(tmp_path.glob("*_results.json"))
    content = json.loads(results.read_text(encoding="utf-8")) | {"lmms_eval_ja": section}
    results.write_text(json.dumps(content), encoding="utf-8")
    assert read_run(tmp_path, {TASK: path}).revision(TASK) == "abc"


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + '{"doc_id": 1, "tar', encoding="utf-8")
    with pytest.raises(AnswersError, match=f"{path.name}, line 2: no JSON"):
        read_run(tmp_path, {TASK: path})


def test_other_jsonl_is_not_taken_for_samples(tmp_path: Path) -> None:
    path = _write(tmp_path)
    path.write_text('{"doc_id": 0, "answer": "白"}\n', encoding="utf-8")
    with pytest.raises(SamplesError, match="not lmms-eval's samples"):
        read_run(tmp_path, {TASK: path})


def test_samples_without_results_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path)
    next(tmp_path.glob("*_results.json")).unlink()
    with pytest.raises(SamplesError, match=f"{path.name}: its results file cannot be read: .*20260101_000000_results"):
        read_run(tmp_path, {TASK: path})


@pytest.mark.parametrize("different", [{"model": "other"}, {"model_args": "a=2"}, {"limit": 5}, {"offset": 3}])
def test_tasks_of_different_runs_are_refused(tmp_path: Path, different: dict[str, Any]) -> None:
    files = {TASK: _write(tmp_path / "a"), "ja_sample": _write(tmp_path / "b", "ja_sample", config=different)}
    with pytest.raises(SamplesError, match=r"samples are of different runs: heron_bench_ja of .* ja_sample of"):
        read_run(tmp_path, files)


def test_another_revision_is_refused_by_both_names() -> None:
    check_revision(TASK, "aaa", "aaa")
    check_revision(TASK, None, "bbb")
    with pytest.raises(SamplesError, match="given to revision aaa of the data, loaded is bbb"):
        check_revision(TASK, "aaa", "bbb")
    with pytest.raises(SamplesError, match="loaded is an unknown one"):
        check_revision(TASK, "aaa", None)


@pytest.mark.parametrize(
    ("failures", "words"),
    [
        ({"transport": {}}, ["To resume, run the same command"]),
        ({"key": {}, "parse": {}}, ["To resume", "only another judge"]),
        ({"generation": {}}, ["must be generated first"]),
        ({"refusal": {}}, ["only another judge"]),
    ],
    ids=["transport", "key and parse", "generation", "refusal"],
)
def test_the_advice_fits_the_failures(failures: dict[str, Any], words: list[str]) -> None:
    results = {"lmms_eval_ja": {"tasks": {TASK: {"failures": failures}, "whole": {"failures": {"range": {}}}}}}
    lines = Judged(None, [], results, {TASK: "why"}, "judge").advice("the same command").splitlines()
    assert len(lines) == len(words)
    assert all(word in line for word, line in zip(words, lines, strict=True))
