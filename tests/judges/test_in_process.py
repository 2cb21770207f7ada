"""Batching, faults and closing of a judge in this process; the checkpoint is scripted, so nothing is loaded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lmms_eval_ja.clients import ChatError, ChatImage, ChatReply, ChatRequest, JudgeSettings, with_images
from lmms_eval_ja.judges import Judge
from lmms_eval_ja.judges.in_process import InProcessClient
from lmms_eval_ja.judges.local_model import ModelError, TooLargeError

SETTINGS = JudgeSettings(provider="transformers", model="scripted", batch_size=4)
GREEDY = {"temperature": 0, "max_tokens": 8}


def request(text: str, **sampling: Any) -> ChatRequest:
    return ChatRequest("scripted", [{"role": "user", "content": text}], GREEDY | sampling)


class Scripted:
    """Says each prompt back; `check` may raise for a batch."""

    def __init__(self, check: Callable[[list[str]], None] = lambda prompts: None) -> None:
        self.check = check
        self.batches: list[list[str]] = []
        self.loaded = 0
        self.stop = threading.Event()

    def load(self, settings: JudgeSettings, stop: threading.Event) -> Scripted:
        self.loaded += 1
        self.stop = stop
        return self

    def replies(self, requests: Sequence[ChatRequest]) -> list[ChatReply]:
        prompts = [str(request.messages[-1]["content"]) for request in requests]
        self.batches.append(prompts)
        self.check(prompts)
        return [ChatReply(prompt, "stop", None, "scripted", 1, 1, 0.0) for prompt in prompts]


def ask(model: Scripted, *requests: ChatRequest, settings: JudgeSettings = SETTINGS) -> list[str | ChatError]:
    """The replies to requests that come at once, or their failures."""

    async def run() -> list[str | ChatError]:
        client = InProcessClient(settings, model.load)
        try:
            found = await asyncio.gather(*map(client.ask, requests), return_exceptions=True)
        finally:
            await client.close()
        return [reply.content if isinstance(reply, ChatReply) else reply for reply in found]

    return asyncio.run(run())


def test_requests_that_wait_are_answered_together():
    model = Scripted()
    assert ask(model, *(request(str(n)) for n in range(10))) == [str(n) for n in range(10)]
    assert model.batches == [["0", "1", "2", "3"], ["4", "5", "6", "7"], ["8", "9"]]
    assert model.loaded == 1


def test_nothing_is_loaded_before_the_first_request():
    model = Scripted()
    assert ask(model) == []
    assert model.loaded == 0


def test_a_batch_is_of_one_kind():
    model = Scripted()
    image = ChatImage("0", b"", "image/png")
    seeing = replace(request("d"), messages=with_images(request("d").messages, [image]), images=(image,))
    ask(model, request("a"), request("b", max_tokens=9), request("c"), seeing)
    assert model.batches[:2] == [["a", "c"], ["b"]]
    assert len(model.batches) == 3


def test_what_is_sampled_goes_alone():
    model = Scripted()
    ask(model, *(request(text, temperature=0.7) for text in "abc"))
    assert model.batches == [["a"], ["b"], ["c"]]


def test_too_little_memory_makes_the_batches_smaller():
    def check(prompts: list[str]) -> None:
        if len(prompts) > 1:
            raise TooLargeError("CUDA out of memory")

    model = Scripted(check)
    assert ask(model, *(request(text) for text in "abcdefgh")) == [*"abcdefgh"]
    # four at once, two, then one at a time: and so it stays
    assert [len(batch) for batch in model.batches] == [4, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1]


def test_too_little_memory_for_one_says_what_to_do():
    def check(prompts: list[str]) -> None:
        raise TooLargeError("CUDA out of memory")

    [failed] = ask(Scripted(check), request("a"))
    assert isinstance(failed, ChatError)
    assert failed.kind == "transport"
    assert "CUDA out of memory" in str(failed)
    assert "bfloat16" in str(failed)
    assert "--predict_only" in str(failed)


@pytest.mark.parametrize("fault", [ModelError("zu lang"), ValueError("zu lang"), KeyError("zu lang")])
def test_a_request_that_cannot_be_answered_fails_alone(fault):
    def check(prompts: list[str]) -> None:
        if "c" in prompts:
            raise fault

    found = ask(Scripted(check), *(request(text) for text in "abcd"))
    assert [found[0], found[1], found[3]] == ["a", "b", "d"]
    assert isinstance(found[2], ChatError)
    assert found[2].kind == "transport"
    assert "zu lang" in str(found[2])


def test_a_checkpoint_that_cannot_be_loaded_is_tried_once():
    tries = []

    def load(settings: JudgeSettings, stop: threading.Event) -> Any:
        tries.append(settings.model)
        raise ModelError("the judge scripted cannot be loaded: no such file")

    async def run() -> list[Any]:
        client = InProcessClient(SETTINGS, load)
        found = await asyncio.gather(*(client.ask(request(str(n))) for n in range(9)), return_exceptions=True)
        await client.close()
        return found

    found = asyncio.run(run())
    assert {(error.kind, str(error)) for error in found} == {
        ("transport", "the judge scripted cannot be loaded: no such file")
    }
    assert len({id(error) for error in found}) == 9
    assert tries == ["scripted"]


def test_an_unforeseen_fault_of_loading_leaves_nobody_waiting():
    def load(settings: JudgeSettings, stop: threading.Event) -> Any:
        raise RuntimeError("no driver")

    async def run() -> Any:
        client = InProcessClient(SETTINGS, load)
        found = await asyncio.gather(client.ask(request("a")), return_exceptions=True)
        await client.close()
        return found

    [failed] = asyncio.run(run())
    assert isinstance(failed, ChatError)
    assert str(failed) == "RuntimeError: no driver"


def test_closing_stops_what_is_under_way():
    started = threading.Event()
    model = Scripted()

    def check(prompts: list[str]) -> None:
        started.set()
        assert model.stop.wait(30)
        raise ModelError("not judged: the judge was closed before")

    model.check = check

    async def run() -> list[Any]:
        client = InProcessClient(SETTINGS, model.load)
        asked = [asyncio.create_task(client.ask(request(str(n)))) for n in range(6)]
        await asyncio.get_running_loop().run_in_executor(None, started.wait)
        await client.close()
        found = await asyncio.gather(*asked, return_exceptions=True)
        with pytest.raises(ChatError, match="closed before"):
            await client.ask(request("later"))
        return found

    found = asyncio.run(run())
    assert [type(error) for error in found] == [ChatError] * 4 + [asyncio.CancelledError] * 2
    assert model.batches == [["0", "1", "2", "3"]]


def test_what_nobody_waits_for_is_not_answered():
    model = Scripted()

    async def run() -> None:
        client = InProcessClient(SETTINGS, model.load)
        tasks = [asyncio.create_task(client.ask(request(text))) for text in "abc"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()

    asyncio.run(run())
    assert model.batches == [["a", "c"]]


def test_a_judge_of_this_provider_is_asked_in_this_process():
    assert isinstance(Judge(SETTINGS).client(), InProcessClient)
