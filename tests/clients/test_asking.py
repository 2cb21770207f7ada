"""Replies that are each asked for once; what judges make of it is tested in tests/judges/test_engine.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.clients import ChatError, ChatReply, ChatRequest, JudgeSettings, Store, StoredReply
from lmms_eval_ja.clients.asking import Asker


class Client:
    """Answers with the question; raises `fault` if there is one."""

    def __init__(self, fault: ChatError | None = None) -> None:
        self.fault, self.asked = fault, 0

    async def ask(self, request: ChatRequest) -> ChatReply:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.fault is not None:
            raise self.fault
        return ChatReply(request.messages[0]["content"], "stop", None, "served", 1, 1, 0.0)

    async def close(self) -> None:
        pass


def request(text: str) -> ChatRequest:
    return ChatRequest("asked", [{"role": "user", "content": text}])


def run(path: Path, client: Client, work: Callable[[Asker], Awaitable[Any]], **settings: Any) -> Any:
    async def working() -> Any:
        asker = Asker("the model asked", client, JudgeSettings(model="asked", **settings), store)
        try:
            return await work(asker)
        finally:
            await asker.close()

    with closing(Store(path)) as store:
        return asyncio.run(working())


def test_equal_requests_are_sent_once_and_a_new_asker_finds_them(tmp_path: Path) -> None:
    async def twice(asker: Asker) -> list[StoredReply]:
        return await asyncio.gather(*(asker.ask(request("一"), "label") for _ in range(2)))

    client = Client()
    first = run(tmp_path / "s.sqlite", client, twice)
    assert run(tmp_path / "s.sqlite", client, twice) == first
    assert client.asked == 1
    assert (first[0].content, first[0].protocol, first[0].key) == ("一", "label", request("一").key())


def test_another_key_is_another_reply(tmp_path: Path) -> None:
    async def ask(asker: Asker) -> list[StoredReply]:
        return [await asker.ask(request("一"), "label", key) for key in ("a", "b", "a")]

    client = Client()
    assert [reply.key for reply in run(tmp_path / "s.sqlite", client, ask)] == ["a", "b", "a"]
    assert client.asked == 2


@pytest.mark.parametrize(("kind", "asked"), [("transport", 3), ("key", 1), ("budget", 1), ("filter", 5)])
def test_who_does_not_answer_is_given_up(tmp_path: Path, kind: Any, asked: int) -> None:
    said = []

    async def five(asker: Asker) -> ChatError | None:
        for n in range(5):
            with pytest.raises(ChatError) as error:
                await asker.ask(request(str(n)), "label")
            said.append((error.value.kind, str(error.value)))
        return asker.given_up

    client = Client(ChatError(kind, "no"))
    given_up = run(tmp_path / "s.sqlite", client, five, max_failures_in_row=3)
    assert client.asked == asked
    later = (kind, "not asked: the model asked was given up after: no")
    assert said == [(kind, "no")] * asked + [later] * (5 - asked)
    assert (given_up is None) == (kind == "filter")
