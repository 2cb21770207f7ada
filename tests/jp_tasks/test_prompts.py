"""What models are asked."""

from __future__ import annotations

import pytest

from lmms_eval_ja.jp_tasks.prompts import choice_to_text, doc_to_target, doc_to_text, doc_to_visual, lettered
from support.benchmarks import placeholder_image
from support.suite.reading import dataset


def test_a_question_with_options_is_asked_in_full() -> None:
    doc = {"question": "これは何ですか？", "choices": ["だるま", "こけし"]}
    assert choice_to_text(doc) == (
        "これは何ですか？\nA. だるま\nB. こけし\n\n"
        "与えられた選択肢の中から最も適切な回答のアルファベットを直接記入してください。"
    )


def test_an_open_question_is_asked_in_full() -> None:
    asked = choice_to_text({"question": "面積はいくつですか？", "choices": []})
    assert asked == "面積はいくつですか？\n\n質問に対する回答を単語や短いフレーズで記入してください。"


def test_a_bare_question_stays_as_it_is() -> None:
    assert doc_to_text({"question": "何色？"}) == "何色？"


def test_the_target_is_the_reference_or_else_the_answer() -> None:
    assert doc_to_target({"reference": "B", "answer": 1}) == "B"
    assert doc_to_target({"answer": "赤"}) == "赤"


def test_more_options_than_letters_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        lettered(["x"] * 27)


def test_one_picture_or_several_in_rgb() -> None:
    (one,) = dataset({"image": "image"}, [{"image": placeholder_image("a.png", (20, 10))}])
    assert [(p.mode, p.size) for p in doc_to_visual(one)] == [("RGB", (20, 10))]
    (many,) = dataset({"images": "images"}, [{"images": ["a.png", "b.png"]}])
    assert [p.mode for p in doc_to_visual(many)] == ["RGB", "RGB"]
    assert doc_to_visual({"question": "？"}) == []
