"""Every benchmark of the suite from its data to its row, by replay in one warm process, and what stands beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.runner import write_answers
from e2e.worker import Evaluated, Worker
from lmms_eval_ja.jp_tasks import catalogue
from lmms_eval_ja.metrics import CHOICE_FAILURES
from support.hub import Hub
from support.suite import STAND_OF, TASKS, add_suite, jic
from support.suite.stand import UNREAD

#: Those of the paper, which tests of their own run.
PAPERS = catalogue.groups()["japanese_vlm"]
#: lmms-eval takes no two groups at once that share a task.
GROUP = "japanese_vlm_light"


@pytest.fixture(scope="module")
def suite(hub: Hub) -> Hub:
    """The hub, with the suite's data."""
    add_suite(hub)
    return hub


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of answers for each task."""
    folder = tmp_path_factory.mktemp("answers")
    for task in TASKS:
        write_answers(folder / f"{task}.jsonl", STAND_OF[task].answers(task))
    return folder


@pytest.fixture(scope="module")
def replayed(suite: Hub, worker: Worker, answers: Path) -> Evaluated:
    """All of them at once, some in their group."""
    return worker.evaluate([GROUP, *(task for task in TASKS if task not in catalogue.groups()[GROUP])], answers)


def test_every_benchmark_of_the_suite_is_run_here() -> None:
    """A task that joins the group has a stand-in, in `support/suite`."""
    assert set(catalogue.groups()["japanese_vlm_all"]) - set(PAPERS) <= set(TASKS)
    for members in catalogue.groups().values():
        assert set(members) <= set(catalogue.groups()["japanese_vlm_all"])


@pytest.mark.parametrize("task", TASKS)
def test_the_scores_are_those_worked_out_by_hand(replayed: Evaluated, task: str) -> None:
    expected = STAND_OF[task].expected(task)
    shown = replayed.scores(task)
    assert {name: shown[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("task", TASKS)
def test_beside_a_score_stand_its_interval_and_error_and_what_the_answers_are_like(
    replayed: Evaluated, task: str
) -> None:
    shown, headline = replayed.scores(task), _headline(task)
    assert shown[f"{headline}_ci_low"] < shown[headline] < shown[f"{headline}_ci_high"]
    assert shown[f"{headline}_stderr_clustered"] == pytest.approx(
        replayed.facts(task)["scores"][headline]["standard_error"]
    )
    assert 0 < shown["japanese_share"] <= 1
    assert shown["chars"] > 0
    assert (shown["judge_failures"], shown["parse_failures"]) == (0, 0)


@pytest.mark.parametrize("task", TASKS)
def test_categories_add_up_to_the_whole(replayed: Evaluated, task: str) -> None:
    facts = replayed.facts(task)
    headline = facts["scores"][_headline(task)]
    categories = facts["by_category"]
    if not categories:
        pytest.skip("the documents have no category")
    assert sum(own["scored"] for own in categories.values()) == headline["scored"]
    assert all(own["ci_low"] <= own["value"] <= own["ci_high"] for own in categories.values() if own["clusters"] > 1)


@pytest.mark.parametrize("task", TASKS)
def test_no_judge_is_named_and_none_asked(replayed: Evaluated, task: str) -> None:
    facts = replayed.facts(task)
    if facts["fingerprint"]["judging"]:
        pytest.skip("judged")
    assert (facts["judge"], facts["judging"], facts["failures"]) == (None, None, {})


def test_unreadable_answers_are_listed_with_their_reasons(replayed: Evaluated) -> None:
    found = replayed.facts("cvqa_ja")["unreadable_answers"]
    assert set(found) <= CHOICE_FAILURES.keys()
    # 203 = 29 · 7 kinds of answers, of which two cannot be read
    assert sum(own["count"] for own in found.values()) == 29 * len(UNREAD)
    assert all(len(own["samples"]) == 10 for own in found.values())


def test_samples_say_what_was_read(replayed: Evaluated) -> None:
    first = replayed.samples("mecha_ja")[0]["accuracy"]
    assert (first["read"], first["influence"]) == ("A", 100)
    assert any("unread" in sample["accuracy"] for sample in replayed.samples("mecha_ja"))


def test_the_prompt_is_the_benchmarks(replayed: Evaluated) -> None:
    asked = replayed.samples("jmmmu_ja")[1]["arguments"][0]
    assert asked.startswith("<image 1>と<image 2>に共通するものはどれですか（Accounting）？\nA. 青い歯車1\n")
    assert asked.endswith("\n\n与えられた選択肢の中から最も適切な回答のアルファベットを直接記入してください。")
    opened = replayed.samples("jmmmu_ja")[3]["arguments"][0]
    assert opened.endswith("\n\n質問に対する回答を単語や短いフレーズで記入してください。")


def test_jmmmu_joins_its_subjects_at_one_revision(replayed: Evaluated, suite: Hub) -> None:
    facts = replayed.facts("jmmmu_ja")
    repository = suite.repository("datasets", "JMMMU/JMMMU")
    assert repository is not None
    assert facts["fingerprint"]["dataset"]["revision"] == repository.main
    assert len(facts["by_category"]) == 28
    assert facts["fingerprint"]["dataset"]["changed"] == ["112 rows, expected 1320"]


def test_pictures_that_are_gone_are_counted_and_part_of_the_fingerprint(replayed: Evaluated) -> None:
    facts = replayed.facts("jic_vqa")
    assert facts["missing_pictures"]["count"] == len(jic.GONE) * len(jic.DOMAINS)
    assert facts["fingerprint"]["missing_pictures"] == facts["missing_pictures"]["sha256"]
    assert "jic_vqa: 40 of 48 pictures are there; 8 are gone from the web, 0 could not be reached" in replayed.log
    assert facts["scores"]["accuracy"]["coverage"] == pytest.approx(40 / 48)


def test_a_group_has_a_row_of_its_own(replayed: Evaluated) -> None:
    assert replayed.results is not None
    row = replayed.results["groups"][GROUP]
    means = [replayed.scores(task)["accuracy"] for task in catalogue.groups()[GROUP]]
    assert row["accuracy,none"] == pytest.approx(sum(means) / len(means))


def _headline(task: str) -> str:
    return next(info.headline for info in catalogue.tasks() if info.name == task)


@pytest.mark.parametrize("image", ["none", "blank", "shuffled"])
def test_what_the_model_is_shown_is_part_of_the_fingerprint(
    replayed: Evaluated, worker: Worker, answers: Path, image: str
) -> None:
    ablated = worker.evaluate(["cvqa_ja"], answers, {"LMMS_EVAL_JA_IMAGE": image})
    plain, other = (run.facts("cvqa_ja")["fingerprint"] for run in (replayed, ablated))
    assert ("image" in plain, other["image"]) == (False, image)
    assert plain["id"] != other["id"]
    assert {k: v for k, v in other.items() if k not in {"id", "image"}} == {k: v for k, v in plain.items() if k != "id"}


def test_a_cache_that_does_not_see_pictures_is_refused(worker: Worker, answers: Path, tmp_path: Path) -> None:
    env = {"LMMS_EVAL_JA_IMAGE": "none"}
    stopped = worker.evaluate(["ja_sample"], answers, env, use_cache=str(tmp_path / "cache"))
    assert stopped.exit is not None
    assert 'image = "none" and --use_cache' in stopped.exit


def test_a_failed_generation_is_no_number(suite: Hub, worker: Worker, tmp_path: Path) -> None:
    from lmms_eval_ja.metrics import failed_generation

    texts = dict(STAND_OF["mecha_ja"].answers("mecha_ja"))
    texts["m0_r0"] = failed_generation("out of memory")
    done = worker.evaluate(["mecha_ja"], write_answers(tmp_path / "mecha_ja.jsonl", texts))
    shown = done.scores("mecha_ja")
    assert str(shown["accuracy"]) == str(shown["consistency"]) == "nan"
    assert "mecha_ja has no complete score: 47 of 48 samples have a score; failures: 1 generation" in done.log


def test_judging_later_keeps_what_the_model_was_shown(
    suite: Hub, worker: Worker, answers: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = worker.evaluate(["cvqa_ja"], answers, {"LMMS_EVAL_JA_IMAGE": "blank"}, output_path=out, predict_only=True)
    assert done.results is not None, done.log
    (samples,) = out.rglob("*_samples_cvqa_ja.jsonl")
    record = {"config": done.results["config"] | {"model": "replay", "model_args": f"answers={answers}"}}
    record |= {"lmms_eval_ja": done.results["lmms_eval_ja"]}
    samples.with_name("now_results.json").write_text(json.dumps(record, default=str), encoding="utf-8")
    status, output = worker.command("judge", str(out), "--output", str(tmp_path / "judged"))
    assert status == 0, output
    (results,) = (tmp_path / "judged").rglob("*_results.json")
    written = json.loads(results.read_text(encoding="utf-8"))
    assert written["lmms_eval_ja"]["tasks"]["cvqa_ja"]["fingerprint"]["image"] == "blank"
    assert written["results"]["cvqa_ja"]["accuracy,none"] == pytest.approx(
        STAND_OF["cvqa_ja"].expected("cvqa_ja")["accuracy"]
    )
