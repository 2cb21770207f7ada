"""What is said about batches, and that a run of a model does not wait for them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from lmms_eval_ja import batches
from lmms_eval_ja.clients import ChatReply, Store, load_settings
from lmms_eval_ja.clients.ledger import Ledger, Planned
from lmms_eval_ja.judges import grading, score_rouge_l
from lmms_eval_ja.judges.batch import Filled, OpenBatch
from lmms_eval_ja.run import CheckFailedError, _check_mode
from support.batch_server import BatchServer

RUNNING = OpenBatch("batch_1", "gpt", 1_200, "in_progress", 1_000, 1_200)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "console", Console(width=300))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The store of the settings (`LMMS_EVAL_JA_STORE`)."""
    return tmp_path / "verdicts.sqlite"


def call(*words: object) -> Result:
    return CliRunner().invoke(batches.app, [str(word) for word in words])


@pytest.mark.parametrize(
    ("filled", "expected"),
    [
        (Filled(), []),
        (
            Filled(submitted={"batch_1": 1_200}, open=[RUNNING]),
            ["Submitted 1,200 requests in 1 batch: batch_1.", "The results may take a day."],
        ),
        (
            Filled(submitted={"batch_2": 1, "batch_3": 2}, collected=1, open=[RUNNING, OpenBatch("b", "gpt", 9)]),
            [
                "Collected 1 reply.",
                "Submitted 3 requests in 2 batches: batch_2, batch_3.",
                "Batch batch_1 of gpt: in_progress, 1,000 of 1,200 done.",
                "Batch b of gpt: 9 requests.",
                "The results may take a day.",
            ],
        ),
        (Filled(elsewhere=1), ["1 request is being asked by another process.", "The results may take a day."]),
        (
            Filled(ended=["batch batch_1 failed: too many"], over_budget=2, left=1, left_because="HTTP 500"),
            [
                "Nothing more was submitted, because batch batch_1 failed: too many. Run the same command again",
                "2 requests were not submitted, because the budget has no room",
                "1 request has failed for good and will be in no batch again; one of them: HTTP 500",
            ],
        ),
    ],
)
def test_what_is_said(filled: Filled, expected: list[str]) -> None:
    said = list(batches.sentences(filled))
    assert len(said) == len(expected)
    assert all(sentence.startswith(start) for sentence, start in zip(said, expected, strict=True))


def test_the_list_counts_what_came_of_the_requests(path: Path) -> None:
    assert "there is no store yet" in call().output
    with closing(Store(path)) as store:
        ledger = Ledger(store)
        id_, _ = ledger.plan("gpt", "http://here", [Planned(key, "p/1", "[]") for key in "abc"])
        batch = ledger.created(ledger.uploaded(id_, "file"), "batch_1")
        assert "batch_1" in call().output
        ledger.end(batch, "collected", {"a": ChatReply("1", "stop", None, "gpt", 1, 1, 0.0)})
        ledger.plan("gpt", "http://here", [Planned("b", "p/1", "[]")])
    rows = [line.split() for line in call().output.splitlines() if "gpt" in line]
    assert [row[3] for row in rows] == ["collected", "forgotten"]
    assert [cell for cell in rows[0] if cell.isdigit()] == ["3", "0", "1", "2", "0"]


def test_cancel_says_what_it_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with BatchServer(lambda body: "1") as server:
        monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_BASE_URL", server.base_url)
        with closing(Store(path)) as store:
            ledger = Ledger(store)
            id_, _ = ledger.plan("gpt", server.base_url, [Planned("a", "p/1", "[]")])
            ledger.created(ledger.uploaded(id_, "file"), "batch_9")
        assert call("cancel", "nonsense").exit_code == 1
        done = call("cancel", "batch_9")  # which the server has never had
        assert done.exit_code == 0, done.output
        assert "batch batch_9 is stopped: 0 of its 1 requests had a reply" in done.output
        assert "the provider does not know it" in call().output


def test_a_batch_elsewhere_is_not_cancelled_here(path: Path) -> None:
    with closing(Store(path)) as store:
        ledger = Ledger(store)
        id_, _ = ledger.plan("gpt", "http://elsewhere", [Planned("a", "p/1", "[]")])
        ledger.created(ledger.uploaded(id_, "file"), "batch_9")
    done = call("cancel", "batch_9")
    assert done.exit_code == 1
    assert "batch batch_9 is at http://elsewhere: name a judge there" in done.output


def test_a_run_of_a_model_does_not_wait_for_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_MODE", "batch")
    settings = load_settings()
    _check_mode({"t": {"process_results": score_rouge_l}}, settings)
    with pytest.raises(CheckFailedError, match=r"generate with --predict_only, then `lmms-eval-ja judge OUTPUT_PATH`"):
        _check_mode({"t": {"process_results": grading("vqa_likert")}}, settings)


def test_the_progress_bar_counts_requests_of_all_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(batches.Progress, "update", lambda self, task, **fields: shown.append(fields))
    with batches.waiting() as waiting:
        waiting.report(Filled(collected=5, open=[RUNNING, OpenBatch("b", "gpt", 9)]))
    assert shown[-1]["completed"] == 5 + 1_000
    assert shown[-1]["total"] == 5 + 1_200 + 9
