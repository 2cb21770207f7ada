"""`--model replay` as lmms-eval calls it; whole runs with it are in tests/e2e."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.metrics import failed_generation
from lmms_eval_ja.models.replay import Replay, ReplayError

DOCS = Dataset.from_list(
    [
        {"question_id": "a", "question": "何色？", "answer": "白色"},
        {"question_id": "b", "question": "幾つ？", "answer": "三つ"},
    ]
)


def replay_of(path: Path, **more: str) -> Replay:
    model = Replay(answers=str(path), **more)
    model.task_dict["t"] = {"test": DOCS}
    return model


def requests(*doc_ids: int) -> list[Any]:
    """Requests as lmms-eval builds them: context, messages, generation settings, doc_id, task, split."""
    return [SimpleNamespace(args=(DOCS[n]["question"], None, {}, n, "t", "test")) for n in doc_ids]


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


BY_ID = ({"question_id": "a", "answer": "白"}, {"question_id": "b", "answer": "三"})


def test_answers_come_in_the_order_of_the_requests(tmp_path: Path) -> None:
    model = replay_of(written(tmp_path / "x.jsonl", *BY_ID))
    assert model.generate_until(requests(1, 0, 1)) == ["三", "白", "三"]


def test_answers_by_question(tmp_path: Path) -> None:
    rows = [{"question": "幾つ？", "answer": "三"}, {"question": "何色？", "answer": "白"}]
    assert replay_of(written(tmp_path / "x.jsonl", *rows)).generate_until(requests(0, 1)) == ["白", "三"]


def test_a_folder_holds_a_file_for_each_task(tmp_path: Path) -> None:
    written(tmp_path / "t.jsonl", *BY_ID)
    written(tmp_path / "other.jsonl", {"question_id": "a", "answer": "別"})
    assert replay_of(tmp_path).generate_until(requests(0)) == ["白"]


def test_a_folder_without_a_file_for_the_task(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"expected one file t\.jsonl or \*_samples_t\.jsonl, found none"):
        replay_of(tmp_path).generate_until(requests(0))


def test_a_folder_with_two_files_for_the_task(tmp_path: Path) -> None:
    for name in ("1_samples_t.jsonl", "2_samples_t.jsonl"):
        written(tmp_path / name, *BY_ID)
    with pytest.raises(ReplayError, match=r"found 1_samples_t\.jsonl, 2_samples_t\.jsonl"):
        replay_of(tmp_path).generate_until(requests(0))


def test_a_failed_generation_stays_one_and_another_nul_goes(tmp_path: Path) -> None:
    failed = failed_generation("out of memory")
    rows = [{"question_id": "a", "answer": failed}, {"question_id": "b", "answer": "三\0つ"}]
    assert replay_of(written(tmp_path / "x.jsonl", *rows)).generate_until(requests(0, 1)) == [failed, "三つ"]


def test_a_key_that_is_no_column(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", {"qa_id": 1, "answer": "白"})
    with pytest.raises(ReplayError, match=r"task t has no column 'qa_id'; it has question_id, question, answer"):
        replay_of(path, key="qa_id").generate_until(requests(0))


SAMPLE = {"doc_id": 0, "target": "白色", "input": "何色？", "filtered_resps": "白"}


def test_a_samples_file_of_the_same_data(tmp_path: Path) -> None:
    assert replay_of(written(tmp_path / "x.jsonl", SAMPLE)).generate_until(requests(0)) == ["白"]


@pytest.mark.parametrize("changed", ["input", "target"])
def test_a_samples_file_of_other_data(tmp_path: Path, changed: str) -> None:
    path = written(tmp_path / "x.jsonl", SAMPLE | {changed: "別の文"})
    with pytest.raises(ReplayError, match=f"doc_id 0 of t had another {changed}: '別の文'"):
        replay_of(path).generate_until(requests(0))


def test_a_missing_file_is_refused_when_the_model_is_built() -> None:
    with pytest.raises(ReplayError, match="there is no such file or folder"):
        Replay(answers="/nonexistent.jsonl")


def test_what_replay_cannot_do_it_says(tmp_path: Path) -> None:
    model = replay_of(written(tmp_path / "x.jsonl", *BY_ID))
    with pytest.raises(ReplayError, match="multi-turn"):
        model.generate_until_multi_round([])
    with pytest.raises(ReplayError, match="no likelihoods"):
        model.loglikelihood([])


def test_it_is_one_process_on_the_cpu(tmp_path: Path) -> None:
    model = replay_of(written(tmp_path / "x.jsonl", *BY_ID))
    assert (str(model.device), model.rank, model.world_size) == ("cpu", 0, 1)
