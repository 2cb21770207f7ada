from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from lmms_eval_ja.clients import ChatClient, ChatError, ChatReply, ChatRequest, JudgeSettings, chat, probe
from support.judge_server import DEFAULT_MODEL, JudgeServer, Reply

SECRET = "sk-test-0123456789"
REQUEST = ChatRequest("asked", [{"role": "user", "content": "採点してください。"}], {"temperature": 0, "max_tokens": 9})
#: A server that is not OpenAI's gets a key only when its variable is stated.
KEYED = {"api_key_env": "OPENAI_API_KEY"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Waits between tries are short; a key is set."""
    monkeypatch.setattr(chat, "FIRST_WAIT_S", 0.001)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)


def ask(url: str, request: ChatRequest = REQUEST, **settings) -> ChatReply:
    """One request, on a client that is closed afterwards."""

    async def run() -> ChatReply:
        client = ChatClient(JudgeSettings(base_url=url, model="asked", **(KEYED | {"deadline_s": 30} | settings)))
        try:
            return await client.ask(request)
        finally:
            await client.close()

    return asyncio.run(run())


def scripted(*replies: str | Reply) -> JudgeServer:
    """A server that gives these replies in turn, the last one for ever."""
    rest = list(replies)
    return JudgeServer(lambda body: rest.pop(0) if len(rest) > 1 else rest[0])


def failure(url: str, request: ChatRequest = REQUEST, **settings) -> ChatError:
    with pytest.raises(ChatError) as caught:
        ask(url, request, **settings)
    return caught.value


# --- what is sent and read ---


def test_what_is_sent_and_what_comes_back():
    with scripted("8 9") as server:
        reply = ask(server.base_url)
    assert server.requests == [{"model": "asked", "messages": REQUEST.messages, "temperature": 0, "max_tokens": 9}]
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert replace(reply, seconds=0) == ChatReply(
        content="8 9",
        finish_reason="stop",
        refusal=None,
        model=DEFAULT_MODEL,
        prompt_tokens=len("採点してください。"),
        completion_tokens=3,
        seconds=0,
    )
    assert reply.seconds > 0


def test_fields_of_other_servers_are_sent_once():
    extra = {"chat_template_kwargs": {"enable_thinking": False}, "seed": 5}
    settings = JudgeSettings(extra_body=extra)
    request = replace(REQUEST, sampling=settings.sampling({"seed": 0, "max_tokens": 9}))
    with scripted("1") as server:
        ask(server.base_url, request, extra_body=extra)
    sent = server.requests[0]
    assert (sent["seed"], sent["chat_template_kwargs"]) == (5, {"enable_thinking": False})


def test_null_content_refusal_and_finish_reason_are_handed_on():
    with scripted(Reply(None, refusal="できません。", finish_reason="length", model="other")) as server:
        reply = ask(server.base_url)
    assert (reply.content, reply.refusal, reply.finish_reason, reply.model) == (None, "できません。", "length", "other")
    assert len(server.requests) == 1


def test_a_server_that_names_and_counts_nothing():
    body = json.dumps({"choices": [{"message": {"content": "5"}}], "usage": {"prompt_tokens": "many"}}).encode()
    with scripted(Reply(None, body=body)) as server:
        reply = ask(server.base_url)
    assert (reply.content, reply.model, reply.prompt_tokens, reply.completion_tokens) == ("5", "asked", None, None)
    assert reply.finish_reason is None


def test_without_a_key_something_is_sent_that_is_none(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with scripted("1") as server:
        ask(server.base_url)
    assert server.headers[0]["authorization"] == "Bearer none"


# --- faults that pass ---

_PASSING = [
    Reply("多すぎます", status=429),
    Reply("多すぎます", status=429, headers={"Retry-After": "0.01"}),
    Reply("多すぎます", status=429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    Reply("壊れました", status=500),
    Reply(None, status=502, body=b"<html>Bad Gateway</html>", headers={"Content-Type": "text/html"}),
    Reply("起動中", status=503),
    Reply(None, close=True),
    Reply(None, body=b"<html>login</html>", headers={"Content-Type": "text/html"}),
    Reply(None, body=b'{"choices": ['),
    Reply(None, body=b'{"choices": []}'),
    Reply(None, body=b'{"choices": null, "error": {"message": "upstream"}}'),
    Reply(None, body=b'{"choices": [{}]}'),
    Reply(None, body=b'{"choices": [null]}'),
    Reply(None, body=b'{"choices": {"0": 1}}'),
    Reply(None, body=b'{"choices": [{"message": {"content": [{"type": "text", "text": "9"}]}}]}'),
    Reply(None, body=b"[]"),
    Reply(None, body=b"\xff\xfe\x00"),
]


@pytest.mark.parametrize("fault", _PASSING, ids=lambda r: f"{r.status} {r.body or dict(r.headers) or r.close}"[:40])
def test_a_passing_fault_is_tried_again(fault):
    with scripted(fault, fault, "8 9") as server:
        assert ask(server.base_url).content == "8 9"
    assert len(server.requests) == 3
    assert server.requests[0] == server.requests[2]


def test_a_server_that_asks_for_more_time_than_there_is_gets_no_second_request():
    with scripted(Reply("待って", status=429, headers={"Retry-After": "3600"})) as server:
        error = failure(server.base_url)
    assert error.kind == "transport"
    assert "HTTP 429" in str(error)
    assert "待って" in str(error)
    assert len(server.requests) == 1


def test_the_deadline_ends_the_tries():
    with scripted(Reply("壊れました", status=500)) as server:
        error = failure(server.base_url, deadline_s=2)
    assert error.kind == "transport"
    assert "gave up after 2 s" in str(error)
    assert len(server.requests) > 1


def test_the_deadline_ends_a_slow_answer():
    with scripted(Reply("8 9", delay_s=60)) as server:
        error = failure(server.base_url, deadline_s=0.3)
    assert error.kind == "transport"
    assert server.served == 0


def test_a_last_try_cut_short_by_the_deadline_does_not_hide_what_was_said_before():
    with scripted(Reply("壊れました", status=500), Reply("8 9", delay_s=60)) as server:
        error = failure(server.base_url, deadline_s=2)
    assert len(server.requests) == 2
    assert str(error).startswith("HTTP 500")
    assert "壊れました" in str(error)
    assert str(error).endswith("(gave up after 2 s)")


def test_a_slot_that_stays_taken_does_not_hide_it_either():
    async def run(url: str) -> list[ChatReply | BaseException]:
        client = ChatClient(JudgeSettings(base_url=url, model="asked", concurrency=1, deadline_s=2, **KEYED))
        try:
            return await asyncio.gather(client.ask(REQUEST), client.ask(REQUEST), return_exceptions=True)
        finally:
            await client.close()

    with scripted(Reply("壊れました", status=500), Reply("8 9", delay_s=60)) as server:
        first, _ = asyncio.run(run(server.base_url))
    assert str(first).startswith("HTTP 500")
    assert str(first).endswith("; no free slot since (gave up after 2 s)")


def test_a_try_that_takes_too_long_is_repeated():
    with scripted(Reply("8 9", delay_s=60), "7 7") as server:
        assert ask(server.base_url, timeout_s=1).content == "7 7"
    assert len(server.requests) >= 2


def test_nobody_there():
    with scripted("1") as server:
        url = server.base_url
    error = failure(url, deadline_s=0.2)
    assert error.kind == "transport"
    assert "APIConnectionError" in str(error)


@contextmanager
def trickling():
    """A server that sends a byte of its answer now and then, and never the last one; yields its address."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n")
            for _ in range(60):  # a client that waits for the end is told after 3 s, for the test to fail
                if over.wait(0.05):
                    return
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        over.set()
        thread.join()
        listener.close()


def test_a_server_that_trickles_does_not_outlast_the_deadline():
    with trickling() as url:
        error = failure(url, deadline_s=0.3)
    assert error.kind == "transport"
    assert "no whole answer within" in str(error)


# --- faults that stay ---


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_is_sent_once_and_never_shown(status):
    with scripted(Reply(f"Incorrect API key provided: {SECRET}", status=status)) as server:
        error = failure(server.base_url)
    assert error.kind == "key"
    assert f"HTTP {status}" in str(error)
    assert "Incorrect API key" in str(error)
    assert SECRET not in str(error)
    assert len(server.requests) == 1


def test_a_key_that_the_server_does_not_know():
    with JudgeServer(lambda body: "1", require_key="another") as server:
        assert failure(server.base_url).kind == "key"
    assert len(server.requests) == 1


@pytest.mark.parametrize("key", ["sk-秘密", "sk-se\rcret"])
def test_what_cannot_be_a_key_is_neither_sent_nor_shown(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with scripted("1") as server:
        error = failure(server.base_url)
        wrong = probe(JudgeSettings(base_url=server.base_url, **KEYED))
    assert error.kind == "key"
    assert str(error) == wrong
    assert "OPENAI_API_KEY" in wrong
    assert key[3:5] not in wrong
    assert server.calls == []


def test_an_empty_account_is_a_matter_of_the_key():
    body = b'{"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}'
    with scripted(Reply(None, status=429, body=body)) as server:
        assert failure(server.base_url).kind == "key"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply("", finish_reason="content_filter"),
        Reply("途中まで", finish_reason="content_filter"),
        Reply(None, status=400, body=b'{"error": {"message": "filtered", "code": "content_filter"}}'),
        Reply(None, status=400, body=b'{"error": {"message": "no", "code": "content_policy_violation"}}'),
    ],
)
def test_the_content_filter_is_a_failure_of_its_own(reply):
    with scripted(reply) as server:
        assert failure(server.base_url).kind == "filter"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_request_that_is_wrong_is_not_repeated(status):
    with scripted(Reply("長すぎます", status=status)) as server:
        error = failure(server.base_url)
    assert error.kind == "transport"
    assert f"HTTP {status}" in str(error)
    assert "長すぎます" in str(error)
    assert len(server.requests) == 1


def test_a_request_that_cannot_be_encoded_is_not_tried_again():
    with scripted("1") as server:
        error = failure(server.base_url, replace(REQUEST, messages=[{"role": "user", "content": "\ud83d"}]))
    assert error.kind == "transport"
    assert "cannot be sent" in str(error)
    assert server.calls == []


# --- the key of a request ---


def test_the_key_of_a_request_is_stable():
    # sha256 of {"messages":[…],"model":"asked","reask":0,"repeat":0,"sampling":{…}}: keys sorted, no white space, UTF-8
    assert REQUEST.key() == "f71cdd9d74727c276b2fdfc8c47ee5786dcea1c6b201d0cb3cb99669d9c6b821"
    assert replace(REQUEST, sampling={"max_tokens": 9, "temperature": 0}).key() == REQUEST.key()
    assert replace(REQUEST, messages=[dict(reversed(REQUEST.messages[0].items()))]).key() == REQUEST.key()


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"},
        {"messages": [{"role": "user", "content": "採点してください"}]},
        {"messages": [{"role": "system", "content": "採点してください。"}]},
        {"messages": []},
        {"sampling": {"temperature": 0, "max_tokens": 10}},
        {"sampling": {"temperature": 0}},
        {"repeat": 1},
        {"reask": 1},
    ],
)
def test_all_that_is_sent_is_in_the_key(change):
    assert replace(REQUEST, **change).key() != REQUEST.key()


def test_repeat_and_reask_are_not_the_same():
    assert replace(REQUEST, repeat=1).key() != replace(REQUEST, reask=1).key()


# --- probe ---


def test_a_server_that_answers_is_reachable():
    with scripted("1") as server:
        assert probe(JudgeSettings(base_url=server.base_url, **KEYED)) is None
        assert server.calls == [("GET", "/v1/models")]
    assert server.requests == []


def test_a_server_without_a_list_of_models_is_reachable():
    with scripted("1") as server:
        assert probe(JudgeSettings(base_url=f"{server.base_url}/deeper")) is None
        assert server.calls == [("GET", "/v1/deeper/models")]


def test_probe_says_that_the_key_is_rejected():
    with JudgeServer(lambda body: "1", require_key="another") as server:
        wrong = probe(JudgeSettings(base_url=server.base_url, **KEYED))
    assert "rejects the key in OPENAI_API_KEY (HTTP 401)" in wrong
    assert SECRET not in wrong


def test_probe_says_that_a_server_wants_a_key_that_was_not_named():
    with JudgeServer(lambda body: "1", require_key=SECRET) as server:
        wrong = probe(JudgeSettings(base_url=server.base_url))
    assert "name its variable in api_key_env" in wrong


def test_probe_says_that_openai_wants_a_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    wrong = probe(JudgeSettings())
    assert "set OPENAI_API_KEY" in wrong
    assert "gpt-5.1-2025-11-13" in wrong


def test_probe_says_that_nobody_answers_and_shows_no_password():
    with scripted("1") as server:
        port = server.port
    wrong = probe(JudgeSettings(base_url=f"http://me:pass-word@127.0.0.1:{port}/v1"))
    assert f"http://127.0.0.1:{port}/v1 cannot be reached" in wrong
    assert "LMMS_EVAL_JA_JUDGE_BASE_URL" in wrong
    assert "pass-word" not in wrong
