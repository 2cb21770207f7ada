from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest

from lmms_eval_ja.clients import ChatClient, ChatError, ChatRequest, JudgeSettings, chat, limiter
from lmms_eval_ja.clients.chat import _duration, _retry_after
from lmms_eval_ja.clients.limiter import Limiter, PausedError
from support.judge_server import JudgeServer, Reply


def windows(one: Limiter, n: int) -> list[int]:
    """The limit after each of n windows of successes."""
    limits = []
    for _ in range(n):
        for _ in range(one.limit):
            one.succeeded()
        limits.append(one.limit)
    return limits


def test_refusals_halve_it_and_windows_of_successes_add_one(monkeypatch):
    monkeypatch.setattr(limiter, "BETWEEN_CUTS_S", 0.0)
    one = Limiter(8)
    assert windows(one, 1) == [8]
    limits = []
    for _ in range(5):
        one.refused()
        limits.append(one.limit)
    assert limits == [4, 2, 1, 1, 1]
    assert windows(one, 9) == [2, 3, 4, 5, 6, 7, 8, 8, 8]


def test_refusals_that_come_together_are_one():
    one = Limiter(64)
    for _ in range(64):
        one.refused()
    assert one.limit == 32


def test_a_refusal_begins_a_new_window(monkeypatch):
    monkeypatch.setattr(limiter, "BETWEEN_CUTS_S", 0.0)
    one = Limiter(4)
    one.refused()
    one.succeeded()
    one.refused()
    one.refused()
    assert one.limit == 1
    one.succeeded()
    assert one.limit == 2
    one.succeeded()
    assert one.limit == 2


def test_slots_are_given_in_turn_and_a_cancelled_turn_is_passed_on():
    async def run() -> list[int]:
        one, order = Limiter(1), []
        await one.enter(10)

        async def work(k: int) -> None:
            await one.enter(10)
            order.append(k)
            one.leave()

        tasks = [asyncio.create_task(work(k)) for k in range(5)]
        await asyncio.sleep(0.01)
        assert order == []
        tasks[1].cancel()
        one.leave()
        tasks[0].cancel()  # it had been given the slot already
        await asyncio.gather(*tasks, return_exceptions=True)
        assert one.in_use == 0
        return order

    assert asyncio.run(run()) == [2, 3, 4]


def test_a_pause_holds_everybody_and_one_too_long_is_an_error():
    async def run() -> float:
        one = Limiter(3)
        started = time.monotonic()
        one.pause(1)
        one.pause(0.1)  # does not shorten it
        with pytest.raises(PausedError, match=r"a pause of \S+ s more"):
            await one.enter(0.01)
        await asyncio.gather(*(one.enter(10) for _ in range(3)))
        return time.monotonic() - started

    assert asyncio.run(run()) >= 1


# --- the client and its server ---

REQUEST = ChatRequest("asked", [{"role": "user", "content": "採点"}])


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(chat, "FIRST_WAIT_S", 0.001)


async def ask_all(client: ChatClient, n: int) -> list[str | None]:
    async def one() -> str | None:
        with suppress(ChatError):
            return (await client.ask(REQUEST)).content
        return None

    return list(await asyncio.gather(*(one() for _ in range(n))))


def with_client(server: JudgeServer, work, **settings):
    async def run():
        client = ChatClient(JudgeSettings(base_url=server.base_url, **({"deadline_s": 30} | settings)))
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


def test_a_server_that_takes_few_at_a_time_gets_few(monkeypatch):
    """It refuses more than 4 at once; every request is answered in the end and the limit comes down near 4."""
    monkeypatch.setattr(limiter, "BETWEEN_CUTS_S", 0.05)

    def reply(body):
        if server._in_flight > 4:
            return Reply("多すぎます", status=429)
        return Reply("1", delay_s=0.02)

    async def work(client):
        return await ask_all(client, 150), client.limiter.limit

    with JudgeServer(reply) as server:
        replies, limit = with_client(server, work, concurrency=32)
    assert replies == ["1"] * 150
    assert limit < 16
    assert len(server.requests) < 2 * 150


def test_retry_after_stops_all_new_requests(monkeypatch):
    moments = []

    def reply(body):
        moments.append(time.monotonic())
        return Reply("待って", status=429, headers={"Retry-After": "0.4"}) if len(moments) == 1 else "1"

    async def work(client):
        paused, hold = asyncio.Event(), client.limiter.pause

        def pause(seconds: float) -> None:
            hold(seconds)
            paused.set()

        async def later() -> None:
            await paused.wait()
            await ask_all(client, 5)

        monkeypatch.setattr(client.limiter, "pause", pause)
        await asyncio.gather(ask_all(client, 1), later())

    with JudgeServer(reply) as server:
        with_client(server, work)
    assert len(moments) == 7
    assert moments[1] - moments[0] >= 0.4


def test_a_pause_beyond_the_deadline_fails_without_a_request():
    async def work(client):
        assert await ask_all(client, 1) == [None]
        with pytest.raises(ChatError, match=r"pause of .* beyond the deadline"):
            await client.ask(REQUEST)

    with JudgeServer(lambda body: Reply("待って", status=429, headers={"Retry-After": "3600"})) as server:
        with_client(server, work, deadline_s=10)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("remaining", "waits"), [("0", True), ("1", False)])
def test_an_empty_window_is_waited_for(remaining, waits):
    headers = {"x-ratelimit-remaining-requests": remaining, "x-ratelimit-reset-requests": "400ms" if waits else "20s"}
    moments = []

    def reply(body):
        moments.append(time.monotonic())
        return Reply("1", headers=headers)

    async def work(client):
        return await ask_all(client, 1), await ask_all(client, 1)

    with JudgeServer(reply) as server:
        assert with_client(server, work, deadline_s=60) == (["1"], ["1"])
    if waits:
        assert moments[1] - moments[0] >= 0.4
    else:
        assert moments[1] - moments[0] < 20


def test_a_window_of_hours_is_not_waited_for():
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6h0m0s"}
    with JudgeServer(lambda body: Reply("1", headers=headers)) as server:
        replies = with_client(server, lambda client: ask_all(client, 2), deadline_s=2, concurrency=1)
    assert replies == ["1", "1"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20ms", 0.02),
        ("1s", 1),
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("1d", 86400),
        ("1m", 60),
        ("", 0),
        ("soon", 0),
        ("5", 0),
    ],
)
def test_durations(text, seconds):
    assert _duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        # by the server's clock, which may differ from ours
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 10),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 -0000", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 10),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_retry_after_in_all_its_forms(headers, seconds):
    assert _retry_after(headers) == seconds
