"""The patches for lmms-eval: they are what our code gives, apply to its release, and do what their tests say."""

from __future__ import annotations

import ast
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tokenize
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
UPSTREAM = ROOT / "docs" / "upstream"
#: The packages of ours that lie beside src/.
ROOMS = ("clients", "compare", "jp_tasks", "judges", "metrics", "models")
#: As lmms-eval's .pre-commit-config.yaml calls them.
CHECKS = (["black", "--line-length=240", "--check", "-q"], ["isort", "--profile", "black", "--check", "-q"])
#: Files of the release that do not pass isort as they are; the patches leave their imports alone.
UNSORTED = ("lmms_eval/__main__.py",)
#: Tests that need packages which lmms-eval does not install.
SHORT_ANSWERS = ("test/eval/test_ja_vlm_bench_in_the_wild.py", "test/eval/test_ja_vg_vqa_500.py")
#: What exported modules may speak of though it is not in them: of transformers, and of a task's YAML.
NAMES_OF_OTHERS = {"LlavaModel", "post_layernorm", "process_docs"}
OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR) (test/[\w/]+\.py)", re.MULTILINE)
OUR_ENTRY_POINTS = """[lmms_eval.models]
lmms_eval_ja = lmms_eval_ja.plugin:register

[lmms_eval.tasks]
lmms_eval_ja = lmms_eval_ja.plugin:tasks_folder
"""
WITHOUT_THE_HOOK = """
import sys
from lmms_eval import evaluator, tasks
from lmms_eval.api.registry import METRIC_REGISTRY
from lmms_eval_ja import plugin
assert not hasattr(tasks.TaskManager.initialize_tasks, plugin._HOOKED)
assert tasks.TaskManager.initialize_tasks.__module__ == "lmms_eval.tasks"
from lmms_eval.cli.dispatch import main
sys.argv = ["lmms-eval", "tasks", "list"]
main()
assert hasattr(evaluator.simple_evaluate, plugin._HOOKED)
assert "rouge_l_ja" in METRIC_REGISTRY
"""


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_patches", UPSTREAM / "make_patches.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_patches = _script()
NAMES = [contribution.name for contribution in make_patches.CONTRIBUTIONS]


def _patch(name: str) -> Path:
    return UPSTREAM / f"{name}.patch"


def _paths(name: str, *, new: bool | None = None) -> list[str]:
    """The files that a patch changes; `new`: only those that it adds, or does not."""
    found = re.findall(
        r"^diff --git a/\S+ b/(\S+)\n(new file)?", _patch(name).read_text(encoding="utf-8"), re.MULTILINE
    )
    return [path for path, added in found if new is None or bool(added) is new]


def _added(name: str) -> dict[str, str]:
    """The Python modules that a patch adds, by path."""
    files = re.split(r"^diff --git a/\S+ b/", _patch(name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    added = {path: text for path, _, text in (each.partition("\n") for each in files) if text.startswith("new file")}
    return {
        path: "".join(re.findall(r"^\+(?!\+\+ b/)(.*\n)", text, re.MULTILINE))
        for path, text in added.items()
        if path.endswith(".py")
    }


def _names(tree: ast.Module, told: set[int]) -> set[str]:
    """The names that a module uses and the words of its texts, docstrings aside."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            names |= set(re.findall(r"\w+", node.value))
        names |= {str(getattr(node, field, "")) for field in ("id", "attr", "arg", "name", "asname")}
    return {part for name in names for part in name.split(".")}


def _copy(folder: Path) -> Path:
    """A copy of the installed lmms-eval, as a checkout."""
    shutil.copytree(make_patches.installed() / "lmms_eval", folder / "lmms_eval")
    return folder


def _apply(name: str, checkout: Path, *words: str) -> None:
    # Outside of a repository git takes paths from the current folder; the ceiling keeps it from finding one above.
    env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(checkout.parent)}
    line = ["git", "apply", "--whitespace=error-all", *words, str(_patch(name))]
    done = subprocess.run(line, cwd=checkout, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name}: {done.stderr}"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is installed, without lmms-eval and this package."""
    folder, installed = tmp_path_factory.mktemp("packages"), make_patches.installed()
    for entry in installed.iterdir():
        if not entry.name.startswith(("lmms_eval_ja", "__editable__")) and entry.name != "lmms_eval":
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of lmms-eval with all patches, each of which applies to the release alone, too."""
    checkout = _copy(tmp_path_factory.mktemp("after"))
    for name in NAMES:
        _apply(name, checkout, "--check")
    for name in NAMES:
        _apply(name, checkout)
    return checkout


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, after: Path) -> Path:
    """A copy of lmms-eval with the patches' tests and nothing else of them."""
    checkout = _copy(tmp_path_factory.mktemp("before"))
    shutil.copytree(after / "test", checkout / "test")
    return checkout


def _tested(checkout: Path, packages: Path, *paths: str) -> dict[str, set[str]]:
    """The outcomes of some tests there, or of all, by file; skipped ones are none."""
    env = {"HOME": str(packages), "PATH": "", "PYTHONPATH": f"{checkout}:{packages}", "HF_HUB_OFFLINE": "1"}
    words = ["-q", "-rfEp", "--continue-on-collection-errors", "-p", "no:cacheprovider", "--rootdir=."]
    line = [sys.executable, "-S", "-m", "pytest", *words, *(paths or ["test"])]
    done = subprocess.run(line, cwd=checkout, env=env, capture_output=True, text=True, check=False)
    outcomes: dict[str, set[str]] = defaultdict(set)
    for outcome, path in OUTCOME.findall(done.stdout):
        outcomes[path].add(outcome)
    assert outcomes, done.stdout[-4000:] + done.stderr[-4000:]
    sys.stdout.write(done.stdout[-6000:])
    return outcomes


@pytest.mark.parametrize("name", NAMES)
def test_a_patch_is_what_the_script_makes(name: str) -> None:
    (contribution,) = (each for each in make_patches.CONTRIBUTIONS if each.name == name)
    made = make_patches.patch_of(contribution, make_patches.installed())
    assert _patch(name).read_text(encoding="utf-8") == made, "run: python docs/upstream/make_patches.py"


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_test_and_the_text_of_its_pull_request(name: str) -> None:
    assert [path for path in _paths(name, new=True) if re.fullmatch(r"test/(eval|models)/test_\w+\.py", path)]
    text = (UPSTREAM / "contributions" / name / "PULL_REQUEST.md").read_text(encoding="utf-8")
    assert re.findall(r"^#+ .*$", text, re.MULTILINE)[1:] == [
        "## Summary", "## In scope", "## Out of scope", "## Validation", "## Risk", "## Type of change"
    ]  # fmt: skip
    summary = text.split("## Summary")[1].split("## In scope")[0]
    assert 1 <= len(re.findall(r"^- ", summary, re.MULTILINE)) <= 3
    assert "| Command | N | Metrics | Result |" in text


@pytest.mark.parametrize("name", NAMES)
def test_what_a_module_speaks_of_is_in_it(name: str) -> None:
    for path, text in _added(name).items():
        tree = ast.parse(text)
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        first = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node)]
        told = [each.value for each in first if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)]
        said = [str(each.value) for each in told]
        said += [
            token.string
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        ]
        spoken = {found for each in said for found in re.findall(r"`([A-Za-z_][A-Za-z0-9_.]*\w)(?:\(\))?`", each)}
        spoken = {found for found in spoken if found.isascii() and ("_" in found or not found.isupper())}
        known = _names(tree, {id(each) for each in told}) | NAMES_OF_OTHERS
        assert [found for found in sorted(spoken) if not set(found.split(".")) <= known] == [], path


def test_a_text_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    edits = tmp_path / "edits.toml"
    edits.write_text('[[edit]]\npath = "a.py"\nold = "x = 2"\nnew = "x = 3"\n')
    with pytest.raises(SystemExit, match=r"this is 0 times in a\.py of lmms-eval 0\.7\.3, not once:\nx = 2"):
        make_patches.edited(edits, tmp_path)
    edits.write_text('[[edit]]\npath = "a.py"\nold = "1"\nnew = "3"\n')
    assert make_patches.edited(edits, tmp_path) == {"a.py": b"x = 3\n"}


@pytest.mark.slow
def test_their_tests_fail_before_and_pass_after(before: Path, after: Path, packages: Path) -> None:
    first, then = _tested(before, packages), _tested(after, packages)
    for name in NAMES:
        for path in _paths(name, new=True):
            if path.startswith("test/"):
                assert first[path] & {"FAILED", "ERROR"}, f"{name}: {path} passes without the patch"
                assert then[path] == {"PASSED"}, f"{name}: {path}: {then[path]}"


@pytest.mark.slow
def test_without_what_lmms_eval_does_not_install_their_tests_are_skipped(
    after: Path, packages: Path, tmp_path: Path
) -> None:
    for entry in packages.iterdir():
        if not entry.name.startswith("emoji"):
            (tmp_path / entry.name).symlink_to(entry)
    outcomes = _tested(after, tmp_path, "test/eval/test_heron_bench_ja.py", *SHORT_ANSWERS)
    assert outcomes == {"test/eval/test_heron_bench_ja.py": {"PASSED"}}


@pytest.mark.slow
def test_they_pass_what_lmms_eval_checks_before_a_commit(before: Path, after: Path) -> None:
    paths = [path for name in NAMES for path in _paths(name) if path.endswith(".py") and path not in UNSORTED]
    assert [_checked(after, words, paths) for words in CHECKS] == ["", ""]
    assert _checked(after, CHECKS[0], [*UNSORTED]) == ""
    assert "lmms_eval/__main__.py Imports are incorrectly sorted" in _checked(before, CHECKS[1], [*UNSORTED])


def _checked(checkout: Path, words: list[str], paths: list[str]) -> str:
    """What a check says; nothing if it passes."""
    line = [sys.executable, "-m", *words, *paths]
    done = subprocess.run(line, cwd=checkout, capture_output=True, text=True, check=False)
    return f"{done.returncode}: {done.stdout}{done.stderr}" if done.returncode else ""


@pytest.mark.slow
def test_with_the_entry_point_group_our_tasks_are_found_without_the_hook(packages: Path, tmp_path: Path) -> None:
    checkout, ours = _copy(tmp_path / "checkout"), tmp_path / "ours"
    _apply("01-task-entry-points", checkout)
    (ours / "lmms_eval_ja").mkdir(parents=True)
    for part in (*(ROOT / "src" / "lmms_eval_ja").iterdir(), *(ROOT / name for name in ROOMS)):
        (ours / "lmms_eval_ja" / part.name).symlink_to(part)
    info = ours / "lmms_eval_ja-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lmms-eval-ja\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(OUR_ENTRY_POINTS)
    env = {"HOME": str(tmp_path), "PATH": "", "PYTHONPATH": f"{checkout}:{ours}:{packages}"}
    line = [sys.executable, "-S", "-c", WITHOUT_THE_HOOK]
    done = subprocess.run(line, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "  heron_bench_ja\n" in done.stdout
    assert "  jmmmu_ja\n" in done.stdout
    assert "left out" not in done.stdout + done.stderr
