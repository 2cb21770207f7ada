"""All benchmarks of the suite by lmms-eval's own command: replayed and by a tiny model, on one process and two ranks.

Four starts in all, whatever the number of benchmarks; one that joins `support/suite` is run, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e.runner import Ended, command, start_of, write_answers
from lmms_eval_ja.jp_tasks import catalogue
from lmms_eval_ja.models.tiny import make_tiny_vlm
from support.hub import Hub
from support.suite import STAND_OF, TASKS, add_suite

pytestmark = pytest.mark.slow

GROUP = "japanese_vlm_light"
ASKED = ",".join([GROUP, *(task for task in TASKS if task not in catalogue.groups()[GROUP])])
RUNS = [(model, way) for model in ("replay", "tiny") for way in ("lmms-eval", "torchrun")]
#: Documents of each task that the tiny model answers.
LIMIT = 5


@pytest.fixture(scope="module")
def runs(hub: Hub, hub_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Ended]:
    """The four runs, two at a time."""
    add_suite(hub)
    folder = tmp_path_factory.mktemp("suite")
    for task in TASKS:
        write_answers(folder / "answers" / f"{task}.jsonl", STAND_OF[task].answers(task))
    model_words = {
        "replay": ["--model", "replay", "--model_args", f"answers={folder / 'answers'}"],
        "tiny": _tiny(make_tiny_vlm(folder / "tiny", positions=4096)),
    }
    env = dict(hub_env) | {"XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    with ThreadPoolExecutor(2) as pool:
        ended = pool.map(lambda run: _run(folder / "-".join(run), model_words[run[0]], run[1], env), RUNS)
        return dict(zip(RUNS, ended, strict=True))


def _tiny(checkpoint: Path) -> list[str]:
    arguments = f"pretrained={checkpoint},dtype=float32,answer_log=off"
    more = ["--batch_size", "4", "--gen_kwargs", "max_new_tokens=8", "--limit", str(LIMIT)]
    return ["--model", "ja_vlm", "--model_args", arguments, *more]


def _run(folder: Path, model: list[str], way: str, env: Mapping[str, str]) -> Ended:
    empty = folder / "empty"
    empty.mkdir(parents=True)
    words = [*start_of(way), *model, "--tasks", ASKED, "--output_path", str(folder / "out"), "--log_samples"]
    return command(words, dict(env) | {"ACCELERATE_USE_CPU": "true"}, cwd=empty, folder=folder / "out")


@pytest.mark.parametrize(("model", "way"), RUNS)
def test_every_task_runs_to_its_end(runs: dict[tuple[str, str], Ended], model: str, way: str) -> None:
    run = runs[model, way]
    assert run.returncode == 0, run.output[-4000:]
    for task in TASKS:
        rows = run.samples(task)
        assert [row["doc_id"] for row in rows] == list(range(len(rows)))
        assert len(rows) == (LIMIT if model == "tiny" else len(STAND_OF[task].answers(task)))


@pytest.mark.parametrize("way", ["lmms-eval", "torchrun"])
def test_replayed_scores_are_those_worked_out_by_hand(runs: dict[tuple[str, str], Ended], way: str) -> None:
    for task in TASKS:
        expected = STAND_OF[task].expected(task)
        shown = runs["replay", way].scores(task)
        assert {name: shown[name] for name in expected} == pytest.approx(expected), task


@pytest.mark.parametrize("model", ["replay", "tiny"])
def test_two_ranks_give_what_one_process_gives(runs: dict[tuple[str, str], Ended], model: str) -> None:
    one, two = (runs[model, way] for way in ("lmms-eval", "torchrun"))
    for task in TASKS:
        kept = ("doc_id", "filtered_resps", "target", "accuracy")
        first, second = ([{k: row.get(k) for k in kept} for row in run.samples(task)] for run in (one, two))
        assert first == second, task
        numbers = {name: value for name, value in one.scores(task).items() if isinstance(value, float)}
        shown = two.scores(task)
        # lmms-eval sums its clustered errors in the order in which the ranks' samples come in.
        assert {name: shown[name] for name in numbers} == pytest.approx(numbers, rel=1e-9, nan_ok=True), task


def test_the_table_has_a_row_for_the_group(runs: dict[tuple[str, str], Ended]) -> None:
    run = runs["replay", "lmms-eval"]
    (row,) = re.findall(rf"^\|{GROUP} .*\|accuracy +\|.*$", run.output, re.MULTILINE)
    mean = run.results["groups"][GROUP]["accuracy,none"]
    assert f"{mean:.4f}" in row
    for task in TASKS:
        assert re.search(rf"^\|[ -]*{task} *\|", run.output, re.MULTILINE), task
