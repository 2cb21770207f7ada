"""What the doctor says about the judge: the settings as they are in force, and no key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lmms_eval_ja.doctor import Finding, Level, examine_judging
from support.judge_server import JudgeServer

SECRET = "sk-a-key-that-nobody-may-see"


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    with JudgeServer(lambda _: "Score: 4") as server:
        yield server


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)


def findings(judge_toml: str) -> dict[str, Finding]:
    Path("judge.toml").write_text(judge_toml, encoding="utf-8")
    found = {finding.what: finding for finding in examine_judging()}
    assert SECRET not in repr(found)
    assert "pass-word" not in repr(found)
    return found


def test_a_judge_that_answers_is_shown_with_its_address_and_price(server: JudgeServer, tmp_path: Path) -> None:
    found = findings(
        f'judge = "mine"\nbudget_usd = 2.5\n[judges.mine]\nmodel = "m"\nbase_url = "{server.base_url}"\nrepeats = 5\n'
        "price_input = 0.5\nprice_output = 2\n"
    )
    assert found["settings"].found == f"{tmp_path / 'judge.toml'}; judge: mine, 5 times; budget $2.50 a run"
    assert found["judge mine"].level is Level.OK
    assert found["judge mine"].found == (
        f"m at {server.base_url}; key: none is sent; name its variable in api_key_env if the server wants one; answers"
    )
    assert found["price of mine"].found == "$0.5 and $2 per million tokens"
    assert server.requests == []  # nothing was paid for


def test_a_price_that_is_not_known_is_a_fault_where_there_is_a_budget(server: JudgeServer) -> None:
    url = server.base_url.replace("http://", "http://me:pass-word@")
    text = f'judge = "mine"\n[judges.mine]\nmodel = "gpt-4o"\nbase_url = "{url}"\n'
    found = findings(text)
    assert found["price of mine"] == Finding(Level.OK, "price of mine", "not known; tokens are counted, no dollars")
    assert found["settings"].found.endswith("; judge: mine; no budget")
    limited = findings("budget_usd = 1\n" + text)["price of mine"]
    assert limited.level is Level.BROKEN
    assert "state price_input and price_output" in limited.fix


def test_a_jury_is_shown_judge_by_judge(server: JudgeServer) -> None:
    found = findings(
        'judge = "jury"\n[judges.jury]\nprovider = "jury"\nmembers = ["here", "gone"]\n'
        f'[judges.here]\nmodel = "a"\nbase_url = "{server.base_url}"\n'
        '[judges.gone]\nmodel = "b"\nbase_url = "http://me:pass-word@127.0.0.1:1/v1"\n'
    )
    assert "judge: jury, a jury of here, gone; no budget" in found["settings"].found
    assert (found["judge here"].level, found["judge gone"].level) == (Level.OK, Level.BROKEN)
    assert "cannot be reached" in found["judge gone"].fix


def test_who_only_reads_the_store_asks_nobody() -> None:
    found = findings('[judges.openai]\nmode = "store"\n')
    assert found["judge openai"].level is Level.OK
    assert found["judge openai"].found == (
        "gpt-5.1-2025-11-13 at https://api.openai.com/v1; from the store only; key: OPENAI_API_KEY is set"
    )
    assert found["price of openai"].found.startswith("$1.25 and $10 per million tokens; as of 20")


def test_a_judge_in_this_process_has_no_address() -> None:
    found = findings('judge = "mine"\n[judges.mine]\nprovider = "transformers"\nmodel = "org/judge"\n')
    assert found["judge mine"].found == "org/judge in this process by transformers"
    assert found["price of mine"].found == "$0 and $0 per million tokens"


def test_settings_that_cannot_be_used_are_broken() -> None:
    found = findings("budget_usd = 0\n")
    assert set(found) == {"settings"}
    assert found["settings"].level is Level.BROKEN
    assert "budget_usd: expected US dollars above 0" in found["settings"].found
