"""JMMMU and JMMMU-Pro: their texts, pictures and marks."""

from __future__ import annotations

from typing import Any

import pytest

from lmms_eval_ja.jp_tasks.dataset import DatasetError, spec_of
from lmms_eval_ja.jp_tasks.jmmmu_ja.task import CULTURE_AGNOSTIC, CULTURE_SPECIFIC, SPEC, culture_of, mark, pictures
from lmms_eval_ja.jp_tasks.jmmmu_ja.texts import (
    named_pictures,
    options_of,
    references_of,
    subject_of,
    with_numbered_pictures,
)
from lmms_eval_ja.jp_tasks.jmmmu_pro_ja.task import standard_docs, vision_docs, vision_to_text
from lmms_eval_ja.jp_tasks.prompts import CHOICE_LINE, choice_to_text
from lmms_eval_ja.jp_tasks.short_answers import ProcessDocs
from support.suite import jmmmu
from support.suite.reading import dataset, of_files


def test_the_subjects_make_the_published_number_of_questions() -> None:
    assert (len(CULTURE_AGNOSTIC), len(CULTURE_SPECIFIC)) == (24, 4)
    assert len(CULTURE_AGNOSTIC) * 30 + len(CULTURE_SPECIFIC) * 150 == SPEC.rows == 1320
    assert (culture_of("Japanese_Art"), culture_of("Math")) == ("culture_specific", "culture_agnostic")


def test_options_are_a_list_in_a_text() -> None:
    assert options_of("['東京', \"It's\", '<image 2>', 3]") == ["東京", "It's", "<image 2>", "3"]


@pytest.mark.parametrize("text", ["", "東京", "[", "{'a': 1}", "[]", "__import__('os')"])
def test_other_options_are_refused(text: str) -> None:
    with pytest.raises(DatasetError, match="options: expected a list of texts"):
        options_of(text)


def test_a_reference_is_a_text_or_several() -> None:
    assert references_of("三角形") == ["三角形"]
    assert references_of("['24/7', '3.429']") == ["24/7", "3.429"]
    assert (references_of("12"), references_of("[]"), references_of("(a")) == (["12"], ["[]"], ["(a"])


def test_placeholders_are_written_alike_and_read_in_their_order() -> None:
    assert with_numbered_pictures("<image1>と<image 2>") == "<image 1>と<image 2>"
    assert named_pictures("<image 2>、<image 1>", "<image 7>", "<image 2>") == [1, 2, 7]
    assert named_pictures("画像なし", "<image 8>") == []


@pytest.mark.parametrize(
    ("question_id", "subject"),
    [("test_Japanese_Art_12", "Japanese_Art"), ("validation_Math_1", "Math")],
)
def test_an_id_names_its_subject(question_id: str, subject: str) -> None:
    assert subject_of(question_id) == subject


def test_an_id_of_another_form_is_refused() -> None:
    with pytest.raises(DatasetError, match="id 'Math1': expected one such as"):
        subject_of("Math1")


def test_the_pictures_that_question_and_options_name_are_sent_in_their_order() -> None:
    doc: dict[str, Any] = {f"image_{n}": f"picture {n}" for n in range(1, 6)} | {"image_6": None, "image_7": None}
    assert pictures(doc | {"question": "<image 3>と<image 1>", "choices": ["<image 2>"]}) == [
        "picture 1",
        "picture 2",
        "picture 3",
    ]
    assert len(pictures(doc | {"question": "どれ？", "choices": []})) == 5


@pytest.mark.parametrize(
    ("answer", "reference", "right"),
    [
        ("三角形", "三角形", True),
        ("答えは三角形です。", "三角形", True),
        ("12000円", "一万二千円", True),
        ("13", "3", False),
        ("四角形", "三角形", False),
    ],
)
def test_an_open_answer_is_right_if_it_gives_the_reference(answer: str, reference: str, right: bool) -> None:
    found = mark({"choices": [], "reference": reference}, answer)
    assert found.read is not None
    assert found.right is right


def test_an_open_answer_may_have_several_references() -> None:
    assert mark({"choices": [], "reference": "['24/7', '3.429']"}, "3.429").right


def test_an_open_answer_of_nothing_is_not_read() -> None:
    assert mark({"choices": [], "reference": "三角形"}, "<think>三角形かな").reason == "unfinished"
    assert mark({"choices": [], "reference": "三角形"}, "").reason == "empty"


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """JMMMU-Pro's, of which there are fewer rows here."""
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    return jmmmu.pro_files()


def test_the_standard_configuration_is_asked_as_jmmmu(files: dict[str, bytes]) -> None:
    docs = standard_docs(of_files(files, "standard"))
    assert len(docs) == 28 * jmmmu.ROWS
    assert choice_to_text(docs[1]) == (
        "<image 1>と<image 2>に共通するものはどれですか（Accounting）？\n"
        "A. 青い歯車1\nB. 赤い旗1\nC. 白い塔1\nD. 黒い箱1\nE. 金の鈴1\n\n"
        "与えられた選択肢の中から最も適切な回答のアルファベットを直接記入してください。"
    )
    assert len(pictures(docs[1])) == 2
    # The first two questions of a subject share their picture.
    assert docs[0]["image_id"] == docs[1]["image_id"] != docs[2]["image_id"]
    assert docs[0]["parts"] == ["culture_agnostic"]


def test_the_vision_configuration_asks_only_to_look(files: dict[str, bytes]) -> None:
    docs = vision_docs(of_files(files, "vision"))
    assert "choices" in docs.column_names
    assert set(map(vision_to_text, docs)) == {f"画像に書かれている問題に答えてください。{CHOICE_LINE}"}
    assert len(set(docs["image_id"])) == len(docs)


@pytest.mark.parametrize(
    ("process_docs", "config", "column"),
    [
        (standard_docs, "standard", "question"),
        (standard_docs, "standard", "image_1"),
        (vision_docs, "vision", "image"),
        (vision_docs, "vision", "answer"),
    ],
)
def test_a_changed_schema_is_named(
    process_docs: ProcessDocs, config: str, column: str, files: dict[str, bytes]
) -> None:
    data = of_files(files, config).remove_columns(column)
    with pytest.raises(DatasetError, match=f"JMMMU/JMMMU-Pro, {config}: column '{column}' is missing"):
        process_docs(data)
    assert spec_of(process_docs).name == f"JMMMU/JMMMU-Pro, {config}"


def test_the_number_of_rows_is_checked() -> None:
    rows = [{"id": "test_Math_1", "options": "['a', 'b']", "answer": "A", "image": "a.png"}]
    few = dataset({"id": "string", "image": "image", "options": "string", "answer": "string"}, rows)
    with pytest.raises(DatasetError, match="1 rows, expected 1320"):
        vision_docs(few)
