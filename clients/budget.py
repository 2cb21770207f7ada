"""What a run may spend: no request goes out that could cost more than is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lmms_eval_ja.clients.chat import ChatError, ChatReply, ChatRequest
from lmms_eval_ja.clients.prices import price_of
from lmms_eval_ja.clients.settings import JudgeSettings

#: Taken for the longest reply where the request states no limit.
_LONGEST_REPLY_TOKENS = 16_384
#: Taken for an image: the most that OpenAI counts is 48,169 (gpt-4o-mini: 2,833, and 5,667 for each of 8 tiles).
_TOKENS_OF_IMAGE = 50_000


@dataclass
class Bill:
    """One request's place in the budget; `reply` is set when there is one."""

    reply: ChatReply | None = None


class Budget:
    """US dollars that one process may spend. Use from one event loop.

    Before a request goes out the most that it can cost is set aside: each byte of its messages as a token, an image
    as 50,000, and the longest reply that it allows. What is not used comes back with the reply, so near the end fewer
    requests are out at a time, and the limit is never passed. A reply without usage is counted at that most.
    """

    def __init__(self, limit_usd: float | None, setting: str = "budget_usd (LMMS_EVAL_JA_BUDGET_USD)") -> None:
        """Begin with nothing spent.

        Args:
            limit_usd: None is no limit.
            setting: where the limit was stated, for messages.
        """
        self.limit_usd, self._setting = limit_usd, setting
        self.spent_usd = 0.0
        self._aside_usd, self._out = 0.0, 0
        self._settled = asyncio.Event()

    @asynccontextmanager
    async def place_for(self, request: ChatRequest, settings: JudgeSettings) -> AsyncIterator[Bill]:
        """Wait until there is room for a request, and settle what it cost.

        Raises:
            ChatError: of kind "budget": nothing is out any more, and what is left cannot pay for it.
        """
        most = 0.0 if self.limit_usd is None else most_usd(request, settings)
        await self._set_aside(most)
        bill = Bill()
        try:
            yield bill
        finally:
            self._aside_usd, self._out = self._aside_usd - most, self._out - 1
            if bill.reply is not None:
                self.spent_usd += _cost(bill.reply, settings, most)
            self._settled.set()

    async def _set_aside(self, most: float) -> None:
        while self.limit_usd is not None and self.spent_usd + self._aside_usd + most > self.limit_usd:
            if not self._out:
                raise ChatError(
                    "budget",
                    f"the budget of ${self.limit_usd:g} has ${self.limit_usd - self.spent_usd:.4f} left, and the next "
                    f"request may cost ${most:.4f}; raise {self._setting} and run again",
                )
            self._settled.clear()
            await self._settled.wait()
        self._aside_usd, self._out = self._aside_usd + most, self._out + 1


def most_usd(request: ChatRequest, settings: JudgeSettings, *, batch: bool = False) -> float:
    """The most that a request can cost in US dollars.

    Raises:
        ChatError: of kind "budget": no price is known.
    """
    price = price_of(settings)
    if price is None:
        raise ChatError(
            "budget",
            f"there is a budget, but no price is known for {settings.model}: state price_input and price_output of "
            "the judge in judge.toml, in US dollars per million tokens",
        )
    sampling = request.sampling
    longest = sampling.get("max_completion_tokens") or sampling.get("max_tokens") or _LONGEST_REPLY_TOKENS
    size = len(json.dumps(request.messages, ensure_ascii=False).encode("utf-8", "replace"))
    size += _TOKENS_OF_IMAGE * len(request.images)
    return price.cost(size, int(longest), batch=batch)


def _cost(reply: ChatReply, settings: JudgeSettings, most: float) -> float:
    price = price_of(settings, reply.model) or price_of(settings)
    if price is None:
        return 0.0
    if reply.prompt_tokens is None or reply.completion_tokens is None:
        return most
    return price.cost(reply.prompt_tokens, reply.completion_tokens)
