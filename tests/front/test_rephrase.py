"""The command that puts a task's questions in other words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lmms_eval_ja import rephrase
from lmms_eval_ja.jp_tasks.rephrasing.variant_file import read_variants
from support.judge_server import JudgeServer

app = typer.Typer()
app.command()(rephrase.rephrase)


def _run(*words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    found = CliRunner().invoke(app, list(words), env=env, catch_exceptions=False)
    return found.exit_code, found.output


def test_by_rules_and_an_llm(tmp_path: Path) -> None:
    def reply(_: dict[str, Any]) -> str:
        return json.dumps({"variants": ["防災訓練は、何日にありますか。", "防災訓練は何日？"]})

    path = tmp_path / "ja_sample.jsonl"
    with JudgeServer(reply) as server:
        env = {"LMMS_EVAL_JA_JUDGE_BASE_URL": server.base_url, "LMMS_EVAL_JA_STORE": str(tmp_path / "s.sqlite")}
        words = ("ja_sample_robust", "--output", str(path), "--rules", "style", "--by", "llm", "--judge", "openai")
        status, output = _run(*words, env=env)
        assert len(server.requests) == 40
    assert status == 0
    assert "rule:style: 39" in output
    assert "Read it line by line" in output
    found = read_variants(path)
    own = [one for one in found if one.question_id == "event_calendar_1"]
    assert [(one.made_by, one.variant) for one in own] == [
        ("rule:style", "防災訓練は何日？"),  # which the LLM gave, too: once is enough
        (f"llm:{server.model}", "防災訓練は、何日にありますか。"),
    ]
    ids = [one.question_id for one in found]
    assert ids == sorted(ids, key=list(dict.fromkeys(ids)).index)  # one question after another
    assert {one.task for one in found} == {"ja_sample"}
    status, output = _run(*words, env=env)
    assert (status, "exists, and somebody may have gone through it" in output) == (1, True)


def test_the_folder_is_made_before_anybody_is_asked(tmp_path: Path) -> None:
    with JudgeServer(lambda _: '{"variants": ["これ、どういうことなん？"]}') as server:
        env = {"LMMS_EVAL_JA_JUDGE_BASE_URL": server.base_url, "LMMS_EVAL_JA_STORE": str(tmp_path / "s.sqlite")}
        words = ("ja_sample", "--rules", "", "--by", "llm", "--judge", "openai", "--output")
        (tmp_path / "file").write_text("")
        status, output = _run(*words, str(tmp_path / "file" / "ja_sample.jsonl"), env=env)
        assert (status, "cannot be written" in output, len(server.requests)) == (1, True, 0)
        path = tmp_path / "variants" / "ja_sample.jsonl"
        status, output = _run(*words, str(path), env=env)
        assert (status, len(server.requests)) == (0, 40)
    assert read_variants(path)


def test_without_any_variant_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "ja_sample.jsonl"
    with JudgeServer(lambda _: '{"variants": [""]}') as server:
        env = {"LMMS_EVAL_JA_JUDGE_BASE_URL": server.base_url, "LMMS_EVAL_JA_STORE": str(tmp_path / "s.sqlite")}
        words = ("ja_sample", "--rules", "", "--by", "llm", "--judge", "openai", "--output", str(path))
        status, output = _run(*words, env=env)
    assert status == 1
    assert "no variant of any question of ja_sample (refused: 40 empty); nothing was written" in output
    assert not path.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["heron"], "unknown task 'heron'; expected some of"),
        (["japanese_vlm"], "japanese_vlm is a group; name one of its tasks: heron_bench_ja"),
        (["ja_sample", "--rules", "polite"], "unknown rule 'polite'; expected some of style, soften"),
        (["ja_sample", "--dialect", "edo"], "unknown dialect 'edo'; expected one of kansai"),
        (
            ["ja_sample", "--judge", "openai"],
            "--judge and --variants say which LLM is asked, and for how many: add --by",
        ),
        (["ja_sample", "--variants", "7"], "--judge and --variants say which LLM is asked, and for how many: add --by"),
        (["ja_sample", "--rules", ""], "nothing makes variants: name a rule with --rules, or add --by llm"),
        (["ja_sample", "--by", "people"], "unknown --by 'people'; expected rules or llm"),
        (["ja_sample", "--by", "llm", "--judge", "overlap"], "the judge overlap writes no questions"),
        (["ja_sample", "--by", "llm", "--judge", "nobody"], "unknown judge 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_said(words: list[str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    status, output = _run(*words, "--output", str(path))
    assert status == 1
    assert message in " ".join(output.split())
    assert not path.exists()
