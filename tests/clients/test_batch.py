"""The Batch API's client against a real server; how batches fill a store is tested in tests/judges/test_batch.py."""

from __future__ import annotations

import asyncio
import json

import pytest

from lmms_eval_ja.clients import ChatError, ChatReply, ChatRequest, JudgeSettings, batch, chat
from lmms_eval_ja.clients.batch import BatchClient
from support.batch_server import BatchServer
from support.judge_server import Reply

KEY = "sk-abcdefghijklmnop"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(batch, "SETTLING_S", 0.0)
    monkeypatch.setattr(chat, "FIRST_WAIT_S", 0.001)
    monkeypatch.setenv("JUDGE_KEY", KEY)


def used(server, work, **settings):
    """What `work` gives with a client."""

    async def run():
        known = {"base_url": server.base_url, "model": "asked", "deadline_s": 30, "api_key_env": "JUDGE_KEY"}
        client = BatchClient(JudgeSettings(**known | settings))
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


def request(text):
    return ChatRequest("asked", [{"role": "user", "content": text}], {"temperature": 0.0, "max_tokens": 9})


def submitted(client, *texts):
    async def work():
        lines = b"".join(client.line(request(text), text) for text in texts)
        return await client.create(await client.upload(lines, "name"), "mark")

    return work()


async def through(client, *texts):
    """Results of a batch of these texts, which are their keys as well."""
    made = await submitted(client, *texts)
    while not made.has_ended:
        made = await client.status(made.id)
    return made, await client.results(made, "asked")


def test_what_is_sent_and_what_comes_back():
    with BatchServer(lambda body: "はい", require_key=KEY) as server:
        made, results = used(server, lambda client: through(client, "一", "二"))
        (one,) = server.batches.values()
    assert (one.metadata, one.endpoint) == ({"lmms_eval_ja": "mark"}, "/v1/chat/completions")
    assert one.lines[0] == {
        "custom_id": "一",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "asked",
            "messages": [{"role": "user", "content": "一"}],
            "temperature": 0.0,
            "max_tokens": 9,
        },
    }
    assert (made.state, made.total, made.done) == ("completed", 2, 2)
    reply = ChatReply("はい", "stop", None, server.model, 1, 2, 0.0)
    assert results == {"一": reply, "二": reply}


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply("壊れた", status=500), "transport", "HTTP 500: .*壊れた"),
        (Reply(f"{KEY} is wrong", status=400), "transport", r"\*\*\* is wrong"),
        (Reply("content_filter", status=400), "filter", "HTTP 400"),
        (Reply("", finish_reason="content_filter"), "filter", "content filter cut the reply"),
        (Reply(None, close=True), "transport", "batch_expired"),
        (Reply(None, body=b"<html>"), "transport", "no choices"),
    ],
)
def test_lines_that_are_no_reply(reply, kind, words):
    with BatchServer(lambda body: reply if body["messages"][0]["content"] == "悪" else "はい") as server:
        _, results = used(server, lambda client: through(client, "悪", "良"))
    assert isinstance(results["良"], ChatReply)
    error = results["悪"]
    assert isinstance(error, ChatError)
    assert error.kind == kind
    assert KEY not in str(error)
    with pytest.raises(ChatError, match=words):
        raise error


def test_lines_that_cannot_be_read_are_absent_and_a_reply_goes_before_an_error():
    with BatchServer(lambda body: "はい", states=()) as server:

        async def work(client):
            made = await submitted(client, "一", "二", "三")
            ended = await client.status(made.id)
            output = server.files[ended.files[0]].splitlines()
            server.files[ended.files[0]] = b"\n".join([b"{", b"[]", b'{"custom_id": 3}', *output[1:], b'{"cus'])
            error = {"custom_id": "一", "response": None, "error": {"message": "no"}}
            server.files["file-9"] = json.dumps(error).encode()
            server.batches[made.id].error_file_id = "file-9"
            return await client.results(await client.status(made.id), "asked")

        results = used(server, work)
    assert sorted(results) == ["一", "二"]
    assert isinstance(results["一"], ChatReply)


def test_a_batch_is_found_by_its_mark_on_any_page():
    with BatchServer(lambda body: "はい") as server:
        server.page = 2

        async def work(client):
            made = await submitted(client, "一")
            for n in range(5):
                server.create({"input_file_id": "file-0000", "endpoint": "", "metadata": {"lmms_eval_ja": str(n)}})
            server.create({"input_file_id": "file-0000", "endpoint": "", "metadata": None})
            return made.id, await client.find("mark"), await client.find("nothing")

        id_, found, nothing = used(server, work)
    assert found.id == id_
    assert nothing is None


def test_an_unknown_batch_is_none_and_a_refused_file_says_why():
    with BatchServer(lambda body: "はい", most_lines=1) as server:
        assert used(server, lambda client: client.status("batch_9")) is None
        made, results = used(server, lambda client: through(client, "一", "二"))
    assert (made.state, made.reason, results) == ("failed", "Enqueued token limit reached.", {})


@pytest.mark.parametrize("fault", [Reply(None, close=True), Reply("busy", status=502)])
@pytest.mark.parametrize("done", [False, True])
def test_a_batch_is_created_once_whatever_the_answer(fault, done):
    left = [fault]

    def on(step, after):
        return left.pop() if step == "batches" and after is done and left else None

    with BatchServer(lambda body: "はい", on=on) as server:
        made = used(server, lambda client: submitted(client, "一"))
        assert [made.id] == list(server.batches) == ["batch_0000"]
        lists = [path for method, path in server.calls if path.startswith("/v1/batches?")]
        assert len(lists) == 1  # it was looked for before it was asked for again


def test_a_refusal_is_waited_for_without_a_look():
    left = [Reply("slow", status=429, headers={"Retry-After": "0.01"})] * 2

    def on(step, after):
        return left.pop() if step == "batches" and left else None

    with BatchServer(lambda body: "はい", on=on) as server:
        used(server, lambda client: submitted(client, "一"))
        assert len(server.batches) == 1
        assert not [path for method, path in server.calls if path.startswith("/v1/batches?")]


def test_a_fault_that_stays_is_told_after_the_deadline():
    words = r"HTTP 503: .*busy.* \(gave up after 0.1 s\)"
    with (
        BatchServer(lambda body: "はい", on=lambda *_: Reply("busy", status=503)) as server,
        pytest.raises(ChatError, match=words),
    ):
        used(server, lambda client: submitted(client, "一"), deadline_s=0.1)


@pytest.mark.parametrize("key", ["wrong", "鍵"])
def test_a_rejected_key_is_not_tried_again(monkeypatch, key):
    monkeypatch.setenv("JUDGE_KEY", key)
    with BatchServer(lambda body: "はい", require_key=KEY) as server:
        with pytest.raises(ChatError) as caught:
            used(server, lambda client: submitted(client, "一"))
        assert caught.value.kind == "key"
        assert len(server.calls) <= 1
        assert key not in str(caught.value)


def test_azure_has_the_same():
    with BatchServer(lambda body: "はい", require_key=KEY) as server:
        settings = {"provider": "azure", "base_url": server.azure_url, "api_version": "2024-10-21"}
        _, results = used(server, lambda client: through(client, "一"), **settings)
        assert results["一"].content == "はい"
        (one,) = server.batches.values()
        assert one.lines[0]["url"] == one.endpoint == "/chat/completions"
        assert all(path.startswith("/openai/") and "api-version=2024-10-21" in path for _, path in server.calls)
