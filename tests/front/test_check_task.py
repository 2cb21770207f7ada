"""`lmms-eval-ja check-task`: a fresh folder passes, and each way to break it names the mend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from click.testing import Result
from datasets import Dataset
from typer.testing import CliRunner

from lmms_eval_ja import check_task
from lmms_eval_ja.doctor import Finding, Level
from lmms_eval_ja.jp_tasks.catalogue import tasks
from lmms_eval_ja.judges import score_rubric
from lmms_eval_ja.new_task import Kind, make_task
from lmms_eval_ja.task_files import TaskFileError, find_tasks
from lmms_eval_ja.task_findings import examine_files, headings_problem
from lmms_eval_ja.task_trial import _documents
from support.broken_tasks import HARMLESS, NAME, OF_FILES, OF_TRIALS, YAML


def call(word: str) -> Result:
    app = typer.Typer()
    app.command()(check_task.check_task)
    return CliRunner().invoke(app, [word])


_DRIVER = """
import sys
from pathlib import Path
from lmms_eval_ja.task_trial import main
for path in sys.argv[1:]:
    print("#", path, flush=True)
    main(Path(path))
"""


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    """What is found in each broken folder, and in a fresh one of each kind; all in one process."""
    base = tmp_path_factory.mktemp("trials")
    paths = {}
    for number, (name, (kind, change, _, _)) in enumerate(OF_TRIALS.items()):
        folder = make_task(NAME, kind, base / str(number))
        change(folder)
        paths[name] = folder / YAML
    for name, change in HARMLESS.items():
        folder = make_task(NAME, Kind.CHOICE, base / name.replace(" ", "_"))
        change(folder)
        paths[name] = folder / YAML
    paths |= {kind.value: make_task(NAME, kind, base / kind.value) / YAML for kind in Kind}
    env = os.environ | {"HF_HOME": str(base / "hf"), "HF_HUB_OFFLINE": "1", "LMMS_EVAL_JA_JUDGE": "nobody"}
    words = [sys.executable, "-c", _DRIVER, *map(str, paths.values())]
    done = subprocess.run(words, cwd=base, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    parts = [part.splitlines() for part in ("\n" + done.stdout).split("\n# ")[1:]]
    assert [part[0] for part in parts] == [str(path) for path in paths.values()]
    records = [[json.loads(line) for line in part[1:]] for part in parts]
    found = [[Finding(Level(level), *more) for level, *more in own] for own in records]
    return dict(zip(paths, found, strict=True))


def broken(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level is Level.BROKEN]


@pytest.mark.parametrize("name", OF_FILES)
def test_a_broken_file_names_the_mend(name: str, tmp_path: Path) -> None:
    change, what, mend = OF_FILES[name]
    folder = make_task(NAME, Kind.CHOICE, tmp_path)
    change(folder)
    (task,) = find_tasks(str(folder))
    own = [finding for finding in broken(list(examine_files(task))) if finding.what == what]
    assert [finding for finding in own if mend in finding.fix], broken(list(examine_files(task)))


@pytest.mark.parametrize("name", OF_TRIALS)
def test_what_a_trial_finds_names_the_mend(name: str, trials: dict[str, list[Finding]]) -> None:
    _, _, what, mend = OF_TRIALS[name]
    (finding,) = broken(trials[name])
    assert (finding.what, mend in finding.fix) == (what, True), finding


@pytest.mark.parametrize("kind", list(Kind))
def test_a_fresh_folder_passes(kind: Kind, trials: dict[str, list[Finding]]) -> None:
    found = trials[kind.value]
    assert {finding.level for finding in found} == {Level.OK}, found
    last = found[-1]
    assert last.what == "run of 3 documents"
    # `overlap` gives the highest grade of vqa_likert to an answer that is the reference.
    best = "judge_mean = 5, judged by overlap" if kind is Kind.JUDGED else "accuracy = 100"
    assert f"the references themselves score {best}" in last.found


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_right_passes(name: str, trials: dict[str, list[Finding]]) -> None:
    found = trials[name]
    assert {finding.level for finding in found} == {Level.OK}, found
    assert "accuracy = 100" in found[-1].found


def test_the_command_shows_every_finding_and_ends_with_1(tmp_path: Path) -> None:
    folder = make_task(NAME, Kind.CHOICE, tmp_path)
    for name in ("no until", "no licence", "a heading less"):
        OF_FILES[name][0](folder)
    done = call(str(folder))
    assert done.exit_code == 1
    for said in ("write until: []", "write licence:", '"## Deviations"', "not tried"):
        assert said in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task: x\n  rows: 3\n", f"{YAML}, line 2: no YAML"),
        ("- a\n- b\n", "expected keys with values"),
        ("include: ../_nothing\ntask: x\n", "include: ../_nothing: there is no such file"),
        ("process_docs: !function [a]\n", "expected a name behind !function"),
    ],
)
def test_a_yaml_that_cannot_be_read_is_named(text: str, said: str, tmp_path: Path) -> None:
    folder = make_task(NAME, Kind.CHOICE, tmp_path)
    (folder / YAML).write_text(text, encoding="utf-8")
    with pytest.raises(TaskFileError) as stopped:
        find_tasks(str(folder))
    assert said in str(stopped.value)
    done = call(str(folder))
    assert done.exit_code == 1
    assert "error: " in done.output


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    done = call("no_such_task")
    assert done.exit_code == 1
    assert "see lmms-eval-ja tasks" in done.output
    done = call(str(tmp_path))
    assert done.exit_code == 1
    assert "holds no YAML of a task" in done.output


def test_headings_may_have_others_between_them_and_metrics_in_one_with_marking() -> None:
    headings = ["Source, licence, size", "What the model sees", "How an answer is marked, metrics", "Deviations"]
    headings += ["Contaminated models", "Published figures", "How the implementation was checked", "How to run"]
    text = "".join(f"## {heading}\n\ntext\n\n" for heading in [*headings, "Checklist"])
    assert headings_problem(text) is None
    assert headings_problem(text.replace(", metrics", "")) == 'write the heading "## Metrics"'


@pytest.mark.parametrize("name", [task.name for task in tasks() if not task.name.startswith("ja_sample")])
def test_the_files_of_our_own_tasks_are_right(name: str) -> None:
    (task,) = find_tasks(name)
    assert broken(list(examine_files(task))) == []


@pytest.mark.parametrize(
    ("rubrics", "what", "found"),
    [
        (None, "columns", "no column rubric, by which the protocol rubric judges"),
        ([None, None], "judging", "row 0 has no rubric"),
        ([list("一二三四五"), list("一二三四")], "judging", "row 1: a rubric does not describe score 5"),
        ([list("一二三四五"), list("五四三二一")], None, None),
    ],
)
def test_documents_that_lack_what_their_protocol_judges_by(rubrics, what, found):
    # the trial's judge is overlap, which needs no rubric
    rows = [{"id": n, "question": "何色？", "answer": "白"} for n in range(2)]
    if rubrics is not None:
        stated = [levels and {"criteria": "色。", "levels": levels} for levels in rubrics]
        rows = [row | {"rubric": rubric} for row, rubric in zip(rows, stated, strict=True)]
    findings = list(_documents({"process_results": score_rubric}, Dataset.from_list(rows)))
    if what is None:
        assert findings == []
    else:
        (finding,) = findings
        assert (finding.level, finding.what) == (Level.BROKEN, what)
        assert finding.found.startswith(found)
