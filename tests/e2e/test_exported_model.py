"""The exported LLM-jp-3 VILA in a copy of lmms-eval, without this package: the plugin's answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import lmms_eval
import pytest

from lmms_eval_ja.exporting.files import differing, written
from lmms_eval_ja.exporting.models import exported_model
from lmms_eval_ja.models.vila.plugins import LlmJpVila
from support.tiny_vila import make_vila
from support.vlm_requests import GREEDY, documents, requests

pytestmark = pytest.mark.slow
_DOCS = 7
_ANSWERS = f"""
import importlib.util, json, sys
from lmms_eval.models import get_model
from support.vlm_requests import GREEDY, documents, requests
assert importlib.util.find_spec("lmms_eval_ja") is None
model = get_model("llm_jp_vila")(sys.argv[1], device="cpu", batch_size=3)
model.task_dict["t"] = {{"test": documents({_DOCS})}}
print(json.dumps([answer.text for answer in model.generate_until(requests(range({_DOCS}), GREEDY))]))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A copy with the model, and the environment in which it is found and this package is not."""
    folder = tmp_path_factory.mktemp("copy")
    checkout, packages, support = folder / "lmms-eval", folder / "packages", folder / "support"
    installed = Path(lmms_eval.__file__).parent
    shutil.copytree(installed, checkout / "lmms_eval")
    packages.mkdir()
    for entry in installed.parent.iterdir():
        if not entry.name.startswith(("lmms_eval_ja", "__editable__")) and entry.name != "lmms_eval":
            (packages / entry.name).symlink_to(entry)
    support.mkdir()
    shutil.copy(Path(__file__).parents[1] / "support" / "vlm_requests.py", support)
    files = exported_model("llm_jp_vila", checkout)
    assert written(files, checkout) == list(files)
    assert differing(exported_model("llm_jp_vila", checkout), checkout) == []
    return checkout, {"HOME": str(folder), "PATH": "", "PYTHONPATH": f"{checkout}:{packages}:{folder}"}


def _run(copy: tuple[Path, dict[str, str]], *words: str) -> str:
    checkout, env = copy
    line = [sys.executable, "-S", *words]
    done = subprocess.run(line, cwd=checkout, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_it_answers_as_the_plugin_does(copy: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    checkpoint = str(make_vila(tmp_path / "vila"))
    plugin = LlmJpVila(checkpoint, answer_log="off", device="cpu")
    plugin.task_dict["t"] = {"test": documents(_DOCS)}
    expected = [answer.text for answer in plugin.generate_until(requests(range(_DOCS), GREEDY))]
    assert json.loads(_run(copy, "-c", _ANSWERS, checkpoint).splitlines()[-1]) == expected


def test_its_own_test_passes_there(copy: tuple[Path, dict[str, str]]) -> None:
    assert "6 passed" in _run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test/models")


@pytest.mark.parametrize(
    "words", [["black", "--line-length=240"], ["isort", "--profile", "black"]], ids=["black", "isort"]
)
def test_it_passes_what_lmms_eval_checks_before_a_commit(copy: tuple[Path, dict[str, str]], words: list[str]) -> None:
    sources = [
        "lmms_eval/models/chat/llm_jp_vila.py",
        "lmms_eval/models/__init__.py",
        "test/models/test_llm_jp_vila.py",
    ]
    _run(copy, "-m", *words, "--check", *sources)
