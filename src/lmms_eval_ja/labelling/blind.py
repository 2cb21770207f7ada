"""Which items are rated, in which order, under which names: all of it from seeds, none of it tells the model."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from lmms_eval_ja.labelling.items import Item

_ID_DIGITS = 20


def sample(items: Sequence[Item], limit: int | None, seed: int) -> list[Item]:
    """At most `limit` items, drawn at random: whole documents, tasks in turn, so that all models have as many.

    Models differ by one item at most within a task, by which the last document is cut. A smaller limit gives a part of
    what a greater one gives.
    """
    if limit is None or limit >= len(items):
        return list(items)
    chosen = set(list(_drawn(items, seed))[:limit])
    return [item for item in items if item in chosen]


def _drawn(items: Sequence[Item], seed: int) -> Iterator[Item]:
    by_task: dict[str, dict[int, list[Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        by_task[item.task][item.doc_id].append(item)
    queues = []
    for task, documents in by_task.items():
        draw = random.Random(f"{seed}/{task}")  # noqa: S311 (a sample that can be drawn again)
        ids = sorted(documents)
        draw.shuffle(ids)
        queues.append([draw.sample(documents[id_], len(documents[id_])) for id_ in ids])
    for turn in zip_longest(*queues):
        for own in turn:
            yield from own or ()


def order(items: Sequence[Item], seed: int, rater: str) -> list[Item]:
    """The items in the order in which a rater sees them: documents and models mixed, for each rater another way."""
    mixed = list(items)
    random.Random(f"{seed}/{rater}").shuffle(mixed)  # noqa: S311 (as above)
    return mixed


def is_swapped(item: Item, seed: int, rater: str) -> bool:
    """Whether the second of two texts stands left; a coin for each item and rater."""
    text = "\x1f".join([str(seed), rater, item.task, str(item.doc_id), item.of, *item.names])
    return bool(hashlib.sha256(text.encode()).digest()[0] & 1)


def opaque(item: Item, secret: bytes) -> str:
    """A name for an item that tells nothing to those who do not have the secret."""
    text = "\x1f".join([item.task, str(item.doc_id), item.of, *item.names])
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:_ID_DIGITS]
