"""The estimate before a run, on the benchmark that comes with the package; larger ones: tests/e2e/test_cost.py."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from lmms_eval_ja.clients import Store, StoredReply
from lmms_eval_ja.cost import CostError, Estimate, Plan, estimate
from support.replies import REPLY

ROWS = 40  # of ja_sample
JUDGES = """
judge = "openai"
[judges.local]
model = "local-model"
base_url = "http://127.0.0.1:8000/v1"
[judges.priced]
model = "priced-model"
base_url = "http://127.0.0.1:8000/v1"
price_input = 2.0
price_output = 6.0
[judges.jury]
provider = "jury"
members = ["local", "priced"]
repeats = 2
[judges.azure]
provider = "azure"
model = "deployment"
base_url = "https://mine.openai.azure.com"
api_version = "2024-10-21"
"""
STORED = replace(
    REPLY,
    protocol="vqa_likert/1",
    asked_model="priced-model",
    prompt_tokens=1_000,
    completion_tokens=100,
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge.toml, and no way to reach anybody."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "judge.toml").write_text(JUDGES, encoding="utf-8")

    def refuse(*_: object) -> None:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def likert(**wishes: object) -> Estimate:
    return estimate(Plan(["ja_sample"], protocol="vqa_likert", **wishes))  # type: ignore[arg-type]


def store(tmp_path: Path, *replies: StoredReply) -> None:
    filled = Store(tmp_path / "verdicts.sqlite")
    for number, reply in enumerate(replies):
        filled.put(replace(reply, key=str(number)))
    filled.close()


def test_documents_keep_their_rubrics() -> None:
    (item,) = estimate(Plan(["ja_sample_rubric"], judge="priced")).items
    assert (item.protocol, item.samples, item.requests) == ("rubric", ROWS, ROWS)
    assert item.tokens.prompt > 500  # the frame alone has 1,100 characters, the rubric and the longest answer add more


def test_samples_and_requests_are_those_of_the_task() -> None:
    items = estimate(Plan(["ja_sample"], judge="priced")).items
    # ja_pairwise asks in both orders
    assert [(i.protocol, i.samples, i.requests) for i in items] == [
        ("vqa_likert", ROWS, ROWS),
        ("ja_pairwise", ROWS, 2 * ROWS),
    ]
    again = estimate(Plan(["ja_sample"], judge="priced", repeats=3)).items
    assert [item.requests for item in again] == [3 * ROWS, 6 * ROWS]


def test_without_stored_replies_the_prompts_are_measured() -> None:
    estimated = likert(judge="priced")
    (item,) = estimated.items
    # The rubric alone is about 2,000 ASCII characters, and 256 characters of answer are allowed.
    assert 500 + 256 < item.tokens.prompt < 2_000
    assert item.completion_tokens == ROWS * 400
    assert item.dollars == pytest.approx((2 * item.prompt_tokens + 6 * ROWS * 400) / 1e6)
    assert item.basis.startswith("assumed: ")
    assert any(note.startswith("Assumed: 4 ASCII characters to a token") for note in estimated.notes)


def test_with_stored_replies_their_mean_is_taken(tmp_path: Path) -> None:
    store(tmp_path, STORED, replace(STORED, prompt_tokens=2_000, completion_tokens=300))
    estimated = likert(judge="priced")
    (item,) = estimated.items
    # Means 1,500 and 200: 40 * 1,500 * 2 / 1e6 + 40 * 200 * 6 / 1e6 = 0.12 + 0.048
    assert estimated.dollars == pytest.approx(0.168)
    assert item.basis == "mean of 2 stored replies: 1,500 + 200 a request"
    assert not any(note.startswith("Assumed") for note in estimated.notes)


def test_batches_are_half_the_price_of_the_table(tmp_path: Path) -> None:
    store(tmp_path, replace(STORED, asked_model="gpt-5.1-2025-11-13", model="gpt-5.1-2025-11-13"))
    # 40 * (1,000 * 1.25 + 100 * 10) / 1e6 = 0.09
    assert likert().dollars == pytest.approx(0.09)
    assert likert(batch=True).dollars == pytest.approx(0.045)
    assert any(note.startswith("Prices of 20") for note in likert().notes)


def test_an_unknown_price_is_no_dollars_and_says_what_to_state() -> None:
    estimated = likert(judge="local")
    (item,) = estimated.items
    assert (item.dollars, estimated.is_whole) == (None, False)
    assert item.prompt_tokens > 0
    (note,) = [note for note in estimated.notes if "No price" in note]
    assert "local-model: state its price_input and price_output in judge.toml, or LMMS_EVAL_JA_JUDGE_PRICE_IN" in note


def test_a_deployment_is_priced_by_the_model_that_it_reported(tmp_path: Path) -> None:
    assert likert(judge="azure").is_whole is False
    store(tmp_path, replace(STORED, asked_model="deployment", model="gpt-4o-2024-11-20"))
    # 40 * (1,000 * 2.5 + 100 * 10) / 1e6
    assert likert(judge="azure").dollars == pytest.approx(0.14)


def test_each_member_of_a_jury_is_asked(tmp_path: Path) -> None:
    store(tmp_path, STORED)
    estimated = likert(judge="jury")
    assert [(i.judge, i.requests) for i in estimated.items] == [
        ("local: local-model", 2 * ROWS),
        ("priced: priced-model", 2 * ROWS),
    ]
    # 80 * (1,000 * 2 + 100 * 6) / 1e6, and what has no known price
    assert (estimated.dollars, estimated.is_whole) == (pytest.approx(0.208), False)


@pytest.mark.parametrize("variables", [{"JUDGE": "overlap"}, {"JUDGE": "local", "JUDGE_MODE": "store"}])
def test_who_asks_nobody_pays_nothing(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"LMMS_EVAL_JA_{name}", value)
    estimated = likert()
    assert [(item.requests, item.basis) for item in estimated.items] == [(0, "asks nobody")]
    assert (estimated.dollars, estimated.is_whole) == (0, True)


def test_a_budget_that_will_not_do_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(tmp_path, STORED)  # 40 * (1,000 * 2 + 100 * 6) / 1e6 = 0.104
    monkeypatch.setenv("LMMS_EVAL_JA_BUDGET_USD", "0.10")
    assert any("more than the budget of $0.10" in note for note in likert(judge="priced").notes)
    monkeypatch.setenv("LMMS_EVAL_JA_BUDGET_USD", "0.11")
    assert not any("budget" in note for note in likert(judge="priced").notes)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Plan(["nonsense"]), "unknown task 'nonsense'; expected some of .*heron_bench_ja, "),
        (Plan(["ja_sample"], protocol="nonsense"), "unknown protocol 'nonsense'; expected one of "),
        (Plan(["ja_sample"], judge="nonsense"), "unknown judge 'nonsense'; expected one of azure, jury"),
        (Plan(["ja_sample"], judge="overlap", batch=True), "mode batch is for providers openai and azure"),
        (Plan([]), "no judge is asked about no task"),
    ],
)
def test_what_cannot_be_estimated_is_an_error(plan: Plan, expected: str) -> None:
    with pytest.raises(CostError, match=expected):
        estimate(plan)
