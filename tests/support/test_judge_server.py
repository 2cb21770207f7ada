from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import openai
import pytest

from support.benchmarks import synthetic_heron_rows
from support.judge_server import (
    DEFAULT_MODEL,
    JudgeServer,
    Reply,
    content_text,
    heron_reply,
    prompt_length,
    scripted_scores,
    user_text,
)

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def client(server: JudgeServer, key: str = "test-key") -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0, timeout=20)


def ask(api: openai.OpenAI, text: str = "こんにちは", **options):
    messages = [{"role": "system", "content": "採点者です。"}, {"role": "user", "content": text}]
    return api.chat.completions.create(model="any", messages=messages, **options)


def test_a_reply_and_what_is_recorded():
    with JudgeServer(lambda body: "8 9\n良い回答です。") as server, client(server) as api:
        done = ask(api, temperature=0, max_tokens=1024, seed=0)
        assert done.choices[0].message.content == "8 9\n良い回答です。"
        assert done.choices[0].finish_reason == "stop"
        assert done.model == DEFAULT_MODEL
        # 6 + 5 characters asked, 3 + 1 + 7 answered
        assert (done.usage.prompt_tokens, done.usage.completion_tokens, done.usage.total_tokens) == (11, 11, 22)
        assert [model.id for model in api.models.list()] == [DEFAULT_MODEL]
        assert server.requests[0]["messages"][1]["content"] == "こんにちは"
        assert {k: server.requests[0][k] for k in ("temperature", "max_tokens", "seed")} == {
            "temperature": 0,
            "max_tokens": 1024,
            "seed": 0,
        }
        assert server.headers[0]["authorization"] == "Bearer test-key"
        assert server.calls == [("POST", "/v1/chat/completions"), ("GET", "/v1/models")]
        assert server.served == 1


def test_the_fields_of_a_reply():
    replies = {
        "cut": Reply("途中で", finish_reason="length"),
        "no": Reply(None, refusal="できません。", model="another-judge"),
        "raw": Reply(None, body=b'{"choices": []}'),
        "broken": Reply(None, body=b"<html>", headers={"Content-Type": "text/html"}),
    }
    with JudgeServer(lambda body: replies[user_text(body)]) as server, client(server) as api:
        assert ask(api, "cut").choices[0].finish_reason == "length"
        refused = ask(api, "no")
        assert (refused.choices[0].message.content, refused.choices[0].message.refusal) == (None, "できません。")
        assert refused.model == "another-judge"
        assert ask(api, "raw").choices == []
        assert ask(api, "broken") == "<html>"


def test_statuses_become_the_clients_errors_and_headers_arrive():
    def reply(body):
        return Reply("しばらくお待ちください。", status=int(user_text(body)), headers={"Retry-After": "7"})

    with JudgeServer(reply) as server, client(server) as api:
        with pytest.raises(openai.RateLimitError) as caught:
            ask(api, "429")
        assert caught.value.response.headers["retry-after"] == "7"
        assert caught.value.body["message"] == "しばらくお待ちください。"
        with pytest.raises(openai.InternalServerError):
            ask(api, "503")
        with pytest.raises(openai.BadRequestError):
            ask(api, "400")
        assert server.served == 0
        assert len(server.requests) == 3


def test_the_key_is_required():
    with JudgeServer(lambda body: "1", require_key="right") as server:
        with client(server, "wrong") as api:
            with pytest.raises(openai.AuthenticationError) as caught:
                ask(api)
            assert caught.value.code == "invalid_api_key"
            with pytest.raises(openai.AuthenticationError):
                api.models.list()
        with client(server, "right") as api:
            assert ask(api).choices[0].message.content == "1"


def test_a_function_that_raises_is_a_500_and_is_kept():
    with JudgeServer(lambda body: body["no such field"]) as server, client(server) as api:
        with pytest.raises(openai.InternalServerError, match="no such field"):
            ask(api)
        assert len(server.errors) == 1


def test_bad_requests():
    with JudgeServer(lambda body: "1") as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        for path, body, status in (
            ("/v1/chat/completions", b"{", 400),
            ("/v1/chat/completions", b"[]", 400),
            ("/v1/embeddings", b"{}", 404),
        ):
            connection.request("POST", path, body)
            answer = connection.getresponse()
            assert (answer.status, "error" in json.loads(answer.read())) == (status, True)
        connection.close()
        assert server.requests == []


def test_a_dropped_connection_is_a_connection_error_and_the_next_request_works():
    with (
        JudgeServer(lambda body: Reply("x", close=user_text(body) == "drop")) as server,
        client(server) as api,
    ):
        assert ask(api).choices[0].message.content == "x"
        with pytest.raises(openai.APIConnectionError):
            ask(api, "drop")
        assert ask(api).choices[0].message.content == "x"


def test_a_slow_reply_meets_the_clients_timeout_and_does_not_hold_up_close():
    with JudgeServer(lambda body: Reply("x", delay_s=60)) as server:
        with client(server) as api, pytest.raises(openai.APITimeoutError):
            ask(api, timeout=0.3)
        start = time.perf_counter()
        server.close()
        assert time.perf_counter() - start < 30, "it has waited for the reply of 60 s"


def test_stop_after_then_a_new_server_on_the_same_port():
    with JudgeServer(lambda body: "x", stop_after=3) as server, client(server) as api:
        for _ in range(3):
            assert ask(api).choices[0].message.content == "x"
        with pytest.raises(openai.APIConnectionError):
            ask(api)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)
        assert (server.served, server.running) == (3, False)
        with JudgeServer(lambda body: "y", port=server.port) as again:
            assert again.base_url == server.base_url
            assert ask(api).choices[0].message.content == "y", "the same client goes on"


def test_stop_after_is_exact_with_many_requests_at_once():
    with JudgeServer(lambda body: Reply("x", delay_s=0.05), stop_after=20) as server, client(server) as api:

        def one(n: int) -> str:
            try:
                return ask(api, str(n)).choices[0].message.content
            except openai.APIConnectionError:
                return "gone"

        with ThreadPoolExecutor(16) as pool:
            assert Counter(pool.map(one, range(60))) == {"x": 20, "gone": 40}
        assert server.served == 20


def test_two_hundred_connections_at_once():
    together = threading.Barrier(200)

    def reply(body):
        together.wait(timeout=30)
        return "x"

    with JudgeServer(reply) as server:
        body = json.dumps({"messages": [{"role": "user", "content": "x"}]})

        def one(_: int) -> int:
            connection = HTTPConnection("127.0.0.1", server.port, timeout=40)
            connection.request("POST", f"{urlsplit(server.base_url).path}/chat/completions", body)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status

        with ThreadPoolExecutor(200) as pool:
            assert set(pool.map(one, range(200))) == {200}
        assert (server.peak, server.served) == (200, 200)


def test_connections_are_kept_alive():
    ports = []
    with JudgeServer(lambda body: "x") as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        for _ in range(100):
            connection.request("POST", "/v1/chat/completions", b'{"messages": []}')
            connection.getresponse().read()
            ports.append(connection.sock.getsockname()[1])
        assert len(set(ports)) == 1
        connection.close()


def test_scores_follow_from_the_users_text_alone():
    text = "質問と回答"
    digest = hashlib.sha256(text.encode()).digest()
    expected = (digest[0] % 10 + 1, digest[1] % 10 + 1)
    as_text = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": text}]}
    as_parts = {"messages": [{"role": "user", "content": [IMAGE, {"type": "text", "text": text}]}], "seed": 3}
    assert scripted_scores(as_text) == scripted_scores(as_parts) == expected
    assert heron_reply(as_text).splitlines()[0] == f"{expected[0]} {expected[1]}"
    long = {"messages": [{"role": "user", "content": "前" * 50 + text}]}
    assert scripted_scores(long) != expected
    assert scripted_scores(long, tail=len(text)) == expected


def test_scores_differ_over_the_benchmark():
    bodies = [{"messages": [{"role": "user", "content": row["text"]}]} for row in synthetic_heron_rows()]
    scores = [scripted_scores(body) for body in bodies]
    assert {score for pair in scores for score in pair} == set(range(1, 11))
    assert len(set(scores)) > 50


def test_text_and_length_of_messages():
    parts = [IMAGE, {"type": "text", "text": "一"}, {"type": "text", "text": "二三"}, IMAGE]
    body = {"messages": [{"role": "user", "content": "前"}, {"role": "user", "content": parts}]}
    assert content_text(parts) == "一\n二三"
    assert content_text(None) == ""
    assert user_text(body) == "一\n二三"
    assert user_text({"messages": []}) == ""
    assert prompt_length(body) == 1 + 4 + 2 * 85
