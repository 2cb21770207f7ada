"""The pictures of the README: `make demo`, then `python benchmarks/screenshots.py demo_results`.

Writes the report of the demonstration's results and takes its first page and a sample, in both languages and both
colour schemes, into docs/images/. Needs Playwright, Chromium and a Japanese font (Debian: fonts-noto-cjk).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from lmms_eval_ja.compare.report import write_report
from lmms_eval_ja.compare.results import Results, load_results
from lmms_eval_ja.compare.statistics import compare
from lmms_eval_ja.documents import collect

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_VARIANTS = [("en", "light"), ("en", "dark"), ("ja", "light"), ("ja", "dark")]
_TITLES = {
    "en": "ja_sample: three written answer sets and an untrained model",
    "ja": "ja_sample: 書かれた回答 3 組と未学習のモデル",
}
_WIDTH, _HEIGHT = 1400, 800
_LARGEST = 200_000


def loaded(folder: Path, place: Path) -> Results:
    """The results with their documents, which are collected into a copy of the folder."""
    copy = place / "results"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("report", "documents"))
    results = load_results(copy)
    for note in collect(list(results.tasks), copy / "documents"):
        print(note)
    return load_results(copy)


def shoot(browser: Any, page: Path, language: str, scheme: str, out: Path) -> None:
    """Both pages of one variant, beside each other in one picture of at most 200 kB."""
    context = browser.new_context(
        locale={"en": "en-US", "ja": "ja-JP"}[language],
        color_scheme=scheme,
        viewport={"width": _WIDTH, "height": _HEIGHT},
    )
    tab = context.new_page()
    parts = []
    for name, address in (("leaderboard", "?metrics=all"), ("samples", "/ja_sample/4")):
        tab.goto("about:blank")
        tab.goto(f"{page.as_uri()}#/{name}{address}")
        tab.wait_for_selector("main[data-ready]")
        tab.wait_for_timeout(600)
        path = out.with_name(f"{name}.part.png")
        bottom = min(_HEIGHT, 24 + tab.evaluate("document.querySelector('main').getBoundingClientRect().bottom"))
        tab.screenshot(path=path, clip={"x": 0, "y": 0, "width": _WIDTH, "height": bottom})
        with Image.open(path) as image:
            parts.append(image.convert("RGB"))
        path.unlink()
    context.close()
    whole = Image.new("RGB", (_WIDTH, sum(part.height for part in parts) + 2), "#808890")
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height + 2
    colours = 256
    while True:
        whole.quantize(colours, dither=Image.Dither.NONE).save(out, optimize=True)
        if out.stat().st_size <= _LARGEST:
            return
        colours //= 2


def main() -> None:
    """Take all four."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?", default=Path("demo_results"))
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "images")
    arguments = parser.parse_args()
    program = next(path for name in _PROGRAMS if (path := shutil.which(name)))
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        place = Path(folder)
        results = loaded(arguments.results, place)
        compared = compare(results)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for language, scheme in _VARIANTS:
            page = write_report(results, compared, [], place / "report", title=_TITLES[language])
            shoot(browser, page, language, scheme, arguments.out / f"report-{scheme}-{language}.png")
        browser.close()


if __name__ == "__main__":
    main()
