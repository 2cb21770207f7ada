"""JAMMEval, BusinessSlideVQA, HakushoBench, JA-Multi-Image-VQA: what is asked, and data of another form."""

from __future__ import annotations

import pytest

from lmms_eval_ja.jp_tasks.business_slide_vqa.task import process_docs as slides
from lmms_eval_ja.jp_tasks.dataset import DatasetError, spec_of
from lmms_eval_ja.jp_tasks.hakusho_bench.task import process_docs as hakusho
from lmms_eval_ja.jp_tasks.ja_multi_image_vqa.task import process_docs as multi_image
from lmms_eval_ja.jp_tasks.jammeval import task as jammeval
from lmms_eval_ja.jp_tasks.prompts import choice_to_text, doc_to_text, doc_to_visual, short_to_text
from lmms_eval_ja.jp_tasks.short_answers import distinct_ids
from support.suite import multi, short
from support.suite.reading import dataset, of_files

OPEN = {
    "CC-OCR-JA-Refined": (jammeval.cc_ocr, 145),
    "Heron-Bench-Refined": (jammeval.heron_bench, 88),
    "JA-Multi-Image-VQA-Refined": (jammeval.ja_multi_image_vqa, 53),
    "JA-VLM-Bench-Refined": (jammeval.ja_vlm_bench, range(40, 51)),
    "JDocQA-Refined": (jammeval.jdocqa, range(941, 1177)),
    "JGraphQA-Refined": (jammeval.jgraphqa, range(160, 201)),
}


@pytest.fixture
def _any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-ins have fewer rows than the benchmarks."""
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")


@pytest.mark.parametrize("config", OPEN)
def test_each_configuration_has_a_spec_of_its_own(config: str) -> None:
    process_docs, rows = OPEN[config]
    spec = spec_of(process_docs)
    assert (spec.name, spec.rows) == (f"llm-jp/JAMMEval, {config}", rows)


@pytest.mark.parametrize("config", OPEN)
@pytest.mark.usefixtures("_any_size")
def test_the_refined_sets_are_asked_with_their_closing_line(config: str) -> None:
    docs = OPEN[config][0](of_files(short.jammeval_files(), config))
    assert short_to_text(docs[1]) == (
        f"{config}の図0の1番目に示されているものは何ですか？\n上記の質問に対して、正確かつ簡潔に答えてください。"
    )
    assert list(docs["question_id"]) == [str(3 * n) for n in range(short.ROWS)]
    assert docs[0]["image_id"] == docs[1]["image_id"] != docs[2]["image_id"]
    assert len(doc_to_visual(docs[0])) == (2 if "Multi" in config else 1)


@pytest.mark.usefixtures("_any_size")
def test_refined_cvqa_is_asked_with_letters() -> None:
    docs = jammeval.cvqa(of_files(short.jammeval_files(), "CVQA-JA-Refined"))
    assert choice_to_text(docs[1]).startswith("1番の写真に写っているのは何ですか？\nA. 味噌汁0\nB. 桜1\n")
    assert [docs[n]["reference"] for n in range(4)] == ["A", "B", "C", "D"]
    assert docs[0]["category"] == "Cooking and food"


@pytest.mark.usefixtures("_any_size")
def test_a_right_option_that_is_none_of_the_options_is_refused() -> None:
    rows = short.cvqa_rows()
    rows[3]["answer"] = 4
    with pytest.raises(DatasetError, match="answer is 4, which is none of the options"):
        jammeval.cvqa(dataset(short.CVQA, rows))


@pytest.mark.parametrize("column", ["original_id", "image", "question", "answer"])
def test_a_missing_column_is_named(column: str) -> None:
    data = of_files(short.jammeval_files(), "JDocQA-Refined").remove_columns(column)
    with pytest.raises(DatasetError, match=f"llm-jp/JAMMEval, JDocQA-Refined: column '{column}' is missing"):
        jammeval.jdocqa(data)


def test_another_number_of_rows_is_refused() -> None:
    with pytest.raises(DatasetError, match="12 rows, expected 145"):
        jammeval.cc_ocr(of_files(short.jammeval_files(), "CC-OCR-JA-Refined"))
    with pytest.raises(DatasetError, match="12 rows, expected 2053 to 10265"):
        hakusho(dataset(short.SHORT, short.hakusho_rows()))
    with pytest.raises(DatasetError, match="12 rows, expected 220"):
        slides(dataset(short.SLIDE, short.slide_rows()))
    with pytest.raises(DatasetError, match="12 rows, expected 55"):
        multi_image(dataset(multi.FEATURES, multi.rows()))


def test_a_revision_of_hakusho_bench_without_pictures_is_refused() -> None:
    data = dataset(short.SHORT, short.hakusho_rows()).rename_column("image", "image_url")
    with pytest.raises(DatasetError, match="column 'image' is missing"):
        hakusho(data)


@pytest.mark.usefixtures("_any_size")
def test_questions_on_several_pictures_lose_their_placeholders() -> None:
    docs = multi_image(dataset(multi.FEATURES, multi.rows()))
    assert doc_to_text(docs[2]) == "写真の図1の2番目に示されているものは何ですか？"
    assert [len(doc_to_visual(docs[n])) for n in (0, 2)] == [2, 3]
    assert docs[0]["image_id"] == docs[1]["image_id"] != docs[2]["image_id"]
    assert list(docs["question_id"]) == [str(n) for n in range(len(docs))]


def test_ids_that_come_again_are_told_apart() -> None:
    assert distinct_ids([7, 8, 7, 9, 7]) == ["7_0", "8", "7_1", "9", "7_2"]
    assert distinct_ids(["a", "b"]) == ["a", "b"]
    assert distinct_ids([]) == []
