"""`lmms-eval-ja bundle` and `verify`, the latter in a process that has neither environment, network nor settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from e2e.runner import BIN, command, evaluate
from e2e.sample_judging import ANSWERS, ROWS, judged_by, reply
from typer.testing import CliRunner

from lmms_eval_ja.bundling import bundle, verify
from support.bundles import edited_rows, members, tampered
from support.judge_server import JudgeServer
from support.scored_sample import DATE, TASK, recorded_answers, write_documents, write_run

KEY = "sk-test-0123456789abcdef"
SAMPLES = f"runs/terse/scores/{DATE}_samples_{TASK}.jsonl"
#: Nobody answers there; an attempt to ask would fail.
NOWHERE = "http://127.0.0.1:9"
#: uv's cache of the user, read before the tests' own HOME is set.
CACHE = os.environ.get("UV_CACHE_DIR") or str(
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "uv"
)
app = typer.Typer()
app.command()(bundle)
app.command()(verify)


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged comparison, its store beside it."""
    folder = tmp_path_factory.mktemp("bundling")
    with JudgeServer(reply) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in judged_by(server.base_url, folder / "store.sqlite").items():
            patch.setenv(name, value)
        for name in ("terse", "flawed"):
            write_run(folder / "c", name, recorded_answers(name), {"args": {"api_key": KEY}})
    write_documents(folder / "c")
    return folder / "c"


@pytest.fixture(scope="module")
def packed(comparison: Path) -> Path:
    """Packed with a key in the environment."""
    out = comparison.parent / "bundle.zip"
    words = ["bundle", str(comparison), "--out", str(out), "--store", str(comparison.parent / "store.sqlite")]
    done = CliRunner().invoke(app, words, env={"OPENAI_API_KEY": KEY})
    assert done.exit_code == 0, done.output
    assert f"2 model-task pairs, {2 * 3 * len(ROWS)} of {2 * 3 * len(ROWS)} judge's replies" in done.output
    assert "a key of this environment was taken out of runs/terse/run.json" in done.output
    return out


def _verified_alone(path: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Verified by a new process with an empty environment, an empty home and no way out."""
    env = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        **{f"{scheme}_proxy": NOWHERE for scheme in ("http", "https", "all")},
    }
    code = "import typer, lmms_eval_ja.bundling as b; typer.run(b.verify)"
    words = [sys.executable, "-c", code, str(path)]
    return subprocess.run(words, env=env, cwd=home, capture_output=True, text=True, check=False, timeout=120)


def test_a_bundle_verifies_in_an_empty_environment(packed: Path, tmp_path: Path) -> None:
    done = _verified_alone(packed, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("equal: ")
    assert "160 verdicts of 2 model-task pairs scored again; 240 of 240 judge's replies" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_one_changed_verdict_is_named(packed: Path, tmp_path: Path) -> None:
    changed = edited_rows(lambda row: row["verdict_ja_pairwise"].update(score=10.0), 12)
    done = _verified_alone(tampered(packed, tmp_path / "t.zip", {SAMPLES: changed}), tmp_path)
    assert done.returncode == 1
    # Question 12 has 12 % 10 + 1 = 3 points in both orders.
    assert (
        f"differs: {SAMPLES}: model terse, task ja_sample, doc_id 12: verdict of ja_pairwise, score: recorded 10.0, "
        "comes out as 3.0"
    ) in done.stdout
    assert "NOT EQUAL" in done.stdout


def test_no_key_gets_out(packed: Path) -> None:
    assert not any(KEY.encode() in data for data in members(packed).values())


@pytest.mark.slow
def test_real_runs_are_bundled_with_documents_that_are_collected_now(tmp_path: Path) -> None:
    """Answers and verdicts by lmms-eval's command and ours, in a plain folder that no comparison made."""
    results, store = tmp_path / "results", tmp_path / "store.sqlite"
    with JudgeServer(reply) as server:
        env = dict(os.environ) | judged_by(server.base_url, store, judge_repeats=2)
        answered = evaluate(tmp_path, TASK, ANSWERS, env, "--predict_only")
        assert answered.returncode == 0, answered.output[-3000:]
        judging = [str(BIN / "lmms-eval-ja"), "judge", str(answered.folder), "--output", str(results / "flawed")]
        judged = command(judging, env, cwd=tmp_path)
        assert judged.returncode == 0, judged.output[-3000:]
    done = CliRunner().invoke(app, ["bundle", str(results), "--images", "--store", str(store)])
    assert done.exit_code == 0, done.output
    assert "240 of 240 judge's replies" in done.output
    out = results / "bundle.zip"
    assert sum(name.startswith("documents/images/") for name in members(out)) == 10
    alone = _verified_alone(out, tmp_path / "empty")
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert alone.stdout.startswith("equal: ")
    (samples,) = (name for name in members(out) if "_samples_" in name)
    changed = tampered(out, tmp_path / "t.zip", {samples: edited_rows(_failed, 4)})
    assert "doc_id 4: verdict of ja_pairwise" in _verified_alone(changed, tmp_path / "empty").stdout


def _failed(row: dict[str, Any]) -> None:
    """A poor score that is passed off as a refusal."""
    row["verdict_ja_pairwise"].update(score=None, reference_score=None, failure="refusal", reason="no")


def test_what_cannot_be_done_is_one_line(comparison: Path, packed: Path, tmp_path: Path) -> None:
    there = CliRunner().invoke(app, ["bundle", str(comparison), "--out", str(packed)])
    assert (there.exit_code, there.output) == (1, f"error: {packed} exists; see --force\n")
    empty = CliRunner().invoke(app, ["bundle", str(tmp_path)])
    assert (empty.exit_code, empty.output.count("\n")) == (1, 1)
    assert "nothing that was scored" in empty.output
    (tmp_path / "x.zip").write_text("x", encoding="utf-8")
    none = CliRunner().invoke(app, ["verify", str(tmp_path / "x.zip")])
    assert none.exit_code == 1
    assert "is no bundle that can be read" in none.output


def test_texts_of_a_bundle_do_not_reach_the_terminal_raw(packed: Path, tmp_path: Path) -> None:
    changed = edited_rows(lambda row: row.update(input="\x1b[2J\u202e"), 0)
    out = tampered(packed, tmp_path / "t.zip", {SAMPLES: changed})
    done = CliRunner().invoke(app, ["verify", str(out)])
    assert done.exit_code == 1
    assert "input of the sample, against the document" in done.output
    assert "\x1b[2J" not in done.output
    assert "\u202e" not in done.output


@pytest.mark.slow
def test_a_fresh_environment_needs_neither_torch_nor_lmms_eval(packed: Path, tmp_path: Path) -> None:
    """This package without its dependencies, and the few of them that `verify` uses."""
    needed = (
        "typer", "pydantic", "platformdirs", "filelock", "pyarrow", "numpy", "pyyaml", "scipy", "tqdm", "rapidfuzz",
        "emoji", "fugashi", "unidic-lite", "rich", "jinja2", "pooch", "httpx", "openai", "pillow",
    )  # fmt: skip
    tree, python = tmp_path / "tree", tmp_path / "venv" / "bin" / "python"
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*", "build", "dist", "tests", "typings")
    shutil.copytree(Path(__file__).resolve().parents[2], tree, ignore=unwanted)
    uv = [sys.executable, "-m", "uv"]
    for words in (
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(tree)],
        [*uv, "venv", "--python", "3.11", str(tmp_path / "venv")],
        [*uv, "pip", "install", "--python", str(python), *needed],
        [*uv, "pip", "install", "--python", str(python), "--no-deps", "--find-links", str(tmp_path), "lmms-eval-ja"],
    ):
        done = subprocess.run(
            words, env=os.environ | {"UV_CACHE_DIR": CACHE}, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
    home = tmp_path / "home"
    home.mkdir()
    alone = {"HOME": str(home), "PATH": "/usr/bin:/bin", "http_proxy": NOWHERE, "https_proxy": NOWHERE}
    code = "import typer, lmms_eval_ja.bundling as b; typer.run(b.verify)"
    words = [str(python), "-I", "-c", code, str(packed)]
    done = subprocess.run(words, env=alone, cwd=home, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("equal: ")
    assert json.loads(members(packed)["manifest.json"])["schema"] == 1
