from __future__ import annotations

import pytest

from lmms_eval_ja.judges import (
    MetricItem,
    comparing,
    grading,
    missing_columns,
    protocols_of,
    reset_engine,
    sample_of,
    score_ja_pairwise,
    score_original,
    score_rouge_l,
    score_vqa_likert,
    together,
)
from lmms_eval_ja.metrics import failed_generation

DOC = {"question_id": 7, "question": "何色ですか？", "answer": "白色", "image_id": 3, "category": "conv"}


@pytest.fixture(autouse=True)
def by_overlap(monkeypatch):
    """The process's engine judges by overlap: no network."""
    reset_engine()
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE", "overlap")
    yield
    reset_engine()


# --- documents ---


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        ({"question_id": 7, "question": "問", "reference": "正"}, ("7", "問", "正", "", "", "")),
        ({"qa_id": 7, "text": "問", "answer": "正"}, ("7", "問", "正", "", "", "")),
        ({"id": "a-7", "prompt": "問", "target": "正"}, ("a-7", "問", "正", "", "", "")),
        # the first of the names that is there
        (
            {"question_id": 1, "id": 2, "question": "問", "text": "文", "reference": "正", "answer": "答"},
            ("1", "問", "正", "", "", ""),
        ),
        # a column of Nones is not there
        ({"question_id": None, "id": 0, "question": "問", "answer": 0}, ("0", "問", "0", "", "", "")),
        (
            {"id": 1, "question": "", "answer": "正", "context": "図", "category": "conv", "image_id": 5},
            ("1", "", "正", "図", "conv", "5"),
        ),
        ({"id": 1, "question": "問", "answer": "正", "image_name": "5.jpg"}, ("1", "問", "正", "", "", "5.jpg")),
    ],
)
def test_a_document_is_read_by_conventional_names(doc, expected):
    sample = sample_of(doc, "答え")
    found = (sample.sample_id, sample.question, sample.reference, sample.context, sample.category, sample.cluster)
    assert found == expected
    assert sample.answer == "答え"


@pytest.mark.parametrize(
    ("columns", "lack"),
    [
        (["question", "answer"], "no column for the sample_id: expected one of question_id, qa_id, id"),
        (["id", "answer"], "no column for the question: expected one of question, text, prompt"),
        (["id", "text", "gold"], "no column for the reference: expected one of reference, answer, target"),
    ],
)
def test_a_missing_column_is_named(columns, lack):
    assert missing_columns(columns) == f"{lack}; found {', '.join(columns)}"
    with pytest.raises(KeyError, match=lack):
        sample_of(dict.fromkeys(columns, "x"), "答え")


def test_nothing_is_missing():
    assert missing_columns(["id", "text", "target"]) is None


@pytest.mark.parametrize("value", [{"gpt-4": "白"}, ["白"], ("白",)])
def test_a_column_of_several_texts_is_no_reference(value):
    with pytest.raises(TypeError, match=rf"the column answer holds a {type(value).__name__}"):
        sample_of({"id": 1, "question": "問", "answer": value}, "答え")


# --- metrics ---


def test_what_a_comparing_protocol_gives():
    found = comparing("ja_pairwise")(DOC | {"image_category": "anime"}, ["白色"])
    assert list(found) == ["verdict_ja_pairwise", "overall", "model_mean", "reference_mean", "conv", "anime"]
    verdict = found.pop("verdict_ja_pairwise")
    assert (verdict["score"], verdict["reference_score"], verdict["protocol"]) == (10, 10, "ja_pairwise")
    assert all(item.verdict is verdict for item in found.values())
    assert len({id(item) for item in found.values()}) == 5
    for item in found.values():
        assert dict(item) == {"cluster": "3", "category": "conv"}
        assert (item.sample_id, item.answer, item.category) == ("7", "白色", "conv")


def test_without_categories_there_are_no_metrics_of_categories():
    doc = {name: value for name, value in DOC.items() if name != "category"}
    assert list(comparing("ja_pairwise")(doc, ["白色"])) == [
        "verdict_ja_pairwise",
        "overall",
        "model_mean",
        "reference_mean",
    ]
    assert list(comparing("ja_pairwise")(DOC | {"image_category": "conv"}, ["白色"]))[4:] == ["conv"]


def test_what_a_grading_protocol_gives():
    found = grading("vqa_likert")(DOC, ["車は白色です。"])
    assert list(found) == ["verdict_vqa_likert", "judge_mean"]
    # ROUGE-L 1/3 over 1 to 5
    assert found["judge_mean"].scores(0)[0] == pytest.approx(1 + 4 / 3)
    assert list(grading("vqa_likert", "marks")(DOC, ["白色"])) == ["verdict_vqa_likert", "marks"]


def test_only_the_first_result_counts():
    assert grading("vqa_likert")(DOC, ["白色", "黒色"])["judge_mean"].answer == "白色"


def test_rouge_l_of_an_answer():
    item = score_rouge_l(DOC, ["車は白色です。"])["rouge_l_ja"]
    assert isinstance(item, MetricItem)
    assert item.value == pytest.approx(100 / 3)
    assert dict(item) == {"cluster": "3", "category": "conv", "rouge_l": item.value}
    assert (item.failed(), item.verdict, item.category, item.sample_id) == (None, None, "conv", "7")


def test_rouge_l_of_an_empty_answer_is_0_and_of_a_failed_generation_nothing():
    assert score_rouge_l(DOC, [""])["rouge_l_ja"].value == 0
    item = score_rouge_l(DOC, [failed_generation("メモリ不足")])["rouge_l_ja"]
    assert (item.value, item.failed(), dict(item)) == (None, "generation", {"cluster": "3", "category": "conv"})


def test_a_failed_generation_has_a_verdict_of_its_own():
    found = score_vqa_likert(DOC, [failed_generation("メモリ不足")])
    assert found["verdict_vqa_likert"]["reason"] == "メモリ不足"
    assert found["judge_mean"].failed() == "generation"


def test_together_puts_metrics_side_by_side():
    both = together(score_rouge_l, score_vqa_likert, score_ja_pairwise)
    assert list(both(DOC, ["白色"])) == [
        "rouge_l_ja",
        "verdict_vqa_likert",
        "judge_mean",
        "verdict_ja_pairwise",
        "overall",
        "model_mean",
        "reference_mean",
        "conv",
    ]


def test_a_function_says_which_protocols_it_judges_with():
    assert protocols_of(score_original) == ("original",)
    assert protocols_of(score_rouge_l) == ()
    assert protocols_of(together(score_rouge_l, score_vqa_likert, score_ja_pairwise)) == ("vqa_likert", "ja_pairwise")
    assert protocols_of(together(together(score_original), score_rouge_l)) == ("original",)
    assert protocols_of(print) == ()


@pytest.mark.parametrize("make", [comparing, grading])
def test_an_unknown_protocol_is_told_when_the_function_is_made(make):
    with pytest.raises(ValueError, match="unknown protocol 'heron'"):
        make("heron")
