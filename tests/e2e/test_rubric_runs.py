"""Tasks that judge by a rubric, from their data to their row, by a scripted judge that sees; and what judges it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from e2e.runner import write_answers
from e2e.worker import Evaluated, Worker
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.judges import Rubric
from lmms_eval_ja.judges.rubrics import rubrics
from support import benchmarks
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


def test_the_judge_is_evaluated_by_trusted_scores(
    done: Evaluated, worker: Worker, folder: Path, tmp_path: Path
) -> None:
    assert done.results is not None
    (samples,) = (folder / "out").rglob("*_samples_perception_bench.jsonl")
    # what lmms-eval's command writes beside the samples
    config = done.results["config"] | {"model": "replay", "model_args": f"answers={folder}"}
    record = {name: value for name, value in done.results.items() if name != "samples"} | {"config": config}
    samples.with_name("now_results.json").write_text(json.dumps(record, default=str), encoding="utf-8")
    model, labels = samples.parent.name, tmp_path / "labels.csv"
    with labels.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "task", "doc_id", "score", "rater"])
        # people agree but for the first two, which they give a point more: MAE 2 / 12
        writer.writerows([model, "perception_bench", n, scripted(n) + (n < 2), "a"] for n in range(perception.ROWS))
    status, output = worker.command("judge-eval", str(labels), str(folder / "out"), "--json", str(tmp_path / "e.json"))
    assert status == 0, output
    (found,) = json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))["judges"]
    assert (found["protocol"], found["scale"]) == ("rubric", [1, 5])
    assert found["agreement"]["statistics"]["mae"]["value"] == pytest.approx(2 / 12)
