"""Markdown and HTML of a card whose texts are hostile."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.compare.finished import SamplesError
from lmms_eval_ja.judge_carding.content import agreement_of, as_json
from lmms_eval_ja.judge_carding.gathering import spread
from lmms_eval_ja.judge_carding.words import DETAILS, LANGUAGES, PROBES, VERDICTS, WORDS
from lmms_eval_ja.judge_carding.writing import as_html, as_markdown, write_card
from lmms_eval_ja.judges.probes import PROBES as ALL_PROBES
from lmms_eval_ja.judges.sample import Sample
from support.browser import browser

_HOSTILE = "<script>alert(1)</script>|*x*\n[a](b)\"'"


def card(**more: Any) -> dict[str, Any]:
    """A card with a probe of each verdict."""
    common = {"reason": "", "threshold": 0.05, "side": "above", "failures": {}, "image_is_described": False}
    numbers = {"effect": 0.28, "ci_low": 0.2, "ci_high": 0.36, "p": 0.001, "adjusted_p": 0.005, "n": 40, "wanted": 40}
    none = dict.fromkeys(numbers) | {"n": 0, "wanted": 0}
    probes = [
        {"name": "verbosity", "verdict": "found", "clusters": 10, "details": {"points": 2.55}, **numbers, **common},
        {"name": "retest", "verdict": "not found", "clusters": 10, "details": {"alpha": None}, **numbers, **common},
        {"name": "image", "verdict": "not applicable", "clusters": 0, "details": {}, **none, **common}
        | {"reason": _HOSTILE},
    ]
    return {
        "judge": _HOSTILE,
        "models": [_HOSTILE],
        "is_open": True,
        "warnings": [_HOSTILE],
        "protocol": {"protocol": "ja_pairwise", "version": 1, "prompt_sha256": "0" * 64},
        "scale": [1, 10],
        "judging": {"judge": "x", "sampling": {"temperature": 0}, "repeats": 1},
        "tasks": ["ja_sample"],
        "answers": 40,
        "images": 10,
        "scored": 40,
        "mean": 5.25,
        "agreement": None,
        "probes": probes,
        "requests": 560,
        "usd": None,
        **more,
    }


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_runs_and_loads_nothing() -> None:
    page = as_html(card())
    parsed = _Tags(page)
    assert not {"script", "img", "link", "iframe", "object"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name in {"src", "style"}]
    assert {value for name, value in parsed.attributes if name == "href"} == {"#en", "#ja"}
    (style,) = re.findall(r"<style>(.*)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page
    assert "prefers-color-scheme: dark" in style
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_markdown_has_no_markup_of_others() -> None:
    text = as_markdown(card())
    assert "<script>" not in text
    assert "\\[a\\](b)" in text
    assert "0.005" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    columns = {len(re.findall(r"(?<!\\)\|", line)) - 1 for line in tables}
    assert columns == {2, 3, 6}


@pytest.mark.parametrize("write", [as_html, as_markdown])
def test_both_languages_say_what_was_found(write: Any) -> None:
    text = write(card())
    for words in (
        "found",
        "あり",
        "見つからない",
        "対象外",
        "+28.0 % (20.0 to 36.0)",
        "+28.0 % (20.0 〜 36.0)",
        "5.25",
    ):
        assert words in text


def test_what_an_image_probe_cannot_tell_stands_below_it() -> None:
    blind, _, not_made = card()["probes"]
    made = blind | {"name": "image", "side": "below threshold", "details": {"asked_again": 0.31}}
    text = as_markdown(card(probes=[made]))
    for words in ("from one whose scores move by chance", "見分けられません"):
        assert words in text
    assert "| the same of asking again with nothing changed | 0.31 |" in text
    without = as_markdown(card(probes=[blind, not_made | {"side": "below threshold"}]))
    assert "scores move by chance" not in without


def test_agreement_is_shown_or_its_lack() -> None:
    assert "without agreement data for Japanese" in as_markdown(card())
    own = {"value": 0.71, "ci_low": 0.62, "ci_high": 0.79}
    known = {"file": "eval.json", "tasks": ["ja_sample"], "raters": 2, "answers": 60, "images": 10}
    text = as_markdown(card(agreement=known | {"statistics": {"pearson": own}}, warnings=[]))
    assert "| pearson | 0.71 (0.62 to 0.79) |" in text
    assert "without agreement data" not in text


def test_agreement_is_that_of_the_judge_and_protocol(tmp_path: Path) -> None:
    one: dict[str, Any] = {"value": 0.7, "ci_low": 0.6, "ci_high": 0.8, "why_none": None, "why_no_interval": None}
    agreement = {"n": 60, "n_clusters": 10, "statistics": {"pearson": one}}
    content = {"tasks": ["t"], "raters": ["a"], "judges": [{"judge": "j", "protocol": "p", "agreement": agreement}]}
    path = tmp_path / "eval.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    found = agreement_of(path, "j", "p")
    assert found is not None
    assert (found["answers"], found["statistics"]["pearson"]["value"]) == (60, 0.7)
    assert agreement_of(path, "j", "other") is None
    assert agreement_of(path, "other", "p") is None
    one["ci_low"] = "high"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SamplesError, match="is no file of `lmms-eval-ja judge-eval --json`"):
        agreement_of(path, "j", "p")


def test_the_files_are_the_same_for_the_same_card(tmp_path: Path) -> None:
    write_card(card(), tmp_path)
    assert json.loads((tmp_path / "card.json").read_text(encoding="utf-8")) == card()
    assert (tmp_path / "card.json").read_text(encoding="utf-8") == as_json(card())
    assert (tmp_path / "card.html").read_text(encoding="utf-8") == as_html(card())


def test_every_word_is_there_in_both_languages() -> None:
    assert set(PROBES) == set(ALL_PROBES)
    for table in (WORDS, VERDICTS, PROBES, DETAILS):
        assert all(len(words) == len(LANGUAGES) and all(words) for words in table.values())


def test_a_limit_takes_answers_of_all_images() -> None:
    samples = [Sample(f"s{at}", "q", "a", cluster=f"i{at // 4}") for at in range(12)]
    assert [one.sample_id for one in spread(samples, 4)] == ["s0", "s1", "s4", "s8"]
    assert spread(samples, 99) == samples


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_card(tmp_path: Path, scheme: str) -> None:
    write_card(card(), tmp_path)
    with browser() as chromium:
        page = chromium.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((tmp_path / "card.html").as_uri())
        assert page.locator("h1").count() == 2
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(250, 250, 248)", "dark": "rgb(20, 22, 26)"}[scheme]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert complaints == []
