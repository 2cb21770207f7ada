"""`lmms-eval-ja verdicts`, and what it is for: a store that is handed on gives the same scores without a judge."""

from __future__ import annotations

import json
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from lmms_eval_ja import verdicts
from lmms_eval_ja.clients import JudgeSettings, Store, StoredReply
from lmms_eval_ja.clients.exchange import merge
from lmms_eval_ja.judges import Judge, Sample, judge_samples
from support.judge_server import JudgeServer, user_text
from support.replies import REPLY as PLAIN

KEY = "sk-a-key-that-nobody-may-see"
REPLY = replace(PLAIN, messages="[]", content="\n  8 9  \n理由", prompt_tokens=1200, completion_tokens=34)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setattr(verdicts, "console", Console(width=300))


@pytest.fixture
def path(tmp_path) -> Path:
    """The store of the settings (`LMMS_EVAL_JA_STORE`)."""
    return tmp_path / "verdicts.sqlite"


def fill(path: Path, *replies: StoredReply) -> Path:
    with closing(Store(path)) as opened:
        for reply in replies:
            opened.put(reply)
    return path


def keys(path: Path) -> list[str]:
    with closing(Store(path)) as opened:
        return sorted(reply.key for reply in opened)


def call(*arguments: object, input: str | None = None) -> Result:  # noqa: A002 (click's name)
    return CliRunner().invoke(verdicts.app, [str(argument) for argument in arguments], input=input)


@pytest.mark.parametrize("command", ["show", "export", "merge", "prune"])
def test_every_help_has_an_example(command):
    help_text = typer.main.get_command(verdicts.app).commands[command].help
    assert f"Example: `lmms-eval-ja verdicts {command} " in help_text
    assert call(command, "--help").exit_code == 0


@pytest.mark.parametrize("command", [("show",), ("export", "out.jsonl"), ("prune", "--protocol", "p")])
def test_a_store_that_is_not_there_yet(command, path):
    done = call(*command)
    assert (done.exit_code, done.output) == (0, f"there is no store yet: {path}\n")
    assert not path.exists()


def test_settings_that_cannot_be_used_are_one_line(monkeypatch, path, tmp_path):
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE", "nobody")
    done = call("show")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "error: unknown judge 'nobody'" in done.output
    assert call("export", tmp_path / "out.jsonl", "--store", fill(path, REPLY)).exit_code == 0


def test_a_damaged_store_is_one_line(path):
    path.write_bytes(b"this is no database " * 500)
    done = call("show")
    assert (done.exit_code, done.output) == (1, f"error: {path} cannot be read: file is not a database\n")
    assert [entry.name for entry in path.parent.iterdir()] == ["verdicts.sqlite"]


# --- show ---


def cells(output: str, name: str) -> list[str]:
    """The cells of the table's row that begins with a name."""
    [row] = [line for line in output.splitlines() if re.match(rf"│ {re.escape(name)} ", line)]
    return [cell.strip() for cell in row.strip("│").split("│")]


def test_show_counts(path):
    likert = {"protocol": "vqa_likert/1", "completion_tokens": None, "created": 1_700_000_000.0}
    fill(path, REPLY, replace(REPLY, key="m", created=1_767_312_000.0), replace(REPLY, key="n", **likert))
    done = call("show")
    assert done.exit_code == 0
    dates = ["2026-01-01 00:00", "2026-01-02 00:00"]
    assert cells(done.output, "original/1") == ["original/1", "asked", "served", "2", "2,400", "68", *dates]
    unknown = ["1", "1,200 (1 unknown)", "(1 unknown)", "2023-11-14 22:13", "2023-11-14 22:13"]
    assert cells(done.output, "vqa_likert/1") == ["vqa_likert/1", "asked", "served", *unknown]
    assert f"3 replies, 0.0 MB: {path}" in done.output
    assert "理由" not in done.output


def test_show_lists_the_newest_replies(path):
    newer = replace(REPLY, key="new", created=1_767_312_000.0, content="10 10", model="snapshot")
    refused = replace(REPLY, key="no", created=1.0, content=None, refusal="お断り", model="strict")
    fill(path, REPLY, newer, refused)
    output = call("show", "--last", 2).output
    tail = output[output.index("replies, ") :]
    assert cells(tail, "original/1 │ snapshot")[-1] == "10 10"
    assert cells(tail, "original/1 │ served")[1:] == ["served", "2026-01-01 00:00", "8 9"]
    assert "strict" not in tail
    assert "(refused) お断り" in call("show", "--last", 3).output


def test_a_reply_cannot_write_to_the_terminal(path):
    fill(path, replace(REPLY, content="\x1b[2J[red]10\x07 全角\u3000空白" + "長" * 500, model="\x1b]0;me\x07[bold]m"))
    output = call("show", "--last", 1).output
    assert not {"\x1b", "\x07"} & set(output)
    assert "�[2J[red]10� 全角\u3000空白" in output
    assert "�]0;me�[bold]m" in output
    assert "長" * 100 not in output


# --- export ---


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_an_export_holds_no_key_of_the_environment(path, tmp_path, monkeypatch, suffix):
    other = "hf_another-token-of-somebody"
    monkeypatch.setenv("MY_JUDGE", KEY)
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_API_KEY_ENV", "MY_JUDGE")
    monkeypatch.setenv("HF_TOKEN", other)
    fill(path, REPLY, replace(REPLY, key="echo", content=f"Bearer {KEY}", messages=f'["{other}"]'))
    out = tmp_path / f"out.{suffix}"
    done = call("export", out)
    assert done.exit_code == 0
    assert f"2 replies written: {out}" in done.output
    assert "a key of this environment was removed from 1 reply" in done.output
    raw = out.read_bytes()
    assert b"[key removed]" in raw
    assert KEY.encode() not in raw
    assert other.encode() not in raw


def test_an_export_of_a_selection_and_over_a_file(path, tmp_path):
    fill(path, REPLY, replace(REPLY, key="m", protocol="vqa_likert/1"), replace(REPLY, key="n", model="other"))
    out = tmp_path / "out.jsonl"
    assert call("export", out, "--protocol", "original", "--model", "other").exit_code == 0
    assert json.loads(out.read_text())["key"] == "n"
    done = call("export", out)
    assert (done.exit_code, done.output) == (1, f"error: {out} exists; see --force\n")
    assert call("export", out, "--force").exit_code == 0
    assert len(out.read_text().splitlines()) == 3


# --- merge ---


def test_merge_reports_each_file(path, tmp_path):
    fill(path, REPLY)
    one = fill(tmp_path / "one.sqlite", REPLY, replace(REPLY, key="m"))
    two = tmp_path / "two.jsonl"
    call("export", two, "--store", fill(tmp_path / "odd", replace(REPLY, content="0 0"), replace(REPLY, key="n")))
    done = call("merge", one, two)
    assert done.exit_code == 0
    assert f"{one}: 1 new, 1 known, 0 conflicting, 0 bad" in done.output
    assert f"{two}: 1 new, 0 known, 1 conflicting, 0 bad" in done.output
    assert "conflict, the first is kept: k\n" in done.output
    assert f"3 replies now: {path}" in done.output
    with closing(Store(path)) as opened:
        assert opened.get("k") == REPLY


def test_merge_names_bad_rows_and_takes_the_others(path, tmp_path):
    source = tmp_path / "some.jsonl"
    call("export", source, "--store", fill(tmp_path / "odd", REPLY))
    source.write_text("{\n" * 25 + source.read_text())
    done = call("merge", source)
    assert done.exit_code == 1
    assert f"bad row, left out: {source}, row 1: no JSON: " in done.output
    assert "… and 5 more" in done.output
    assert keys(path) == ["k"]


def test_merge_looks_for_all_files_first(path, tmp_path):
    done = call("merge", fill(tmp_path / "one.sqlite", REPLY), tmp_path / "two.sqlite")
    assert (done.exit_code, done.output) == (1, f"error: {tmp_path / 'two.sqlite'} is no file\n")
    assert not path.exists()


def samples() -> list[Sample]:
    return [Sample(str(n), f"質問{n}", f"回答{n}", f"参照{n}") for n in range(12)]


def grade(body: dict) -> str:
    """A score that follows from the sample; what is said of sample 5 cannot be read."""
    number = int(re.search(r"回答(\d+)", user_text(body))[1])
    return "わかりません" if number == 5 else f"Score: {number % 5 + 1}"


@pytest.mark.parametrize("how", ["store", "jsonl", "parquet"])
def test_a_store_that_is_handed_on_gives_every_verdict_without_key_and_judge(tmp_path, monkeypatch, how):
    first, second = tmp_path / "first.sqlite", tmp_path / "second.sqlite"
    with JudgeServer(grade, require_key=KEY) as server:
        judge = Judge(JudgeSettings(base_url=server.base_url, api_key_env="MY_KEY", model="asked", repeats=2))
        monkeypatch.setenv("MY_KEY", KEY)
        original = judge_samples(samples(), "vqa_likert", judge, store=first)
        monkeypatch.delenv("MY_KEY")
        server.requests.clear()
        source = first if how == "store" else tmp_path / f"out.{how}"
        if how != "store":
            assert call("export", source, "--store", first).exit_code == 0
        with closing(Store(second)) as opened:
            assert merge(opened, source).new == len(keys(first))
        again = judge_samples(samples(), "vqa_likert", judge, store=second)
        assert server.requests == []
    assert [verdict["score"] for verdict in original[:6]] == [1, 2, 3, 4, 5, None]
    assert [dict(verdict) for verdict in again] == [dict(verdict) for verdict in original]


# --- prune ---


@pytest.fixture
def three(path) -> Path:
    second = replace(REPLY, key="m", created=1_767_312_000.0)  # 2026-01-02
    return fill(path, REPLY, second, replace(REPLY, key="n", protocol="vqa_likert/1", model="other"))


def test_prune_wants_a_filter(three):
    done = call("prune", "--yes")
    assert (done.exit_code, done.output) == (1, "error: which replies? Give --protocol, --model or --before\n")
    assert keys(three) == ["k", "m", "n"]


def test_prune_shows_and_asks(three):
    for answer in ("n\n", ""):  # "": nobody is there to answer
        done = call("prune", "--protocol", "original", input=answer)
        assert done.exit_code == 1
        assert f"2 replies chosen in {three}" in done.output
        assert "Delete 2 replies? [y/N]" in done.output
        assert keys(three) == ["k", "m", "n"]
    done = call("prune", "--protocol", "original", input="y\n")
    assert done.exit_code == 0
    assert "2 replies deleted" in done.output
    assert keys(three) == ["n"]


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (["--before", "2026-01-02"], ["m"]),
        (["--before", "2026-01-01T00:00:00"], ["k", "m", "n"]),
        (["--model", "other"], ["k", "m"]),
        (["--protocol", "original/1", "--before", "2026-01-02"], ["m", "n"]),
    ],
)
def test_prune_deletes_what_is_chosen(three, chosen, left):
    dry = call("prune", *chosen, "--dry-run", "--yes")
    assert dry.exit_code == 0
    assert f"{3 - len(left)} repl" in dry.output
    assert keys(three) == ["k", "m", "n"]
    assert call("prune", *chosen, "--yes").exit_code == 0
    assert keys(three) == left
