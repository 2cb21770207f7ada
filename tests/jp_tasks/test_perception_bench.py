"""Perception-Bench: the user's own pictures, a rubric for each row, and the two forms of its instruction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError, check_dataset
from lmms_eval_ja.jp_tasks.perception_bench.task import SPEC, instruction, process_docs
from lmms_eval_ja.judges import PROTOCOLS, sample_of
from lmms_eval_ja.judges.pictures import images_of_doc
from support.benchmarks import SHARED, needs_shared, placeholder_image
from support.suite import perception


@pytest.fixture
def assets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    monkeypatch.setenv("LMMS_EVAL_JA_ASSETS", str(tmp_path))
    perception.place(tmp_path)
    return tmp_path


def data(**changed: Any) -> Dataset:
    """The stand-in, with columns of its third row changed."""
    rows = perception.rows()
    rows[2] |= changed
    return Dataset.from_list(rows)


@pytest.mark.usefixtures("assets")
def test_a_document_has_question_reference_picture_and_its_own_rubric() -> None:
    docs = process_docs(data())
    row, doc = perception.rows()[2], docs[2]
    assert (doc["question_id"], doc["question"], doc["reference"]) == (
        "2", row["instruction"], row["orig_reference_answer"],
    )  # fmt: skip
    assert [docs[n]["image_id"] for n in (0, 2)] == ["train2017/000000000000.jpg", "mmmu/1.png"]
    assert (doc["image"].mode, doc["image"].size) == ("RGB", (32, 24))
    sample = sample_of(doc, "A lantern.")
    assert sample.cluster == "mmmu/1.png"
    assert sample.rubric is not None
    assert sample.rubric.criteria == row["orig_criteria"]
    assert list(sample.rubric.levels) == [row[f"orig_score{n}_description"] for n in range(1, 6)]
    assert len(images_of_doc(doc)) == 1


@needs_shared
@pytest.mark.usefixtures("assets")
def test_the_judge_is_sent_the_prompt_of_the_published_rows(assets: Path) -> None:
    assert SHARED is not None
    path = SHARED / "data" / "prometheus_vision" / "sample_eval_data.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        picture = assets / "perception_bench" / row["image"].removeprefix("../")
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(placeholder_image(picture.name))
    # once as the card describes the column, once as its name says
    for whole in (rows, [row | {"instruction": row["orig_instruction"]} for row in rows]):
        for doc, row in zip(process_docs(Dataset.from_list(whole)), rows, strict=True):
            assert doc["question"] == row["orig_instruction"]
            (message,) = PROTOCOLS["rubric"].messages(sample_of(doc, row["original_response"]))
            assert message["content"] == row["instruction"].replace(
                row["original_response"], row["original_response"].strip()
            )


def test_an_instruction_that_is_no_prompt_stays_as_it_is() -> None:
    assert instruction("Describe it.\n\nIn detail.") == "Describe it.\n\nIn detail."
    prompt = "###Task Description:\nA.\n\n###The instruction to evaluate:\nWhat?\n\nWhy?\n\n###Response to evaluate:\nB"
    assert instruction(prompt) == "What?\n\nWhy?"


@pytest.mark.usefixtures("assets")
@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"orig_score4_description": ""}, "row 2: a rubric does not describe score 4"),
        ({"orig_score1_description": None}, "row 2: a rubric does not describe score 1"),
        ({"orig_criteria": None}, "row 2: a rubric has no criteria"),
    ],
)
def test_a_rubric_without_a_text_is_named_with_its_row(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(DatasetError, match=f"prometheus-eval/Perception-Bench: {problem}"):
        process_docs(data(**changed))


@pytest.mark.usefixtures("assets")
@pytest.mark.parametrize("column", ["image", "instruction", "orig_criteria", "orig_score3_description"])
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(DatasetError, match=f"prometheus-eval/Perception-Bench: column '{column}' is missing"):
        process_docs(data().remove_columns(column))


def test_pictures_that_are_not_there_are_counted_and_the_way_to_them_said(assets: Path) -> None:
    (assets / "perception_bench" / "mmmu" / "1.png").unlink()
    with pytest.raises(DatasetError) as caught:
        process_docs(data())
    message = str(caught.value)
    # two rows share a picture
    assert message.startswith("2 of 12 pictures of Perception-Bench are not there, the first of them mmmu/1.png. ")
    for part in ("mmmu_download.py", "train2017.zip", "perception_bench/ in the folder that LMMS_EVAL_JA_ASSETS names"):
        assert part in message


def test_a_name_cannot_leave_the_folder(assets: Path) -> None:
    (assets / "outside.png").write_bytes(placeholder_image("outside.png"))
    for name in ("../../outside.png", "/outside.png", "../mmmu/../../outside.png"):
        with pytest.raises(DatasetError, match="1 of 12 pictures"):
            process_docs(data(image=name))


def test_another_number_of_rows_is_refused(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA")
    with pytest.raises(DatasetError, match="12 rows, expected 500"):
        process_docs(data())


@pytest.mark.usefixtures("assets")
def test_the_checksum_is_of_instructions_references_and_rubrics() -> None:
    def digest(**changed: Any) -> str | None:
        assert SPEC.whole is not None
        return check_dataset(SPEC.whole(data(**changed)), SPEC).texts_sha256

    plain = digest()
    for column in ("instruction", "orig_reference_answer", "orig_criteria", "orig_score5_description"):
        assert digest(**{column: "Another."}) != plain
