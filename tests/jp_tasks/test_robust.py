"""Tasks in several wordings: the shipped file, a user's own, and rules as the data loads."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from datasets import Dataset, load_dataset

from lmms_eval_ja.jp_tasks import FOLDER, catalogue
from lmms_eval_ja.jp_tasks.dataset import check_dataset, spec_of
from lmms_eval_ja.jp_tasks.heron_bench_ja.task import process_robust_docs as heron_docs
from lmms_eval_ja.jp_tasks.ja_sample.task import process_robust_docs as sample_docs
from lmms_eval_ja.jp_tasks.rephrasing.rules import variants_by_rules
from lmms_eval_ja.jp_tasks.rephrasing.variant_file import VariantsError, read_variants
from support.benchmarks import needs_shared, real_heron_rows, synthetic_heron_rows

SHIPPED = FOLDER / "ja_sample" / "variants.jsonl"
ROWS = {task.name: task.rows for task in catalogue.tasks()}


@pytest.fixture
def sample() -> Dataset:
    return load_dataset("parquet", data_files={"test": str(FOLDER / "ja_sample/ja_sample.parquet")}, split="test")


def test_the_shipped_wordings(sample: Dataset) -> None:
    found = sample_docs(sample)
    assert len(found) == ROWS["ja_sample_robust"] == 183
    sizes = Counter(found["prompt_cluster"])
    assert Counter(sizes.values()) == {4: 17, 5: 23}
    assert found[1]["question"] == "この店は土曜日の何時に閉まる？"
    assert found[1]["image"].size == found[0]["image"].size
    assert set(found["prompt_cluster"]) == set(sample["question_id"])
    originals = [text for text, id_ in zip(found["question"], found["question_id"], strict=True) if id_.endswith("-0")]
    assert originals == list(sample["question"])


def test_the_shipped_wordings_by_rules_are_what_the_rules_give() -> None:
    for variant in read_variants(SHIPPED):
        by, _, rule = variant.made_by.partition(":")
        if by == "rule":
            assert variants_by_rules(variant.question, [rule]) == {rule: variant.variant}
        else:
            assert by == "written"


def test_the_facts_say_which_wordings_were_used(sample: Dataset) -> None:
    spec = spec_of(sample_docs)
    assert spec.whole is not None
    assert spec.about is not None
    whole = spec.whole(sample)
    facts = check_dataset(whole, spec)
    assert (facts.rows, facts.changed) == (183, ())
    assert spec.about(whole)["changed"] == ()
    about = spec.about(whole)["variants"]
    assert (about["from"], about["questions"], about["wordings"], about["single"]) == ("variants.jsonl", 40, 183, 0)
    assert len(about["sha256"]) == 64


def test_a_users_own_file(sample: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    path = tmp_path / "ja_sample.jsonl"
    path.write_text("\n".join(lines[:2]) + "\n", encoding="utf-8")
    for stated in (path, tmp_path):  # a folder holds a file for each task
        monkeypatch.setenv("LMMS_EVAL_JA_VARIANTS", str(stated))
        found = sample_docs(sample)
        assert len(found) == 42
        assert Counter(Counter(found["prompt_cluster"]).values()) == {1: 39, 3: 1}
    shipped_print = check_dataset(found, spec_of(sample_docs)).texts_sha256
    refused = json.loads(lines[0]) | {"accepted": False}
    path.write_text(json.dumps(refused, ensure_ascii=False) + "\n" + lines[1] + "\n", encoding="utf-8")
    found = sample_docs(sample)
    assert len(found) == 41
    assert check_dataset(found, spec_of(sample_docs)).texts_sha256 != shipped_print
    path.unlink()
    with pytest.raises(VariantsError, match=r"LMMS_EVAL_JA_VARIANTS .*: .*ja_sample\.jsonl is no file; make it with"):
        sample_docs(sample)


def _heron(rows: list[dict[str, object]]) -> Dataset:
    return Dataset.from_list(rows)


def test_a_benchmark_is_put_in_other_words_by_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")  # made-up texts
    data = _heron(synthetic_heron_rows())
    found = heron_docs(data)
    assert found["question_id"][0] == "0-0"
    assert "anchors" not in found.column_names
    by_cluster = {id_: len(variants_by_rules(text)) for id_, text in enumerate(data["text"])}
    assert Counter(found["prompt_cluster"]) == {str(id_): 1 + n for id_, n in by_cluster.items()}
    assert list(heron_docs(data)["question"]) == list(found["question"])
    about = spec_of(heron_docs).about
    assert about is not None
    facts = about(found)
    assert facts["variants"]["from"] == "rules 2"
    (change,) = facts["changed"]  # what differs from the benchmark is seen behind the wordings
    assert change.startswith("texts have sha256")


@needs_shared
def test_heron_bench_in_other_words() -> None:
    found = heron_docs(_heron(real_heron_rows()))
    assert len(found) == ROWS["heron_bench_ja_robust"]
    sizes = Counter(found["prompt_cluster"])
    assert len(sizes) == 103
    assert min(sizes.values()) > 1
