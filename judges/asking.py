"""Replies of a judge, each asked for once."""

from __future__ import annotations

from lmms_eval_ja.clients import ChatRequest, Store, StoredReply, asking
from lmms_eval_ja.clients.budget import Budget
from lmms_eval_ja.judges.judge import Judge
from lmms_eval_ja.judges.protocols import Protocol


class Asker(asking.Asker):
    """Asks one judge. Use from one event loop."""

    def __init__(self, judge: Judge, store: Store, budget: Budget | None = None) -> None:
        super().__init__(f"the judge {judge.label}", judge.client(), judge.settings, store, budget)
        self.judge = judge

    async def reply(self, request: ChatRequest, protocol: Protocol, key: str | None = None) -> StoredReply:
        """The reply to a request of this protocol; see `ask`."""
        return await self.ask(request, f"{protocol.name}/{protocol.version}", key)
