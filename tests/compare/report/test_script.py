"""Data as scripts: nothing that a text holds ends the string, the line or the element it stands in."""

from __future__ import annotations

import json
import math

import pytest

from lmms_eval_ja.compare.report.script import as_script, number, write_script

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "a\u2028b\u2029c",
    "\ud800 alone",
    "\x00\x1b[31m",
    '"\\',
    "&amp;",
]


def read(script: bytes):
    text = script.decode("utf-8")
    begin = 'Report.receive("it",'
    assert text.startswith(begin)
    assert text.endswith(");\n")
    return text, json.loads(text[len(begin) : -3])


@pytest.mark.parametrize("text", HOSTILE)
def test_text_comes_back_and_cannot_break_out(text):
    script, value = read(as_script("it", {"t": text}))
    assert value == {"t": text}
    assert not set("<>&\u2028\u2029\x00\x1b") & set(script)


def test_half_a_pair_is_written_as_json_would():
    assert b"\\ud800" in as_script("it", "\ud800")


def test_no_number_is_refused_before_it_is_written():
    with pytest.raises(ValueError, match="JSON compliant"):
        as_script("it", math.nan)


@pytest.mark.parametrize(
    ("value", "short"),
    [(None, None), (math.nan, None), (math.inf, None), (7.0, 7), (1 / 3, 0.333333), (-0.5, -0.5), (1e20, 1e20)],
)
def test_numbers_are_short(value, short):
    assert number(value) == short
    assert isinstance(number(7.0), int)


def test_a_file_is_named_by_what_it_holds(tmp_path):
    assert write_script(tmp_path, "answers/0-1", [1]) == (tmp_path / "answers" / "0-1.js").stat().st_size
