"""The page's own files: a strict policy, no HTML made of text, no address elsewhere, short and strict scripts."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STATIC = files("lmms_eval_ja.compare.report") / "static"
FILES = {entry.name: entry.read_text(encoding="utf-8") for entry in STATIC.iterdir()}
SCRIPTS = sorted(name for name in FILES if name.endswith(".js"))
FORBIDDEN = (
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "DOMParser",
    "createContextualFragment",
    "srcdoc",
    "eval(",
    "new Function",
    "fetch(",
    "XMLHttpRequest",
    "WebSocket",
    "sendBeacon",
    "window.open",
    "import(",
)


def test_the_policy_lets_nothing_in_but_files_of_the_report():
    policy = re.search(r'content="(default-src[^"]+)"', FILES["index.html"]).group(1)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "connect-src" not in policy


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_makes_no_html_of_text_and_asks_for_nothing(name):
    assert [word for word in FORBIDDEN if word in FILES[name]] == []
    assert FILES[name].startswith("'use strict';\n")
    assert len(FILES[name].splitlines()) <= 400


def test_nothing_points_elsewhere():
    for name, text in FILES.items():
        addresses = set(re.findall(r"https?://[^\s'\"]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, name


def test_the_page_loads_all_its_files_in_an_order_that_works():
    named = re.findall(r'src="app/([\w.]+)"', FILES["index.html"])
    assert set(SCRIPTS) | {"strings.js"} == set(named)
    assert named[0] == "settings.js"
    assert named[-1] == "start.js"
    styles = re.findall(r'href="app/([\w.]+)"', FILES["index.html"])
    assert set(styles) == {name for name in FILES if name.endswith(".css")}


def contrast(a: str, b: str) -> float:
    """Contrast of two colours, by WCAG 2.1, section 1.4.3."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [":root {", ":root[data-theme='dark'] {"])
def test_text_is_readable_on_every_ground_in_both_schemes(scheme):
    block = FILES["base.css"].partition(scheme)[2].partition("}")[0]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    for ground in ("ground", "surface", "raised", "accent-soft"):
        for ink in ("ink", "muted", "accent", "bad", "warn"):
            # 4.5 is level AA for text of normal size; the accent is text on the surfaces only.
            if (ground, ink) not in {("accent-soft", "bad"), ("accent-soft", "warn")}:
                assert contrast(colours[ground], colours[ink]) >= 4.5, (ground, ink)
