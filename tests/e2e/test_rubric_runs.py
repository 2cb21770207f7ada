"""Tasks that judge by a rubric, from their data to their row, by a scripted judge that sees; and what judges it."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from e2e.runner import write_answers
from e2e.worker import Evaluated, Worker
from lmms_eval_ja.compare import load_results
from lmms_eval_ja.compare.bundle import verify
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.judges import Rubric
from lmms_eval_ja.judges.rubrics import rubrics
from support import benchmarks
from support.bundles import edited_json, edited_rows, tampered
from support.hub import Hub
from support.judge_server import JudgeServer, user_text
from support.suite import perception

OURS = ("heron_bench_ja_rubric", "ja_vlm_bench_in_the_wild_rubric", "ja_sample_rubric")
TASKS = ("perception_bench", *OURS)
_THING = re.compile(r"^Describe thing (\d+) of the picture", re.MULTILINE)


def scripted(number: int) -> int:
    """The score of an answer, by the number of its question: 1 to 5 in turn."""
    return 1 + number % 5


def reply(body: Mapping[str, Any]) -> str:
    """By number for Perception-Bench; for the others 4 for the first rubric of the library that the prompt shows."""
    prompt = user_text(body)
    if found := _THING.search(prompt):
        return f"Feedback: thing {found[1]} is described. [RESULT] {scripted(int(found[1]))}"
    (named,) = [name for name, rubric in rubrics().items() if f"###Score Rubrics:\n{rubric.criteria}\n" in prompt]
    return f"Feedback: {named} [RESULT] {SCORES[named]}"


SCORES = {"factual_correctness": 2, "completeness": 3, "groundedness": 4, "text_reading": 5}


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeServer]:
    with JudgeServer(reply) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rubric")


@pytest.fixture(scope="module")
def done(hub: Hub, worker: Worker, judge: JudgeServer, folder: Path) -> Evaluated:
    perception.add(hub)
    heron = {row["question_id"]: "手前にあります。" for row in benchmarks.synthetic_heron_rows()}
    write_answers(folder / "heron_bench_ja_rubric.jsonl", heron)
    write_answers(folder / "ja_vlm_bench_in_the_wild_rubric.jsonl", dict.fromkeys(range(50), "狛犬です。"))
    write_answers(folder / "perception_bench.jsonl", perception.answers("perception_bench"))
    terse = (FOLDER / "ja_sample" / "answers" / "terse.jsonl").read_text(encoding="utf-8")
    (folder / "ja_sample_rubric.jsonl").write_text(terse, encoding="utf-8")
    env = {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
        "LMMS_EVAL_JA_JUDGE_SEES_IMAGE": "true",
        "LMMS_EVAL_JA_STORE": str(folder / "verdicts.sqlite"),
    }
    found = worker.evaluate(TASKS, folder, env, output_path=folder / "out")
    assert judge.errors == []
    return found


def test_the_mean_of_perception_bench_is_that_worked_out_by_hand(done: Evaluated) -> None:
    # 12 rows: 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2; 33 / 12
    assert fmean(map(scripted, range(perception.ROWS))) == 2.75
    shown = done.scores("perception_bench")
    assert (shown["judge_mean"], shown["coverage"]) == (2.75, 1)
    assert shown["judge_mean_ci_low"] < 2.75 < shown["judge_mean_ci_high"]


def test_the_judge_is_sent_the_picture_and_the_rows_own_rubric(done: Evaluated, judge: JudgeServer) -> None:
    assert done.results is not None
    bodies = [body for body in judge.requests if _THING.search(user_text(body))]
    assert len(bodies) == perception.ROWS
    for body in bodies:
        picture, text = body["messages"][-1]["content"]
        assert (picture["type"], text["type"]) == ("image_url", "text")
        assert (body["temperature"], body["top_p"], body["max_tokens"]) == (1.0, 0.9, 1024)
        (number,) = _THING.findall(text["text"])
        row = perception.rows()[int(number)]
        levels = "".join(f"Score {n}: {row[f'orig_score{n}_description']}\n" for n in range(1, 6))
        assert f"###Score Rubrics:\n{row['orig_criteria']}\n{levels}\n###Feedback:" in text["text"]
        assert f"###Reference Answer (Score 5):\n{row['orig_reference_answer']}\n\n" in text["text"]


def test_the_feedback_stands_in_the_samples(done: Evaluated) -> None:
    samples = done.samples("perception_bench")
    for number, sample in enumerate(samples):
        (one,) = sample["verdict_rubric"]["runs"][0]["replies"]
        assert one["content"] == f"Feedback: thing {number} is described. [RESULT] {scripted(number)}"


@pytest.mark.parametrize(
    ("task", "by_category"),
    [
        # 42 + 21 + 40 questions
        ("heron_bench_ja_rubric", {"conv": (42, 2), "detail": (21, 3), "complex": (40, 4)}),
        ("ja_sample_rubric", {"conv": (16, 5), "detail": (10, 3), "complex": (14, 2)}),
        ("ja_vlm_bench_in_the_wild_rubric", {"": (50, 2)}),
    ],
)
def test_each_category_is_judged_by_its_rubric(
    done: Evaluated, task: str, by_category: dict[str, tuple[int, int]]
) -> None:
    n = sum(count for count, _ in by_category.values())
    assert done.scores(task)["judge_mean"] == pytest.approx(sum(c * score for c, score in by_category.values()) / n)
    facts = done.facts(task)["by_category"]
    found = {name: (own["n"], own["value"]) for name, own in facts.items()}
    assert found == {name: own for name, own in by_category.items() if name}
    assert sorted(done.facts(task)["rubrics"]["documents"].values()) == sorted(c for c, _ in by_category.values())


def test_the_rubrics_are_part_of_the_fingerprint(done: Evaluated) -> None:
    prints = {task: done.facts(task)["fingerprint"] for task in TASKS}
    for task, found in prints.items():
        assert found["rubrics"] == done.facts(task)["rubrics"]["sha256"]
        (judging,) = found["judging"]
        assert (judging["protocol"], judging["version"], judging["sees_image"]) == ("rubric", 1, True)
    assert len({found["rubrics"] for found in prints.values()}) == len(TASKS)
    assert len({found["judging"][0]["prompt_sha256"] for found in prints.values()}) == 1
    named = rubrics()["completeness"].label
    of_samples = [sample["judge_mean"]["rubric"] for sample in done.samples("ja_sample_rubric")]
    assert of_samples.count(named) == done.facts("ja_sample_rubric")["rubrics"]["documents"][named] == 10
    first = perception.rows()[0]
    own = Rubric(first["orig_criteria"], tuple(first[f"orig_score{n}_description"] for n in range(1, 6)))
    assert done.samples("perception_bench")[0]["judge_mean"]["rubric"] == own.label


_YAML = """
task: TASK
dataset_path: parquet
dataset_kwargs: {data_files: {test: TASK.parquet}}
test_split: test
output_type: generate_until
process_results: !function lmms_eval_ja.judges.score_rubric
doc_to_visual: !function utils.no_picture
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: [], max_new_tokens: 16}
metric_list: [{metric: judge_mean, aggregation: mean_ja, higher_is_better: true}]
"""


_UTILS = """
from lmms_eval_ja.judges.rubrics import with_rubric


def no_picture(doc):
    return []


def unknown(dataset):
    return with_rubric(dataset, "speed")


def by_category(dataset):
    return with_rubric(dataset, {"q0": "completeness"})
"""


@pytest.mark.parametrize(
    ("name", "rubric", "problem"),
    [
        (
            "own_none",
            None,
            "no column rubric, by which the protocol rubric judges; found question_id, question, answer",
        ),
        ("own_four", {"criteria": "色。", "levels": list("一二三四")}, "row 1: a rubric does not describe score 5"),
        ("own_name", "utils.unknown", "unknown rubric 'speed'; expected one of completeness, "),
        ("own_category", "utils.by_category", "row 1: no rubric for category 'q1'; there are some for q0"),
    ],
)
def test_a_strangers_documents_without_a_usable_rubric_stop_the_run(
    worker: Worker, judge: JudgeServer, tmp_path: Path, name: str, rubric: object, problem: str
) -> None:
    rows: list[dict[str, Any]] = [
        {"question_id": str(n), "question": "何色？", "answer": "白", "category": f"q{n}"} for n in range(3)
    ]
    text = _YAML.replace("TASK", name)
    if isinstance(rubric, str):
        text += f"process_docs: !function {rubric}\n"
    elif rubric is not None:
        good = Rubric("色。", tuple("一二三四五")).as_doc()
        rows = [row | {"rubric": rubric if n == 1 else good} for n, row in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{name}.parquet")
    (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "utils.py").write_text(_UTILS, encoding="utf-8")
    answers = write_answers(tmp_path / "answers.jsonl", {str(n): "白です。" for n in range(3)})
    env = {"LMMS_EVAL_JA_JUDGE": "openai", "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url}
    before = len(judge.requests)
    stopped = worker.evaluate([name], answers, env, include_path=tmp_path)
    assert f"task {name}: {problem}" in (stopped.exit or "")
    assert len(judge.requests) == before


@pytest.fixture
def results(done: Evaluated, folder: Path) -> Path:
    """The results, with the file that lmms-eval's command writes beside the samples."""
    assert done.results is not None
    (samples,) = (folder / "out").rglob("*_samples_perception_bench.jsonl")
    config = done.results["config"] | {"model": "replay", "model_args": f"answers={folder}"}
    record = {name: value for name, value in done.results.items() if name != "samples"} | {"config": config}
    samples.with_name("now_results.json").write_text(json.dumps(record, default=str), encoding="utf-8")
    return folder / "out"


def test_a_comparison_has_the_feedback_beside_the_score(results: Path) -> None:
    answers = load_results(results).answers
    found = [row for row in answers.to_pylist() if row["task"] == "perception_bench"]
    assert len(found) == perception.ROWS
    for row in found:
        score = scripted(row["doc_id"])
        assert row["rubric_score"] == score
        assert row["rubric_feedback"] == f"Feedback: thing {row['doc_id']} is described. [RESULT] {score}"


def test_the_judge_is_evaluated_by_trusted_scores(worker: Worker, results: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    with labels.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "task", "doc_id", "score", "rater"])
        # people agree but for the first two, which they give a point more: MAE 2 / 12
        rows = range(perception.ROWS)
        writer.writerows(["replay", "perception_bench", n, scripted(n) + (n < 2), "a"] for n in rows)
    status, output = worker.command("judge-eval", str(labels), str(results), "--json", str(tmp_path / "e.json"))
    assert status == 0, output
    (found,) = json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))["judges"]
    assert (found["protocol"], found["scale"]) == ("rubric", [1, 5])
    assert found["agreement"]["statistics"]["mae"]["value"] == pytest.approx(2 / 12)


def test_a_bundle_finds_the_replies_by_the_documents_rubrics(worker: Worker, results: Path, tmp_path: Path) -> None:
    store, out = str(results.parent / "verdicts.sqlite"), tmp_path / "bundle.zip"
    status, output = worker.command("bundle", str(results), "--out", str(out), "--images", "--store", store)
    assert status == 0, output
    with zipfile.ZipFile(out) as packed:
        links = packed.read("verdicts/keys.jsonl").decode().splitlines()
    assert len(links) == 12 + 103 + 50 + 40, output
    status, output = worker.command("verify", str(out))
    assert status == 0, output


@pytest.fixture
def bundle(worker: Worker, results: Path, tmp_path: Path) -> Path:
    status, output = worker.command("bundle", str(results), "--out", str(tmp_path / "whole.zip"))
    assert status == 0, output
    return tmp_path / "whole.zip"


SAMPLES, RESULTS = "replay/now_samples_ja_sample_rubric.jsonl", "replay/now_results.json"


def test_a_sample_that_names_another_rubric_than_its_document_is_found_out(bundle: Path, tmp_path: Path) -> None:
    def renamed(row: dict[str, Any]) -> None:
        row["judge_mean"]["rubric"] = "another name:" + row["judge_mean"]["rubric"].partition(":")[2]

    def changed(row: dict[str, Any]) -> None:
        row["judge_mean"]["rubric"] = "completeness:0123456789ab"

    def facts(content: dict[str, Any]) -> None:
        content["lmms_eval_ja"]["tasks"]["ja_sample_rubric"]["rubrics"]["sha256"] = "0" * 64

    assert verify(tampered(bundle, tmp_path / "1.zip", {SAMPLES: edited_rows(renamed, 3)})).is_equal
    done = verify(tampered(bundle, tmp_path / "2.zip", {SAMPLES: edited_rows(changed, 3)}))
    assert [(one.what, one.doc_id) for one in done.mismatches] == [
        ("rubric, against the document's", 3),
        ("sha256 of the rubrics", None),
        ("sha256 of the rubrics in the fingerprint", None),
    ]
    assert done.mismatches[0].recorded == "completeness:0123456789ab"
    done = verify(tampered(bundle, tmp_path / "3.zip", {RESULTS: edited_json(facts)}))
    assert [(one.what, one.recorded) for one in done.mismatches] == [("sha256 of the rubrics", "0" * 64)]
