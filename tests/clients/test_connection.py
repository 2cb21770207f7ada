"""Azure OpenAI, through the SDK and against a server that asks for what a resource of Azure asks for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from lmms_eval_ja.clients import ChatClient, ChatError, ChatReply, ChatRequest, JudgeSettings, openai_client, probe
from lmms_eval_ja.clients.settings import SettingsError
from support.judge_server import JudgeServer, Reply

SECRET = "azure-0123456789"
REQUEST = ChatRequest("my-gpt", [{"role": "user", "content": "採点"}], {"max_completion_tokens": 9})
#: What Azure OpenAI says of a prompt that its filter stopped (its documentation, "Content filtering", in short).
FILTERED = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"violence": {"filtered": True, "severity": "medium"}},
        },
    }
}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")


def azure(server: JudgeServer, **settings: Any) -> JudgeSettings:
    fields = {"provider": "azure", "base_url": server.azure_url, "api_version": "2025-04-01-preview", "model": "my-gpt"}
    return JudgeSettings(**(fields | {"deadline_s": 30} | settings))


def ask(settings: JudgeSettings, request: ChatRequest = REQUEST) -> ChatReply:
    async def run() -> ChatReply:
        client = ChatClient(settings)
        try:
            return await client.ask(request)
        finally:
            await client.close()

    return asyncio.run(run())


def failure(settings: JudgeSettings) -> ChatError:
    with pytest.raises(ChatError) as caught:
        ask(settings)
    return caught.value


@pytest.mark.parametrize("ending", ["", "/", "/openai"])
def test_a_deployment_is_asked_at_its_resource(ending: str) -> None:
    with JudgeServer(lambda body: "8 9", require_key=SECRET, model="gpt-5.1-2025-11-13") as server:
        reply = ask(azure(server, base_url=server.azure_url + ending))
    assert (reply.content, reply.model) == ("8 9", "gpt-5.1-2025-11-13")
    path = "/openai/deployments/my-gpt/chat/completions?api-version=2025-04-01-preview"
    assert server.calls == [("POST", path)]
    assert server.requests[0]["max_completion_tokens"] == 9
    assert server.headers[0]["api-key"] == SECRET
    assert "authorization" not in server.headers[0]
    assert "sk-of-openai" not in json.dumps(server.headers)


def test_a_key_of_another_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "my-own-key")
    with JudgeServer(lambda body: "1", require_key="my-own-key") as server:
        assert ask(azure(server, api_key_env="MINE")).content == "1"


def test_the_sdk_does_not_retry_by_itself() -> None:
    busy = Reply("待って", status=429, headers={"Retry-After": "3600"})  # beyond the deadline: no second try of ours
    with JudgeServer(lambda body: busy) as server:
        assert failure(azure(server)).kind == "transport"
        assert openai_client(azure(server)).max_retries == 0
    assert len(server.requests) == 1


@pytest.mark.parametrize("only_inner", [False, True])
def test_azures_content_filter_is_a_failure_of_its_own(*, only_inner: bool) -> None:
    error = FILTERED["error"] | ({"code": "400", "message": "x" * 600} if only_inner else {})
    with JudgeServer(lambda body: Reply(None, status=400, body=json.dumps({"error": error}).encode())) as server:
        caught = failure(azure(server))
    assert caught.kind == "filter"
    assert "HTTP 400" in str(caught)
    assert len(server.requests) == 1


def test_a_rejected_key_is_not_shown() -> None:
    said = f"Access denied due to invalid subscription key {SECRET}"
    with JudgeServer(lambda body: Reply(said, status=401)) as server:
        caught = failure(azure(server))
    assert caught.kind == "key"
    assert "Access denied" in str(caught)
    assert SECRET not in str(caught)
    assert len(server.requests) == 1


def test_a_key_at_the_cut_of_a_long_error_is_not_shown_in_part() -> None:
    # 500 characters are shown; this key would begin some 20 characters before the cut.
    body = json.dumps({"error": "x" * 485 + SECRET}).encode()
    with JudgeServer(lambda _: Reply(None, status=400, body=body)) as server:
        assert SECRET[:6] not in str(failure(azure(server)))


def test_probe_of_a_resource() -> None:
    with JudgeServer(lambda body: "1", require_key=SECRET) as server:
        assert probe(azure(server)) is None
        assert server.calls == [("GET", "/openai/models?api-version=2025-04-01-preview")]


def test_probe_says_that_azure_rejects_the_key() -> None:
    with JudgeServer(lambda body: "1", require_key="another") as server:
        wrong = probe(azure(server))
    assert wrong is not None
    assert "rejects the key in AZURE_OPENAI_API_KEY (HTTP 401)" in wrong
    assert SECRET not in wrong


def test_probe_says_that_azure_wants_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    with JudgeServer(lambda body: "1") as server:
        wrong = probe(azure(server))
    assert wrong is not None
    assert "set AZURE_OPENAI_API_KEY" in wrong
    assert server.calls == []


def test_what_cannot_be_a_key_makes_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "秘密の鍵")
    with JudgeServer(lambda body: "1") as server, pytest.raises(SettingsError) as caught:
        openai_client(azure(server))
    assert "AZURE_OPENAI_API_KEY" in str(caught.value)
    assert "秘密" not in str(caught.value)
