"""Exported code while it is ours: lmms-eval's provider against a server on loopback, and the fetching of rules."""

from __future__ import annotations

import functools
import hashlib
import http.server
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lmms_eval.llm_judge import ProviderFactory, Response, ServerInterface

from lmms_eval_ja.clients.assets import ASSETS, AssetError
from lmms_eval_ja.exporting import upstream_data, upstream_judge, upstream_scores
from lmms_eval_ja.judges.protocols.pairwise import JaPairwise
from lmms_eval_ja.judges.protocols.vqa import VqaLikert
from support.judge_server import JudgeServer, Reply

pytestmark = pytest.mark.slow  # imports lmms-eval
DOC = {"question_id": 7, "question": "何色ですか。", "answer": "赤", "image_id": "i"}
RULE = "heron_bench/rule.json"


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    with JudgeServer(lambda _: "Score: 4") as server:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("OPENAI_API_URL", server.base_url)
        monkeypatch.setenv("MODEL_VERSION", "gpt-4o")
        once = functools.partial(upstream_judge.ServerConfig, num_retries=1)
        monkeypatch.setattr(upstream_judge, "ServerConfig", once)  # lmms-eval's own waits ten seconds between tries
        yield server


def verdict(protocol: type, answer: str = "赤い") -> upstream_judge.Verdict:
    return upstream_judge.Judge(protocol()).verdict(upstream_judge.sample_of(DOC, answer))


def test_the_request_is_that_of_the_protocol(judge: JudgeServer) -> None:
    assert verdict(VqaLikert).score == 4
    (body,) = judge.requests
    sample = upstream_judge.sample_of(DOC, "赤い")
    assert body == {
        "model": "gpt-4o",
        "messages": VqaLikert().messages(sample),
        "max_tokens": 1024,
        "temperature": 0,
    }


def test_a_protocol_of_two_orders_gives_the_mean(judge: JudgeServer) -> None:
    replies = iter(['{"score_gpt": 8, "score": 6}', '{"score_gpt": 5, "score": 9}'])
    judge.reply = lambda _: next(replies)
    found = verdict(JaPairwise)
    assert (found.score, found.reference) == (7.5, 6.5)
    assert len(found.replies) == len(judge.requests) == 2


def test_a_reply_without_text_is_a_refusal(judge: JudgeServer) -> None:
    judge.reply = lambda _: Reply(None, refusal="no")
    assert verdict(VqaLikert).failure == "refusal"


def test_a_server_that_is_down_is_a_transport_failure_and_asked_once(judge: JudgeServer) -> None:
    judge.reply = lambda _: Reply("down", status=400)
    one = upstream_judge.Judge(VqaLikert())
    sample = upstream_judge.sample_of(DOC, "赤い")
    first, second = one.verdict(sample), one.verdict(sample)
    assert (first.failure, second.failure, len(judge.requests)) == ("transport", "transport", 1)
    assert "400" in str(first.reason)
    assert "not asked" in str(second.reason)
    items = [upstream_judge.judged_item(sample, each) for each in (first, second)]
    assert math.isnan(upstream_scores.mean_score(items))


def test_a_provider_that_reports_a_failure_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Failing(ServerInterface):  # type: ignore[misc]  # lmms_eval has no types
        def is_available(self) -> bool:
            return True

        def evaluate(self, request: Any) -> Response:
            asked.append(request)
            return Response(content="", model_used="failing", success=False, error_message="no credit")

    ProviderFactory.register_provider("failing", Failing)
    monkeypatch.setenv("API_TYPE", "failing")
    judge = upstream_judge.Judge(VqaLikert())
    first, second = (judge.verdict(upstream_judge.sample_of(DOC, "赤い")) for _ in range(2))
    assert (first.failure, first.reason) == ("transport", "no credit")
    assert (second.failure, second.reason) == ("transport", "not asked, since the judge was gone before: no credit")
    assert len(asked) == 1


def test_an_answer_that_an_api_model_did_not_get_is_never_judged(judge: JudgeServer) -> None:
    assert verdict(VqaLikert, "[LMMS_EVAL_REQUEST_FAILED after 3 tries]").failure == "generation"
    assert judge.requests == []


def test_a_missing_key_is_a_failure_and_no_score(judge: JudgeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    found = verdict(VqaLikert)
    assert (found.failure, found.score) == ("transport", None)
    assert "key" in str(found.reason)
    assert judge.requests == []


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The rules at a loopback address: the file that is served."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv(upstream_data.RULES, raising=False)
    (folder := tmp_path / "served").mkdir()
    (folder / "rule.json").write_text("{}", encoding="utf-8")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    known = ASSETS[RULE]
    url = f"http://127.0.0.1:{server.server_port}/rule.json"
    monkeypatch.setitem(ASSETS, RULE, type(known)(url=url, sha256=hashlib.sha256(b"{}").hexdigest()))
    yield folder / "rule.json"
    server.shutdown()
    server.server_close()


def test_the_rules_are_fetched_once_and_checked(served: Path) -> None:
    first = upstream_data.asset(RULE)
    served.unlink()
    assert upstream_data.asset(RULE) == first
    assert first.read_text(encoding="utf-8") == "{}"
    assert first.stat().st_mode & 0o777 == 0o644
    first.write_text("{ }", encoding="utf-8")
    with pytest.raises(AssetError, match="is not the file that http"):
        upstream_data.asset(RULE)


def test_rules_that_are_others_or_not_there_are_refused(served: Path, tmp_path: Path) -> None:
    served.write_text("[]", encoding="utf-8")
    with pytest.raises(AssetError, match="gave a file with sha256"):
        upstream_data.asset(RULE)
    served.unlink()
    with pytest.raises(AssetError, match="name it in HERON_BENCH_RULES"):
        upstream_data.asset(RULE)
    assert not list((tmp_path / "hf").rglob("*.json"))


def test_a_copy_of_the_rules_may_be_named(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served.unlink()
    (copy := tmp_path / "copy.json").write_text("{}", encoding="utf-8")
    monkeypatch.setenv(upstream_data.RULES, str(copy))
    assert upstream_data.asset(RULE) == copy
    copy.unlink()
    with pytest.raises(AssetError, match=r"copy\.json is not the file"):
        upstream_data.asset(RULE)
