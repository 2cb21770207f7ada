"""The README shows what the demo prints, its report opens in a browser, and its bundle verifies."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lmms_eval_ja.demo import BUNDLE, HEADER, SETS, TINY
from support.browser import browser, watched

pytestmark = [pytest.mark.slow, pytest.mark.alone]
ROOT = Path(__file__).resolve().parents[2]


def table(text: str) -> dict[str, str]:
    """The rows of the demo's table by their first cell."""
    lines = text[text.index(HEADER) :].splitlines()[2:]
    return {line.split("|")[1].strip(): line for line in lines if line.startswith("|")}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, hub_env: dict[str, str]) -> tuple[Path, str]:
    """The folder that the demo wrote, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    words = [sys.executable, "-m", "lmms_eval_ja.demo", str(folder / "out")]
    done = subprocess.run(words, env=hub_env, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder / "out", done.stdout


def test_the_readme_shows_what_the_demo_prints(demo: tuple[Path, str]) -> None:
    (block,) = re.findall(r"<!-- demo -->\n(.*?)<!-- /demo -->", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)

    _, said = demo
    shown, printed = table(block), table(said)
    assert list(printed) == list(shown) == [*SETS, TINY]
    assert {name: printed[name] for name in SETS} == {name: shown[name] for name in SETS}
    assert said.splitlines()[-1] == block.splitlines()[-1]
    # Random weights depend on the version of transformers and a near tie on the CPU: nonsense, but all of it scored.
    rouge, judged, _, coverage, *_ = (cell.split("[")[0] for cell in printed[TINY].split("|")[2:])
    assert float(rouge) < 5
    assert float(judged) < 1.5
    assert float(coverage) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_its_report_opens_in_a_browser(demo: tuple[Path, str], language: str, scheme: str) -> None:
    out, _ = demo
    with browser() as started, watched(started, language=language, scheme=scheme) as seen:
        seen.open(out / "report" / "index.html")
        text = seen.page.inner_text("main")
        assert all(name in text for name in (*SETS, TINY))
        seen.go("/samples/ja_sample/4")
        seen.page.wait_for_function("[...document.images].some(image => image.naturalWidth > 0)")
        assert (seen.elsewhere, seen.complaints, seen.dialogs) == ([], [], [])


def test_its_bundle_verifies_without_network(demo: tuple[Path, str], tmp_path: Path) -> None:
    out, _ = demo
    nobody = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HF_HUB_OFFLINE": "1",
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
    }
    words = [sys.executable, "-m", "lmms_eval_ja", "verify", str(out / BUNDLE)]
    done = subprocess.run(words, env=nobody, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, done.stdout.partition(":")[0]) == (0, "equal"), done.stdout + done.stderr
