"""Report cards of two scripted judges over a real connection, one fair and one with planted biases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from lmms_eval_ja.judge_card import judge_card
from support.judge_server import JudgeServer
from support.probed_judges import ANSWERS, ScriptedJudge, fair, planted
from support.scored_sample import recorded_answers, write_run

_app = typer.Typer()
_app.command()(judge_card)
_USUAL = ["position", "image", "verbosity", "injection", "retest"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMMS_EVAL_JA_JUDGE", "overlap")
        patch.setenv("LMMS_EVAL_JA_STORE", str(folder / "none.sqlite"))
        write_run(folder, ANSWERS, recorded_answers(ANSWERS))
    return folder


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE", "openai")
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_SEES_IMAGE", "true")
    monkeypatch.setenv("LMMS_EVAL_JA_STORE", str(tmp_path / "verdicts.sqlite"))
    monkeypatch.setenv("OPENAI_API_KEY", "scripted")


def _card(run: Path, *options: object) -> Result:
    return CliRunner().invoke(_app, [str(run), "--protocol", "ja_pairwise", *map(str, options)])


def _verdicts(card: dict[str, Any]) -> dict[str, str]:
    return {probe["name"]: probe["verdict"] for probe in card["probes"]}


@pytest.mark.slow
@pytest.mark.parametrize(("judge", "found"), [(fair(), set()), (planted(), {"position", "image", "verbosity"})])
def test_planted_biases_are_found_and_no_other(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judge: ScriptedJudge, found: set[str]
) -> None:
    with JudgeServer(judge) as server:
        monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_BASE_URL", server.base_url)
        done = _card(run, "--output", tmp_path / "card")
        assert server.errors == []
        assert done.exit_code == 0, done.output
        card = json.loads((tmp_path / "card" / "card.json").read_text(encoding="utf-8"))
        again = _card(run, "--output", tmp_path / "again", "--probes", "position")
        assert again.exit_code == 0, again.output
    verdicts = _verdicts(card)
    assert {name for name, verdict in verdicts.items() if verdict == "found"} == found
    assert verdicts == {name: "found" if name in found else "not found" for name in _USUAL}
    assert (card["answers"], card["images"], card["scored"]) == (40, 10, 40)
    # Both orders of each: as usual three times, and once with another image, padding, a bad answer, an attempt.
    assert card["requests"] == server.served == 2 * 40 * (3 + 4)
    assert card["models"] == [server.model]
    assert all((one["n"], one["wanted"], one["failures"]) == (40, 40, {}) for one in card["probes"])
    assert "is not known" in card["warnings"][0]
    assert f"Written to {tmp_path / 'card'}" in done.output.replace("\n", "")
    for name in ("card.md", "card.html"):
        text = (tmp_path / "card" / name).read_text(encoding="utf-8")
        assert "判定器の成績表" in text
        assert ("found" in text, "あり" in text) == (True, True)


def test_a_dry_run_asks_nobody(run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_SEES_IMAGE", "false")
    done = _card(run, "--dry-run", "--limit", 10, "--output", tmp_path / "card")
    assert done.exit_code == 0, done.output
    assert "image: not applicable: the judge is sent no images (sees_image)" in done.output
    # Both orders of ten answers: three times as usual, and padded, bad, and with an attempt.
    assert "10 answers" in done.output
    assert "120 requests" in done.output
    assert "about $" in done.output
    assert not (tmp_path / "card").exists()


@pytest.mark.slow
def test_failures_are_counted_and_give_no_finding(run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_SEES_IMAGE", "false")
    with JudgeServer(lambda _: "採点できません。") as server:
        monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_BASE_URL", server.base_url)
        done = _card(run, "--limit", 20, "--probes", "position,verbosity", "--output", tmp_path / "card")
    assert done.exit_code == 1
    card = json.loads((tmp_path / "card" / "card.json").read_text(encoding="utf-8"))
    assert _verdicts(card) == {"position": "incomplete", "verbosity": "incomplete"}
    assert [one["failures"] for one in card["probes"]] == [{"parse": 20}, {"parse": 40}]
    assert (card["mean"], card["scored"]) == (None, 0)
    assert all(one["effect"] is None for one in card["probes"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--probes", "magic"], "unknown probe 'magic'; known: position, image"),
        (["--judge", "overlap"], "overlap is no LLM"),
        (["--protocol", "none"], "--protocol none: unknown; expected one of critic"),
        (["--agreement", "labels.json"], "is no file of `lmms-eval-ja judge-eval --json`"),
    ],
)
def test_what_cannot_be_is_told_before_anybody_is_asked(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.json").write_text('{"judges": 3}', encoding="utf-8")
    done = _card(run, "--output", tmp_path / "card", *options)
    assert done.exit_code == 1
    assert message in done.output
    assert not (tmp_path / "card").exists()


_OPEN = '[judges.local]\nmodel = "qwen"\nbase_url = "{url}"\n'


@pytest.mark.parametrize(
    ("before", "after", "message", "dry"),
    [
        ("budget_usd = 1.0\n", "", "there is a budget, but no price is known for qwen", []),
        ("budget_usd = 1.0\n", "", "there is a budget, but no price is known for qwen", ["--dry-run"]),
        pytest.param("", 'agreement = "absent.json"\n', "No such file", [], marks=pytest.mark.slow),
        pytest.param("", 'agreement = "half.json"\n', "is no file of", ["--dry-run"], marks=pytest.mark.slow),
    ],
)
def test_what_judge_toml_names_is_looked_at_before_the_judge_is_asked(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, message: str, dry: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    statistics = {"pearson": {"value": 0.9, "ci_low": 0.8, "ci_high": "high"}}
    own = {"judge": "qwen", "protocol": "", "agreement": {"n": 40, "n_clusters": 10, "statistics": statistics}}
    half = {"tasks": [], "raters": [], "judges": [own]}
    (tmp_path / "half.json").write_text(json.dumps(half), encoding="utf-8")
    monkeypatch.delenv("LMMS_EVAL_JA_JUDGE")
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_FILE", str(tmp_path / "judge.toml"))
    with JudgeServer(fair()) as server:
        (tmp_path / "judge.toml").write_text(
            'judge = "local"\n' + before + _OPEN.format(url=server.base_url) + after, encoding="utf-8"
        )
        done = _card(run, "--limit", 20, "--probes", "verbosity", "--output", tmp_path / "card", *dry)
        assert server.requests == []
    assert done.exit_code == 1
    assert message in " ".join(done.output.split())
    assert not (tmp_path / "card").exists()
