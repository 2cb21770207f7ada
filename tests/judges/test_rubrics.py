"""The library of rubrics, files of one's own, and documents that get one."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.judges import PROTOCOLS, Rubric, sample_of
from lmms_eval_ja.judges.rubrics import FOLDER, RubricError, load_rubric, rubrics, with_rubric
from lmms_eval_ja.metrics import japanese_share

#: What the library is to have a rubric for.
WANTED = {
    "factual_correctness",
    "cultural_knowledge",
    "text_reading",
    "completeness",
    "naturalness",
    "groundedness",
    "instruction_following",
}
DOCS = {"id": [1, 2], "question": ["何？", "なぜ？"], "answer": ["松", "春だから"], "category": ["conv", "complex"]}


def own(folder: Path, text: str, name: str = "own.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def stated(**levels: str) -> str:
    described = {str(n): f"{n}点の説明" for n in range(1, 6)} | {name[1:]: text for name, text in levels.items()}
    return "criteria: 色は正しいか。\nlevels:\n" + "".join(f"  {n}: {text}\n" for n, text in described.items() if text)


# --- the library ---


def test_the_library_has_what_it_is_to_have():
    assert rubrics().keys() == WANTED == {path.stem for path in FOLDER.glob("*.yaml")}
    assert all(rubric.name == name == load_rubric(name).name for name, rubric in rubrics().items())


def test_every_text_of_the_library_is_japanese_and_stands_once():
    texts = [text for rubric in rubrics().values() for text in (rubric.criteria, *rubric.levels)]
    assert len(set(texts)) == len(texts) == 6 * len(WANTED)
    for text in texts:
        assert text.endswith("。"), text
        assert japanese_share(text) > 0.9, text
        assert "  " not in text, text


def test_a_judge_that_is_shown_no_picture_is_told_what_to_go_by():
    of_pictures = {name: rubric.criteria for name, rubric in rubrics().items() if "画像" in rubric.criteria}
    assert of_pictures.keys() >= {"factual_correctness", "groundedness", "text_reading"}
    assert [name for name, criteria in of_pictures.items() if "参照回答" not in criteria] == []


def test_half_of_the_points_is_one_level():
    assert [n for n, text in enumerate(rubrics()["completeness"].levels, start=1) if "半分以上" in text] == [3]


def test_no_text_of_the_library_is_changed_by_the_prompt():
    protocol = PROTOCOLS["rubric"]
    for text in chain.from_iterable((rubric.criteria, *rubric.levels) for rubric in rubrics().values()):
        assert protocol.quoted(text) == text


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(
        RubricError, match=r"unknown rubric 'speed'; expected one of completeness, .*, text_reading, or a"
    ):
        load_rubric("speed")
    with pytest.raises(RubricError, match="unknown rubric"):
        load_rubric("../rubrics/completeness")


# --- a file of one's own ---


def test_a_file_of_ones_own(tmp_path: Path):
    path = own(tmp_path, stated(), "colour.yaml")
    expected = Rubric("色は正しいか。", tuple(f"{n}点の説明" for n in range(1, 6)), "colour")
    assert load_rubric(path) == load_rubric(str(path)) == expected


@pytest.mark.parametrize("missing", range(1, 6))
def test_a_level_that_is_missing_is_named_with_the_file(tmp_path: Path, missing: int):
    for text in ("", "''", "' '", "null"):
        path = own(tmp_path, stated(**{f"n{missing}": text}), f"{len(text)}.yaml")
        with pytest.raises(RubricError) as caught:
            load_rubric(path)
        assert str(caught.value) == f"{path}: score {missing} is not described: each of 1 to 5 needs a description"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (stated(n4="5点の説明"), "scores 4 and 5 have the same description"),
        (stated(n0="零点"), "levels describes a score 0; expected 1 to 5"),
        (stated(n6="六点"), "levels describes a score 6; expected 1 to 5"),
        (stated().replace("5:", "five:"), "levels describes a score 'five'; expected 1 to 5"),
        (stated().replace("色は正しいか。", "''"), "rubric 'own' has no criteria"),
        (stated().replace("色は正しいか。", "[a]"), "criteria must be a text, not list"),
        ("criteria: 色\nlevels: [a, b, c, d, e]", "levels must describe scores 1 to 5 by number, found list"),
        ("criteria: 色", "expected criteria and levels, found criteria"),
        (stated() + "weight: 2\n", "expected criteria and levels, found criteria, levels, weight"),
        ("色", "expected criteria and levels, found str"),
        (stated() + "  3: 別の説明\n", "line 8: 3 stands a second time"),
        (stated() + "criteria: 別の基準\n", "line 8: criteria stands a second time"),
        ("a: [", "cannot be read: while parsing"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, problem: str):
    path = own(tmp_path, text)
    with pytest.raises(RubricError) as caught:
        load_rubric(path)
    assert str(caught.value).startswith(f"{path}: {problem}")


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(RubricError, match="there is no such file"):
        load_rubric(tmp_path / "none.yaml")


# --- the page about them ---

DOCS_FOLDER = Path(__file__).resolve().parents[2] / "docs"
PAGES = [(DOCS_FOLDER / name).read_text(encoding="utf-8") for name in ("rubrics.md", "rubrics.ja.md")]


@pytest.mark.parametrize("page", PAGES, ids=["English", "Japanese"])
def test_the_page_lists_the_library_and_its_file_can_be_read(page: str, tmp_path: Path):
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == WANTED
    own_file, task_yaml = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert load_rubric(own(tmp_path, own_file)).criteria == "図表の数値を正しく読み取り、質問に合う単位で答えているか。"
    assert "score_rubric" in task_yaml


def test_both_pages_say_the_same():
    shapes = [re.findall(r"^(#+ |- \[ \]|```\w*|\| |- )", page, re.MULTILINE) for page in PAGES]
    assert shapes[0] == shapes[1]


# --- documents ---


def samples(dataset: Any) -> list[Any]:
    return [sample_of(doc, "松").rubric for doc in dataset]


def test_all_documents_get_one(tmp_path: Path):
    docs = Dataset.from_dict(DOCS)
    assert samples(with_rubric(docs, "completeness")) == [load_rubric("completeness")] * 2
    path = own(tmp_path, stated())
    replaced = with_rubric(with_rubric(docs, "completeness"), path)
    assert samples(replaced) == [load_rubric(path)] * 2
    given = Rubric("色。", ("一", "二", "三", "四", "五"))
    assert samples(with_rubric(docs, given)) == [given] * 2
    assert replaced.column_names == [*DOCS, "rubric"]


def test_or_each_category_its_own():
    docs = with_rubric(Dataset.from_dict(DOCS), {"conv": "text_reading", "complex": "groundedness"})
    assert samples(docs) == [load_rubric("text_reading"), load_rubric("groundedness")]


def test_a_category_without_a_rubric_is_named_with_its_row():
    docs = Dataset.from_dict(DOCS)
    with pytest.raises(RubricError, match="row 1: no rubric for category 'complex'; there are some for conv, detail"):
        with_rubric(docs, {"conv": "text_reading", "detail": "completeness"})
    with pytest.raises(RubricError, match="needs the column category; found id, question, answer"):
        with_rubric(docs.remove_columns("category"), {"conv": "text_reading"})
