"""Exported tasks in a copy of lmms-eval, without this package: the plugin's scores, and lmms-eval's own checks."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmms_eval
import pytest

from e2e.judging import RULES
from e2e.runner import Ended, command
from lmms_eval_ja.exporting.files import differing, written
from lmms_eval_ja.exporting.tasks import exported_task
from support import benchmarks
from support.hub import Hub
from support.judge_server import JudgeServer, heron_reply, user_text

pytestmark = [pytest.mark.slow, benchmarks.needs_shared]
TASKS = ("heron_bench_ja", "ja_vlm_bench_in_the_wild", "ja_vg_vqa_500")
#: As lmms-eval's .pre-commit-config.yaml calls them.
CHECKS = (["black", "--line-length=240", "--check"], ["isort", "--profile", "black", "--check"])
PROOF = """
import importlib.metadata, importlib.util, lmms_eval
assert importlib.util.find_spec("lmms_eval_ja") is None
assert not importlib.metadata.entry_points(group="lmms_eval.models")
print(lmms_eval.__file__)
"""


@dataclass(frozen=True)
class Copy:
    """A copy of lmms-eval with exported tasks, and the environment in which it is found and this package is not."""

    checkout: Path
    files: list[str]
    path: str

    def python(self, *words: str, env: dict[str, str]) -> list[str]:
        """The words that start Python without site-packages: only what `path` names is found."""
        env["PYTHONPATH"] = self.path
        return [sys.executable, "-S", *words]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("copy")
    checkout, packages = folder / "lmms-eval", folder / "packages"
    installed = Path(lmms_eval.__file__).parent
    shutil.copytree(installed, checkout / "lmms_eval")
    packages.mkdir()
    for entry in installed.parent.iterdir():
        if not entry.name.startswith(("lmms_eval/", "lmms_eval_ja", "__editable__")) and entry.name != "lmms_eval":
            (packages / entry.name).symlink_to(entry)
    files = {path: content for task in TASKS for path, content in exported_task(task).items()}
    written(files, checkout)
    assert differing(files, checkout) == []
    return Copy(checkout, list(files), f"{checkout}:{packages}")


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeServer]:
    with JudgeServer(_reply) as server:
        yield server


def _reply(body: dict[str, Any]) -> str:
    """Heron-Bench's two scores, or one of 1 to 5; each a matter of the message alone."""
    text = user_text(body)
    if "[Assistant 1]" in text:
        return heron_reply(body)
    return f"Because.\nScore: {hashlib.sha256(text.encode()).digest()[0] % 5 + 1}"


@pytest.fixture(scope="module")
def runs(copy: Copy, judge: JudgeServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Ended]]:
    """The tasks by the plugin and by the copy, on the same answers, pictures and judge."""
    folder = tmp_path_factory.mktemp("runs")
    logs = _logs(folder / "logs")
    with Hub() as hub:
        hub.add_dataset(benchmarks.HERON_ID, benchmarks.heron_bench(benchmarks.real_heron_rows()))
        hub.add_dataset(benchmarks.JA_VLM_ID, benchmarks.ja_vlm_bench())
        hub.add_dataset(benchmarks.JA_VG_ID, benchmarks.ja_vg_vqa_500(benchmarks.ja_vg_rows(20)))
        plugin = hub.environ(folder / "hf") | {
            "LMMS_EVAL_JA_ALLOW_CHANGED_DATA": "1",  # 20 pictures of JA-VG-VQA-500's 500
            "LMMS_EVAL_JA_ASSETS": str(RULES.parents[1]),
            "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
            "LMMS_EVAL_JA_STORE": str(folder / "verdicts.sqlite"),
        }
        exported = hub.environ(folder / "hf2") | {
            "LMMS_EVAL_ALLOW_CHANGED_DATA": "1",
            "HERON_BENCH_RULES": str(RULES),
            "HERON_BENCH_ANCHORS": "1",
            "OPENAI_API_KEY": "none",
            "OPENAI_API_URL": judge.base_url,
        }
        words = ["-m", "lmms_eval", "--model", "from_log", "--model_args", f"logs={logs}", "--tasks", ",".join(TASKS)]
        starts = {
            "plugin": ([sys.executable, *words], plugin),
            "exported": (copy.python(*words, env=exported), exported),
        }

        def run(name: str) -> Ended:
            (empty := folder / name / "empty").mkdir(parents=True)
            line, env = starts[name]
            out = folder / name / "out"
            return command([*line, "--output_path", str(out), "--log_samples"], env, cwd=empty, folder=out)

        with ThreadPoolExecutor(2) as pool:
            yield dict(zip(starts, pool.map(run, starts), strict=True))


def _logs(folder: Path) -> Path:
    """Answers as lmms-eval's own model `from_log` reads them, a file a task."""
    folder.mkdir()
    heron = [row["answer"]["gemini-1.0-pro-vision-latest"] for row in benchmarks.real_heron_rows()]
    vlm = [f"{row['answer'][: len(row['answer']) // 2]}です。" for row in benchmarks.ja_vlm_rows()]
    vg = [qa["answer"] if n % 3 else "白い犬" for row in benchmarks.ja_vg_rows(20) for n, qa in enumerate(row["qas"])]
    for task, answers in zip(TASKS, (heron, vlm, vg), strict=True):
        log = {
            "args": {"model": "recorded", "model_args": "", "limit": None},
            "model_configs": {"task": task},
            "logs": [{"doc_id": n, "resps": [[answer]]} for n, answer in enumerate(answers)],
        }
        (folder / f"{task}.json").write_text(json.dumps(log), encoding="utf-8")
    return folder


def test_this_package_cannot_be_imported_there(copy: Copy) -> None:
    env: dict[str, str] = {}
    done = subprocess.run(
        copy.python("-c", PROOF, env=env), env=env, capture_output=True, text=True, check=False, cwd=copy.checkout
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parent == copy.checkout / "lmms_eval"


@pytest.mark.parametrize("task", TASKS)
def test_scores_and_errors_are_those_of_the_plugin(runs: dict[str, Ended], task: str) -> None:
    for run in runs.values():
        assert run.returncode == 0, run.output[-4000:]
    ours, theirs = (runs[name].scores(task) for name in ("plugin", "exported"))
    numbers = {name: value for name, value in theirs.items() if isinstance(value, float)}
    assert {name: ours[name] for name in numbers} == pytest.approx(numbers, rel=0, abs=1e-9)
    headline = "overall" if task == "heron_bench_ja" else "judge_mean"
    assert {headline, f"{headline}_stderr_clustered"} <= numbers.keys()
    metrics = {name for name in ours if f"{name}_stderr_clt" in ours}
    assert metrics <= numbers.keys()
    assert len(metrics) == (16 if task == "heron_bench_ja" else 2)


def test_the_judge_reads_the_same_messages(runs: dict[str, Ended], judge: JudgeServer) -> None:
    assert runs["exported"].returncode == 0
    asked = [json.dumps(body["messages"], ensure_ascii=False) for body in judge.requests]
    assert judge.errors == []
    # The plugin asks once for equal messages, the exported tasks anew: for Gemini's answers, which are an anchor, too.
    counts = Counter(asked)
    assert Counter(counts.values()) == {3: 103, 2: 2 * 103 + 50 + 160}


def test_they_pass_what_lmms_eval_checks_before_a_commit(copy: Copy) -> None:
    sources = [path for path in copy.files if path.endswith(".py")]
    for words in CHECKS:
        line = [sys.executable, "-m", *words, *sources]
        done = subprocess.run(line, cwd=copy.checkout, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_their_own_tests_pass_there(copy: Copy, tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "PATH": ""}
    line = copy.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test/eval", env=env)
    done = subprocess.run(line, cwd=copy.checkout, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "37 passed" in done.stdout
