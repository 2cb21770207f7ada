"""What is installed: all of the rooms under one name, and nothing beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
#: Folder of each room, by the name that it is imported by.
ROOMS = {name: ROOT / folder for name, folder in SETUPTOOLS["package-dir"].items() if name} | {
    "lmms_eval_ja": ROOT / "src" / "lmms_eval_ja"
}


def _tree() -> dict[str, Path]:
    """Every package of the tree: a folder with an `__init__.py`, by its import name."""
    return {
        ".".join([name, *init.parent.relative_to(folder).parts]): init.parent
        for name, folder in ROOMS.items()
        for init in folder.rglob("__init__.py")
    }


def _files() -> set[str]:
    """Every file of the rooms, by its path in the wheel."""
    return {
        "/".join([*name.split("."), *path.relative_to(folder).parts])
        for name, folder in ROOMS.items()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that nothing is left in the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "tree"
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*", "build", "dist", "tests", "typings")
    shutil.copytree(ROOT, copy, ignore=unwanted)
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(copy)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (built,) = folder.glob("*.whl")
    return built


def test_every_package_is_listed() -> None:
    assert sorted(SETUPTOOLS["packages"]) == sorted(_tree())


def test_every_room_is_mapped() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {name.removeprefix("lmms_eval_ja.") for name in SETUPTOOLS["package-dir"] if name} == rooms


def test_the_version_range_of_lmms_eval_is_the_tested_one() -> None:
    from lmms_eval_ja.plugin import TESTED

    low, high = (".".join(map(str, bound)) for bound in TESTED)
    assert f"lmms-eval>={low},<{high}" in PYPROJECT["project"]["dependencies"]


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if not name.endswith("/")}
    expected = _files()
    assert {name for name in inside if name.startswith("lmms_eval_ja/")} == expected
    for needed in (
        "lmms_eval_ja/py.typed",
        "lmms_eval_ja/jp_tasks/_vqa",
        "lmms_eval_ja/jp_tasks/japanese_vlm.yaml",
        "lmms_eval_ja/jp_tasks/heron_bench_ja/_heron_bench",
        "lmms_eval_ja/jp_tasks/heron_bench_ja/heron_bench_ja.yaml",
        "lmms_eval_ja/jp_tasks/ja_sample/ja_sample.parquet",
        "lmms_eval_ja/jp_tasks/ja_sample/answers/terse.jsonl",
        "lmms_eval_ja/judges/protocols/ja_pairwise.txt",
        "lmms_eval_ja/judges/protocols/vqa_likert.txt",
    ):
        assert needed in inside


def test_the_wheel_brings_one_top_level_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {"lmms_eval_ja", f"lmms_eval_ja-{PYPROJECT['project']['version']}.dist-info"}


@pytest.mark.slow
def test_an_installed_wheel_brings_the_tasks(wheel: Path, tmp_path: Path) -> None:
    """A fresh environment that has the dependencies, and of this project the wheel only, in an empty directory."""
    venv, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (site,) = venv.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)  # what an installer does with a wheel that has no scripts of its own platform
    # A path line brings packages but not the other environment's editable installs, which are .pth files themselves.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    python = str(venv / "bin" / "python")
    where = "import lmms_eval_ja.judges as j, lmms_eval_ja as l; print(l.__file__, j.__file__)"
    found = subprocess.run([python, "-c", where], cwd=empty, capture_output=True, text=True, check=True).stdout
    assert all(path.startswith(str(site)) for path in found.split())
    answers = site / "lmms_eval_ja" / "jp_tasks" / "ja_sample" / "answers" / "terse.jsonl"
    words = ["-m", "lmms_eval", "--model", "replay", "--model_args", f"answers={answers}", "--tasks", "ja_sample"]
    env = os.environ | {"LMMS_EVAL_JA_JUDGE": "overlap", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    done = subprocess.run([python, *words], cwd=empty, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "overlap (not an LLM, for trying the pipeline)" in done.stdout
    assert "|ja_sample|" in done.stdout
