"""Exported code while it is ours: lmms-eval's provider against a server on loopback, and the fetching of rules."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from lmms_eval.llm_judge import ProviderFactory, Response, ServerInterface
from loguru import logger

from lmms_eval_ja.clients.assets import ASSETS, AssetError
from lmms_eval_ja.exporting import (
    upstream_data,
    upstream_heron,
    upstream_judge,
    upstream_scores,
    upstream_short_answers,
)
from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.judges.protocols.pairwise import JaPairwise
from lmms_eval_ja.judges.protocols.vqa import VqaLikert
from support import benchmarks
from support.judge_server import JudgeServer, Reply, user_text

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


@pytest.mark.parametrize(
    "said",
    [
        '{"error": {"message": "filtered", "code": "content_filter", "param": "prompt"}}',
        '{"error": {"message": "filtered", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}',
    ],
)
def test_a_content_filter_stops_one_document_and_no_other(judge: JudgeServer, said: str) -> None:
    judge.reply = lambda body: Reply(None, status=400, body=said.encode()) if "毒" in user_text(body) else "Score: 4"
    one = upstream_judge.Judge(VqaLikert())
    samples = [upstream_judge.sample_of(DOC, answer) for answer in ("毒", *["赤い"] * 19)]
    verdicts = [one.verdict(sample) for sample in samples]
    assert [verdict.failure for verdict in verdicts] == ["filter", *[None] * 19]
    assert "400" in str(verdicts[0].reason)
    items = [upstream_judge.judged_item(*pair) for pair in zip(samples, verdicts, strict=True)]
    assert upstream_scores.mean_score(items) == 4
    assert math.isnan(upstream_scores.mean_score(items[:19]))  # 18 of 19 are less than 95 %


@pytest.mark.parametrize("status", [400, 503])
def test_a_server_that_fails_is_a_transport_failure_and_asked_once(judge: JudgeServer, status: int) -> None:
    judge.reply = lambda _: Reply("down", status=status, headers={"x-should-retry": "false"})
    one = upstream_judge.Judge(VqaLikert())
    sample = upstream_judge.sample_of(DOC, "赤い")
    first, second = one.verdict(sample), one.verdict(sample)
    assert (first.failure, second.failure, len(judge.requests)) == ("transport", "transport", 1)
    assert str(status) in str(first.reason)
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


@pytest.mark.parametrize("provider", ["openai", "azure", "local"])
def test_a_provider_that_the_readme_names_is_asked(
    judge: JudgeServer, logged: list[str], monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    monkeypatch.setenv("API_TYPE", provider)
    monkeypatch.setenv("AZURE_API_KEY", "none")
    monkeypatch.setenv("AZURE_ENDPOINT", judge.azure_url)
    monkeypatch.setenv("LLM_JUDGE_URL", f"{judge.base_url}/chat/completions")
    one = upstream_judge.Judge(VqaLikert())
    one.warn_early()
    assert logged == []
    with ThreadPoolExecutor(1) as pool:  # where lmms-eval scores answers
        assert pool.submit(one.verdict, upstream_judge.sample_of(DOC, "赤い")).result().score == 4


@pytest.mark.parametrize(
    ("provider", "key", "why"),
    [
        ("openai", "", "API_TYPE=openai: "),  # what is said of a missing key is a matter of openai's version
        ("opanai", "none", "API_TYPE=opanai: ValueError: Unknown API type"),
        ("async_openai", "none", "API_TYPE=async_openai: an asynchronous provider has no event loop"),
        ("local", "none", "API_TYPE=local: the provider says that it is not available"),
    ],
)
def test_a_judge_that_cannot_be_asked_is_warned_about_before_a_run(
    judge: JudgeServer, logged: list[str], monkeypatch: pytest.MonkeyPatch, provider: str, key: str, why: str
) -> None:
    monkeypatch.setenv("API_TYPE", provider)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("LLM_JUDGE_URL", "http://127.0.0.1:1/v1/chat/completions")
    one = upstream_judge.Judge(VqaLikert())
    one.warn_early()
    (line,) = logged
    assert line.startswith(f"the judge cannot be asked, and its scores will be NaN: {why}")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(one.verdict, upstream_judge.sample_of(DOC, "赤い")).result().failure == "transport"
    assert judge.requests == []


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The warnings of exported code."""
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="WARNING", format="{message}")
    yield lines
    logger.remove(sink)


def published(files: dict[str, bytes], split: str) -> Dataset:
    """A benchmark's data as loaded."""
    return Dataset(pq.read_table(io.BytesIO(files[f"data/{split}-00000-of-00001.parquet"])))


def test_every_task_looks_for_its_judge_when_its_data_is_loaded(
    logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TYPE", "opanai")
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    few = benchmarks.ja_vg_vqa_500(benchmarks.ja_vg_rows(2))
    for module in (upstream_heron, upstream_short_answers):
        monkeypatch.setattr(module, "_JUDGE", upstream_judge.Judge(module._JUDGE.protocol))
    monkeypatch.setattr(upstream_heron._JUDGE.protocol, "check", lambda: None)
    for loaded, dataset in (
        (upstream_heron.process_docs_and_rules, published(benchmarks.heron_bench(), "train")),
        (upstream_short_answers.process_docs_for_judge, published(benchmarks.ja_vlm_bench(), "test")),
        (upstream_short_answers.all_questions_for_judge, published(few, "test")),
        (upstream_short_answers.first_questions_for_judge, published(few, "test")),
    ):
        logged.clear()
        loaded(dataset)
        assert [line for line in logged if "Unknown API type" in line], loaded.__name__


def test_a_category_without_a_rule_is_refused_when_the_data_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    monkeypatch.setattr(upstream_heron._JUDGE.protocol, "check", lambda: None)
    rows = benchmarks.synthetic_heron_rows()
    dataset = published(benchmarks.heron_bench([*rows[:-1], {**rows[-1], "category": "other"}]), "train")
    with pytest.raises(DatasetError, match="has no rule for category 'other', only for conv, detail, complex"):
        upstream_heron.process_docs_and_rules(dataset)


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
