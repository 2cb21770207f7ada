"""MECHA-ja: four rotations of the options, and reading them back."""

from __future__ import annotations

from typing import Any

import pytest

from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.mecha_ja.task import all_rotations, consistency, mark, process_docs, process_results
from lmms_eval_ja.jp_tasks.prompts import doc_to_visual
from lmms_eval_ja.metrics import failed_generation
from support.suite import mecha
from support.suite.reading import of_files


@pytest.fixture
def _any_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")


def documents() -> Any:
    return process_docs(of_files(mecha.files(), "data"))


@pytest.mark.usefixtures("_any_data")
def test_each_question_comes_in_four_rotations_one_after_the_other() -> None:
    docs = documents()
    assert list(docs["question_id"][:5]) == ["m0_r0", "m0_r1", "m0_r2", "m0_r3", "m1_r0"]
    assert docs[4]["choices"] == ["こけし", "風鈴", "うちわ", "扇子"]
    assert docs[5]["choices"] == ["風鈴", "うちわ", "扇子", "こけし"]
    assert [doc["reference"] for doc in docs.select(range(4, 8))] == ["B", "A", "D", "C"]
    right = [doc["choices"]["ABCD".index(doc["reference"])] for doc in docs]
    assert all(right[n] == right[n - n % 4] for n in range(len(right)))


@pytest.mark.usefixtures("_any_data")
def test_the_rotations_of_a_question_share_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    docs = documents()
    assert len(set(docs["image_id"])) == mecha.ROWS // 2
    plain = [doc_to_visual(docs[n])[0].tobytes() for n in range(9)]
    assert len(set(plain)) == 2
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    other = [doc_to_visual(doc)[0].tobytes() for doc in documents().select(range(9))]
    assert len(set(other[:8])) == 1
    assert all(one != two for one, two in zip(plain, other, strict=True))


@pytest.mark.usefixtures("_any_data")
def test_an_answer_is_read_back_to_the_option_before_it_was_rotated() -> None:
    docs = documents()
    # The options of m1 begin with こけし; rotated by one, こけし is D.
    assert [mark(docs[4 + rotation], "こけしです。").read for rotation in range(4)] == ["A"] * 4
    assert [mark(docs[4 + rotation], "A").read for rotation in range(4)] == ["A", "B", "C", "D"]


def items_of(metric: str, answers: list[str]) -> list[Any]:
    docs = documents()
    return [process_results(docs[n], [answer])[metric] for n, answer in enumerate(answers)]


@pytest.mark.usefixtures("_any_data")
@pytest.mark.parametrize(
    ("answers", "consistent", "all_right"),
    [
        (["A", "D", "C", "B"], 100, 100),  # m0's right option is the first
        (["B", "A", "D", "C"], 100, 0),  # always the second option, which is wrong
        (["A", "A", "A", "A"], 0, 0),
        (["A", "D", "C", "？"], 0, 0),
        (["？", "？", "？", "？"], 0, 0),
    ],
)
def test_consistency_is_agreement_over_the_rotations(answers: list[str], consistent: float, all_right: float) -> None:
    assert consistency(items_of("consistency", answers)) == consistent
    assert all_rotations(items_of("all_rotations", answers)) == all_right


@pytest.mark.usefixtures("_any_data")
def test_the_order_of_the_items_does_not_matter_nor_does_asking_twice() -> None:
    answers = ["A", "D", "C", "B", "A", "A", "A", "A"]
    items = items_of("consistency", answers)
    items = [items[n] for n in (5, 0, 3, 7, 1, 6, 2, 4)]
    assert (consistency(items), consistency(items)) == (50, 50)
    assert {item["influence"] for item in items} == {0, 100}


@pytest.mark.usefixtures("_any_data")
def test_a_question_of_which_a_rotation_is_missing_says_nothing() -> None:
    score = consistency(items_of("consistency", ["A", "D", "C", "B", "A", "A"]))
    assert (score, score.report.n) == (100, 4)


@pytest.mark.usefixtures("_any_data")
@pytest.mark.parametrize(("metric", "over"), [("consistency", consistency), ("all_rotations", all_rotations)])
def test_a_question_of_which_a_rotation_failed_fails_as_a_whole(metric: str, over: Any) -> None:
    items = items_of(metric, ["A", failed_generation("no memory"), "C", "B", "A", "D", "C", "B"])
    score = over(items)
    assert (score.report.scored, dict(score.report.failures)) == (4, {"generation": 4})
    assert [item.value for item in items[:4]] == [None] * 4
    assert score.report.incomplete


def test_the_number_of_rows_is_checked() -> None:
    with pytest.raises(DatasetError, match="12 rows, expected 1818"):
        documents()


@pytest.mark.usefixtures("_any_data")
def test_a_question_without_four_options_is_named() -> None:
    rows = [mecha.rows()[0] | {"options": ["だるま", "こけし", "風鈴"]}]
    with pytest.raises(DatasetError, match="question m0 does not have 4 options"):
        process_docs(of_files(mecha.files(rows), "data"))
