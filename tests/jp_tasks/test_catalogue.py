"""Our tasks as their YAMLs describe them."""

from __future__ import annotations

import pytest

from lmms_eval_ja.jp_tasks import FOLDER, catalogue
from lmms_eval_ja.judges import PROTOCOLS

#: How answers are marked that no judge sees.
MARKING = {"choice", "jdocqa", "open_match", "character_f1", "cer", "receipt_f1"}
HEADLINES = {"overall", "judge_mean", "macro", "rouge_l_ja", "accuracy", "accuracy_judged", "f1", "cer_similarity"}


def test_every_yaml_is_a_task_or_a_group() -> None:
    names = {task.name for task in catalogue.tasks()} | catalogue.groups().keys()
    assert names == {path.stem for path in FOLDER.rglob("*.yaml")}


def test_every_task_says_what_it_is() -> None:
    for task in catalogue.tasks():
        assert task.rows > 0, task.name
        assert set(task.protocol.split(", ")) <= PROTOCOLS.keys() | MARKING, task.name
        assert task.headline in HEADLINES, task.name
        assert task.licence, task.name
        assert task.source, task.name


def test_a_group_is_opened_and_no_task_comes_twice() -> None:
    papers = ["heron_bench_ja", "ja_vlm_bench_in_the_wild", "ja_vg_vqa_500"]
    assert catalogue.opened(["japanese_vlm"]) == papers
    assert catalogue.opened(["ja_vg_vqa_500", "japanese_vlm"]) == [papers[2], *papers[:2]]


def test_an_unknown_name_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown task 'heron'; expected some of .*heron_bench_ja, .*japanese_vlm"):
        catalogue.opened(["heron"])
