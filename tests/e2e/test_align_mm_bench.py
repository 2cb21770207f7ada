"""AlignMMBench from its data to its row, by a scripted judge: means over types and answers, rules, turns, alignment."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import pytest
from datasets import Dataset

from e2e.runner import write_answers
from e2e.worker import Evaluated, Worker
from lmms_eval_ja.jp_tasks.align_mm_bench import task as align_task
from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.judges.protocols.critic import task_types
from support.hub import Hub
from support.judge_server import JudgeServer, user_text
from support.suite import align

TASK = "align_mm_bench"
_NUMBER = re.compile(r"^请说明图(\d+)（(\w+)，说法(\d)）。$", re.MULTILINE)


def scripted(number: int, wording: int) -> int:
    """The score of an answer: another one for each question and wording."""
    return 1 + (3 * number + 5 * wording) % 10


def reply(body: dict[str, Any]) -> str:
    number, _, wording = _NUMBER.findall(user_text(body))[-1]
    return json.dumps({"Rating": scripted(int(number), int(wording)), "Reason": "理由。"}, ensure_ascii=False)


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeServer]:
    with JudgeServer(reply) as server:
        yield server


@pytest.fixture(scope="module")
def done(hub: Hub, worker: Worker, judge: JudgeServer, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    folder: Path = tmp_path_factory.mktemp("align")
    align.add(hub)
    # No answer is like another, so that none is judged by a stored reply.
    write_answers(folder / f"{TASK}.jsonl", {row["question_id"]: row["question_id"] for row in align.rows()})
    env = {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
        "LMMS_EVAL_JA_STORE": str(folder / "verdicts.sqlite"),
    }
    found = worker.evaluate([TASK], folder, env)
    assert judge.errors == []
    return found


def test_the_means_are_those_worked_out_by_hand(done: Evaluated) -> None:
    by_type: dict[str, list[int]] = defaultdict(list)
    for row in align.rows():
        number, name, wording = _NUMBER.findall(row["prompt"])[0]
        by_type[name].append(scripted(int(number), int(wording)))
    means = {name: fmean(scores) for name, scores in by_type.items()}
    shown = done.scores(TASK)
    assert len(means) == 13
    assert shown["macro"] == pytest.approx(fmean(means.values()), abs=1e-12)
    assert shown["judge_mean"] == pytest.approx(fmean(s for own in by_type.values() for s in own), abs=1e-12)
    assert abs(shown["macro"] - shown["judge_mean"]) > 0.01
    assert {name: shown[name.lower()] for name in means} == pytest.approx(means)
    for metric, types in zip(align_task.CATEGORIES, align.CATEGORIES.values(), strict=True):
        assert shown[metric] == pytest.approx(fmean(means[name] for name in types))
    assert shown["coverage"] == 1


def test_alignment_is_the_inverse_of_the_mean_standard_deviation_within_clusters(done: Evaluated) -> None:
    clusters: dict[str, list[int]] = defaultdict(list)
    for row in align.rows():
        number, _, wording = _NUMBER.findall(row["prompt"])[0]
        clusters[row["question_id"].partition("-")[0]].append(scripted(int(number), int(wording)))
    several = [scores for scores in clusters.values() if len(scores) > 1]
    assert (len(several), len(clusters)) == (22, 26)
    dispersion = fmean(pstdev(scores) for scores in several)
    shown = done.scores(TASK)
    assert (shown["dispersion"], shown["alignment"]) == pytest.approx((dispersion, 1 / dispersion))


def test_every_type_of_task_is_judged_by_its_own_rules(done: Evaluated, judge: JudgeServer) -> None:
    assert done.results is not None
    asked = [user_text(body) for body in judge.requests]
    assert len(asked) == len(align.rows())
    for known in task_types():
        own = [text for text in asked if f"（{known.name}，" in text]
        assert own
        assert all(known.block in text for text in own)


def test_the_judge_reads_the_earlier_turns_and_no_picture(done: Evaluated, judge: JudgeServer) -> None:
    assert done.results is not None
    by_id = {row["prompt"]: row["history"] for row in align.rows()}
    for body in judge.requests:
        assert isinstance(body["messages"][-1]["content"], str)
        text = user_text(body)
        prompt = next(prompt for prompt in by_id if prompt in text)
        assert text.count("【対話の履歴 第") == 2 * len(by_id[prompt])
        assert all(turn["user"] in text and turn["assistant"] in text for turn in by_id[prompt])


def test_the_picture_stands_in_the_first_turn() -> None:
    doc = {"question": "多少？", "history": [{"user": "什么？", "assistant": "灯笼。"}], "image": None, "images": []}
    assert [m["role"] for m in align_task.doc_to_messages(doc)] == ["user", "assistant", "user"]
    assert align_task.doc_to_text(doc) == "用户：什么？\n助手：灯笼。\n用户：多少？"
    assert align_task.doc_to_text(doc | {"history": []}) == "多少？"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ref_answer": "另一个答案。"}, r"row 3 \(00000000-2\): its reference is not that of row 1"),
        ({"task": "Poetry"}, r"row 3: .* knows no type of task 'Poetry'"),
        ({"task": ""}, r"row 3: no type of task is named; expected one of Description"),
    ],
)
def test_data_that_does_not_hold_together(change: dict[str, str], message: str) -> None:
    rows = align.rows()
    rows[2] |= change
    with pytest.raises(DatasetError, match=message):
        align_task.named(Dataset.from_list(rows))
