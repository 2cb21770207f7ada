"""The pictures of docs/labelling.md: `make demo`, then `python benchmarks/label_screenshots.py demo_results`.

Serves the demonstration's answers, rates a few, and takes the page in both languages into docs/images/. Needs
Playwright, Chromium and a Japanese font (Debian: fonts-noto-cjk).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from lmms_eval_ja.documents import collect
from lmms_eval_ja.judges.rubrics import load_rubric
from lmms_eval_ja.labelling.gathering import Wish, gather
from lmms_eval_ja.labelling.items import Labelling
from lmms_eval_ja.labelling.server import LabelServer
from lmms_eval_ja.labelling.session import Session
from lmms_eval_ja.labelling.store import LabelStore

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_WIDTH, _HEIGHT = 1280, 800
#: By language: name of the file, what is rated, and how many are before the picture is taken.
_PICTURES = {"en": ("label.png", "answers", 4), "ja": ("label-ja.png", "answers", 4)}


def labelling_of(folder: Path, target: Any) -> Labelling:
    """Answers of the written sets, whose pictures and questions are good to look at."""
    rubric = load_rubric("factual_correctness")
    wish = Wish(folder, target, models=("flawed", "terse", "verbose"), limit=24, scale=(1, 5), rubric=rubric)
    return gather(wish)[0]


def shoot(browser: Any, server: LabelServer, language: str, rated: int, out: Path) -> None:
    """Rate some, and take the page as a picture of few colours."""
    context = browser.new_context(
        locale={"en": "en-US", "ja": "ja-JP"}[language],
        color_scheme="light",
        viewport={"width": _WIDTH, "height": _HEIGHT},
    )
    tab = context.new_page()
    tab.goto(f"{server.address}?rater=A. Sato&lang={language}")
    for number in range(rated + 1):
        tab.wait_for_selector("main[data-ready] .choice")
        before = tab.get_attribute("main", "data-ready")
        if number < rated:
            tab.keyboard.press(str(5 - number % 3))
            tab.wait_for_function("before => document.querySelector('main').dataset.ready !== before", arg=before)
    tab.wait_for_load_state("networkidle")
    tab.screenshot(path=out)
    context.close()
    with Image.open(out) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(out, optimize=True)


def main() -> None:
    """Take both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?", default=Path("demo_results"))
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "images")
    arguments = parser.parse_args()
    program = next(path for name in _PROGRAMS if (path := shutil.which(name)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        copy = Path(folder) / "results"
        shutil.copytree(arguments.results, copy, ignore=shutil.ignore_patterns("report", "documents"))
        for note in collect(["ja_sample"], copy / "documents"):
            print(note)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for language, (name, target, rated) in _PICTURES.items():
            labelling = labelling_of(copy, target)
            store = LabelStore(Path(folder) / language / "labels.csv", labelling.target, labelling.scales)
            server = LabelServer(Session(labelling, store))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            shoot(browser, server, language, rated, arguments.out / name)
            server.shutdown()
            store.close()
        browser.close()


if __name__ == "__main__":
    main()
