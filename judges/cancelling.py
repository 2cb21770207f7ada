"""Stopping a batch of requests: what was done until then is kept, and the rest is free to be asked in another way."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path

from lmms_eval_ja.clients import ChatError, Store
from lmms_eval_ja.clients.batch import BatchClient
from lmms_eval_ja.clients.ledger import Batch, Ledger
from lmms_eval_ja.clients.settings import without_userinfo
from lmms_eval_ja.judges.batch import collect
from lmms_eval_ja.judges.judge import Judge


def cancel(
    name: str, judge: Judge, store: Path, *, patience_s: float = 600.0, pause_s: float = 5.0
) -> tuple[Batch, int]:
    """Stop a batch, and store what was done until then.

    Args:
        name: the batch's id, the provider's or that in the store.
        judge: the judge, or jury, that was asked.
        store: the file of the store.
        patience_s: how long to wait until the provider has stopped.
        pause_s: between two looks.

    Returns:
        The batch as it was found, and the number of replies that it gave.

    Raises:
        ValueError: there is no such batch, it is over, another process is submitting it, or the judge is elsewhere.
        ChatError: the provider rejects the key, or does not answer or stop in time.
    """
    return asyncio.run(_cancel(name, judge, store, patience_s, pause_s))


async def _cancel(name: str, judge: Judge, path: Path, patience_s: float, pause_s: float) -> tuple[Batch, int]:
    with closing(Store(path)) as store:
        ledger = Ledger(store)
        known = next((one for one in ledger.batches() if name in {one.id, one.provider_id}), None)
        if known is None:
            raise ValueError(f"{path} has no batch {name}")
        if not known.is_open:
            raise ValueError(f"batch {known.name} is over: {known.state}")
        if known.state != "created" and known.owner.lives:
            raise ValueError(
                f"batch {known.name} is being submitted by process {known.owner.pid} on {known.owner.machine}"
            )
        own = [one.settings for one in judge.each.values() if without_userinfo(one.settings.base_url) == known.address]
        if not own:
            raise ValueError(f"batch {known.name} is at {known.address}: name a judge there (LMMS_EVAL_JA_JUDGE)")
        client = BatchClient(own[0])
        try:
            return known, await _stop(client, ledger, known, patience_s, pause_s)
        finally:
            await client.close()


async def _stop(client: BatchClient, ledger: Ledger, known: Batch, patience_s: float, pause_s: float) -> int:
    if known.state == "uploaded":
        if not ledger.take(known):
            raise ValueError(f"batch {known.name} has just been taken over by another process")
        if (made := await client.find(known.id)) is None:  # it never came into being
            return ledger.end(known, "cancelled", {})
        known = ledger.created(known, made.id)
    id_ = known.provider_id or ""
    status = await client.status(id_)
    if status is not None and not status.has_ended:
        status = await client.cancel(id_)
    end = time.monotonic() + patience_s
    while status is not None and not status.has_ended:
        if time.monotonic() > end:
            raise ChatError("transport", f"batch {id_} is not stopped yet; run the same command again")
        await asyncio.sleep(pause_s)
        status = await client.status(id_)
    if status is None:
        return ledger.end(known, "cancelled", {}, "the provider does not know it")
    return await collect(client, ledger, known, status)
