"""Wordings as documents, and files of variants that are refused with file and row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.jp_tasks.clusters import accepted_variants, check_clusters, with_variants
from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.rephrasing.variant_file import (
    Variant,
    VariantsError,
    check_new,
    question_hash,
    read_variants,
    write_variants,
)

DOCUMENTS = {"q1": ("何ですか。", "花です。"), "q2": ("どこですか。", "駅です。")}


def _variant(text: str = "何？", **more: Any) -> Variant:
    fields = {"task": "t", "question_id": "q1", "question": "何ですか。", "made_by": "rule:style", "version": "1"}
    fields |= {"date": "2026-11-25", "question_sha256": question_hash("何ですか。")}
    return Variant(variant=text, **(fields | more))


def _read(path: Path, variants: Sequence[Variant]) -> dict[str, list[str]]:
    write_variants(path, variants)
    return accepted_variants(path, read_variants(path), "t", DOCUMENTS)


def test_each_wording_is_a_document_of_its_own() -> None:
    rows = {
        "question_id": [7, 8],
        "question": ["何ですか。", "どこですか。"],
        "answer": ["花", "駅"],
        "image_id": ["a", "b"],
    }
    found = with_variants(Dataset.from_dict(rows), {"7": ["何？", "何なのか教えてください。"]})
    assert list(found["question_id"]) == ["7-0", "7-1", "7-2", "8-0"]
    assert list(found["question"]) == ["何ですか。", "何？", "何なのか教えてください。", "どこですか。"]
    assert list(found["prompt_cluster"]) == ["7", "7", "7", "8"]
    assert list(found["answer"]) == ["花"] * 3 + ["駅"]
    assert list(found["image_id"]) == ["a"] * 3 + ["b"]


def test_documents_that_were_picked_are_the_ones_repeated() -> None:
    rows = Dataset.from_dict({"question_id": ["a", "b", "c"], "question": ["A", "B", "C"]}).select([2, 0])
    assert list(with_variants(rows, {"c": ["C2"]})["question"]) == ["C", "C2", "A"]


def test_members_of_a_cluster_have_one_reference() -> None:
    check_clusters(["a", "a", "b"], ["花", "花 ", "駅"], ["a-0", "a-1", "b-0"], "data")
    with pytest.raises(
        DatasetError, match=r"data, row 3 \(a-1\): its reference is not that of row 1 \(a-0\), of the same"
    ):
        check_clusters(["a", "b", "a"], ["花", "駅", "木"], ["a-0", "b-0", "a-1"], "data")


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "variants.jsonl"
    variants = [
        _variant(answer="花です。"),
        _variant("何でしょうか。", accepted=False),
        _variant("どこ？", question_id="q2", question="どこですか。", question_sha256=question_hash("どこですか。")),
        _variant("誰？", task="another", question_id="x"),
    ]
    assert _read(path, variants) == {"q1": ["何？"], "q2": ["どこ？"]}
    first = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    assert list(first)[:6] == ["task", "question_id", "question", "variant", "answer", "accepted"]
    assert [one.row for one in read_variants(path)] == [1, 2, 3, 4]
    with pytest.raises(VariantsError, match="exists, and somebody may have gone through it"):
        write_variants(path, variants)


def test_any_end_of_a_line_may_stand_in_a_text(tmp_path: Path) -> None:
    path = tmp_path / "variants.jsonl"
    texts = ["何\u2028ですか", "何\u2029ですか？", "何\u0085ですか！", "何\x0cなの"]
    write_variants(path, [_variant(text) for text in texts])
    assert [one.variant for one in read_variants(path)] == texts
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [one.variant for one in read_variants(path)] == texts


def test_a_mark_of_the_byte_order_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "variants.jsonl"
    write_variants(path, [_variant()])
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert [one.row for one in read_variants(path)] == [1]


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "variants.jsonl"
    with pytest.raises(VariantsError, match="cannot be written"):
        write_variants(path, [_variant(), _variant("何\ud83dですか")])
    assert list(tmp_path.iterdir()) == []
    write_variants(path, [_variant()])
    assert list(tmp_path.iterdir()) == [path]


def test_where_a_new_file_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "variants.jsonl"
    check_new(path)
    assert list(path.parent.iterdir()) == []
    write_variants(path, [_variant()])
    with pytest.raises(VariantsError, match="exists, and somebody may have gone through it"):
        check_new(path)
    with pytest.raises(VariantsError, match=r"below\.jsonl cannot be written"):
        check_new(path / "below.jsonl")


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ([_variant(), _variant("a", question_id="q9")], r"row 2: t has no question 'q9'; its ids are like q1, q2"),
        ([_variant(question_sha256="0" * 16)], r"row 1: question q1 is not the one that the variant was made of"),
        ([_variant(answer="木です。")], r"row 1: its answer is not the reference of question q1"),
        ([_variant(), _variant("何？ ")], r"row 2: this wording of question q1 is there already"),
        ([_variant("何ですか。")], r"row 1: this wording of question q1 is there already"),
        ([_variant(accepted=False), _variant(task="u")], r"rows 1 to 2: no accepted variant of t, so that no cluster"),
        ([], r"no row: no accepted variant of t"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_row(tmp_path: Path, variants: list[Variant], message: str) -> None:
    with pytest.raises(VariantsError, match=rf"variants\.jsonl, {message}"):
        _read(tmp_path / "variants.jsonl", variants)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"row 2: no JSON"),
        ("[]", r"row 2: a list; expected one JSON object a line"),
        ('{"task": "t", "kind": 1}', r"row 2: unknown field 'kind'; expected accepted, answer, date"),
        ('{"task": "t"}', r"row 2: question_id: expected a text, got None"),
    ],
)
def test_a_line_that_cannot_be_read(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "variants.jsonl"
    write_variants(path, [_variant()])
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(VariantsError, match=message):
        read_variants(path)


@pytest.mark.parametrize(("field", "value"), [("accepted", "no"), ("answer", 3)])
def test_a_field_of_another_kind(tmp_path: Path, field: str, value: object) -> None:
    path = tmp_path / "variants.jsonl"
    write_variants(path, [_variant()])
    row = json.loads(path.read_text(encoding="utf-8")) | {field: value}
    path.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(VariantsError, match=rf"row 1: {field}: expected"):
        read_variants(path)


def test_no_file() -> None:
    with pytest.raises(VariantsError, match=r"nowhere\.jsonl cannot be read"):
        read_variants(Path("nowhere.jsonl"))
