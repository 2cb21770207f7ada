"""All strings of the page stand in one table, in both languages, and none is asked for that is not there."""

from __future__ import annotations

import inspect
import re
from importlib.resources import files

import pytest

from lmms_eval_ja.compare import marks, scored
from lmms_eval_ja.compare.report.writing import strings_table

STATIC = files("lmms_eval_ja.compare.report") / "static"
SCRIPTS = {entry.name: entry.read_text(encoding="utf-8") for entry in STATIC.iterdir() if entry.name.endswith(".js")}
#: Keys that are put together from parts: the page asks for them only where they exist, or the parts are fixed.
COMPOSED = re.compile(r"^(metric|mark|said|source|page|judges)\.")
TABLE = strings_table()


def test_both_languages_say_everything():
    for key, texts in TABLE.items():
        assert set(texts) == {"en", "ja"}, key
        assert all(text.strip() for text in texts.values()), key


def test_both_languages_have_the_same_gaps_to_fill():
    for key, texts in TABLE.items():
        assert set(re.findall(r"\{(\w+)\}", texts["en"])) == set(re.findall(r"\{(\w+)\}", texts["ja"])), key


def test_japanese_is_japanese():
    same = {key for key, texts in TABLE.items() if texts["en"] == texts["ja"]}
    assert same <= {"metric.rouge_l_ja"}


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_every_string_that_is_asked_for_is_there(name):
    asked = re.findall(r"""\bt\(\s*['"]([\w.]+)['"]""", SCRIPTS[name])
    assert [key for key in asked if key not in TABLE] == []


def test_every_string_is_asked_for():
    quoted = set(re.findall(r"""['"]([\w.]+)['"]""", "\n".join(SCRIPTS.values())))
    assert [key for key in TABLE if key not in quoted and not COMPOSED.match(key)] == []


def test_no_text_of_the_page_stands_outside_the_table():
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
    found = {name: japanese.findall(text) for name, text in SCRIPTS.items() if name != "strings.js"}
    # The switch of languages names each in its own.
    assert {name for name, letters in found.items() if letters} == {"main.js"}
    assert "".join(found["main.js"]) == "日本語"


def test_sentences_that_are_translated_are_still_said_so():
    said = [texts["en"] for key, texts in TABLE.items() if key.startswith("said.")]
    spoken = inspect.getsource(marks) + inspect.getsource(scored) + f"{marks.CONTAMINATED}; not ranked"
    assert [text for text in said if text not in spoken] == []
