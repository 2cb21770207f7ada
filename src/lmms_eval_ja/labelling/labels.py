"""What raters say of items: told line by line by a journal, the last word of each rater counts."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lmms_eval_ja.labelling.items import Item, Scale

#: A rating of two texts that prefers neither.
TIE = "tie"
_HASH_DIGITS = 16


@dataclass(frozen=True)
class Entry:
    """What a rater says of an item.

    Attributes:
        value: the score; of two texts the name of the better one, or "tie"; None if there is no rating.
        left: of two texts, whose stood left.
        comment: free text.
        flag: that something is wrong with the item.
        cultural_error: that the answer gets Japan wrong.
        seconds: from showing it to rating it.
        at: when the last of it was said, in UTC, ISO 8601.
    """

    value: int | str | None = None
    left: str = ""
    comment: str = ""
    flag: bool = False
    cultural_error: bool = False
    seconds: float = 0.0
    at: str = ""

    @property
    def has_content(self) -> bool:
        """Whether it is worth a row; an item that was passed over is not."""
        return self.value is not None or bool(self.comment) or self.flag or self.cultural_error


@dataclass(frozen=True)
class Said:
    """An entry with what it was said of: the item, the hash of its texts then, and the scale, such as 1-5."""

    item: Item
    entry: Entry
    texts: str
    scale: str


class Labels:
    """What was said so far. An entry of texts that are others by now is kept, and does not count."""

    def __init__(self) -> None:
        self._said: dict[str, dict[Item, Said]] = defaultdict(dict)
        #: By rater, in order: what was spoken of, and what had been said of it before.
        self._done: dict[str, list[tuple[Item, Said | None]]] = defaultdict(list)
        #: Hashes of the texts as they were last seen.
        self._texts: dict[Item, str] = {}

    def replay(self, line: Mapping[str, Any]) -> Item:
        """Take in a line of `line_of_entry`, `line_of_undo` or `line_of_change`; gives the item that it is about.

        Raises:
            KeyError, TypeError, ValueError: it is another line.
        """
        item, texts = _item(line["item"]), str(line["item"]["texts"])
        if line.get("changed"):
            self._texts[item] = texts
        elif line.get("undo"):
            self._take_back(line["rater"], item)
        else:
            self._texts[item] = texts
            own = self._said[line["rater"]]
            self._done[line["rater"]].append((item, own.get(item)))
            own[item] = Said(item, Entry(**line["entry"]), texts, line["scale"])
        return item

    def _take_back(self, rater: str, item: Item) -> None:
        acts = self._done[rater]
        _, before = acts.pop(max(place for place, (one, _) in enumerate(acts) if one == item))
        if before is None:
            del self._said[rater][item]
        else:
            self._said[rater][item] = before

    @property
    def raters(self) -> list[str]:
        """Everybody of whom something counts."""
        return sorted(rater for rater, own in self._said.items() if any(map(self._counts, own.values())))

    def of(self, rater: str) -> list[Said]:
        """What counts of a rater."""
        return [said for said in self._said[rater].values() if self._counts(said)]

    def of_item(self, item: Item) -> Iterator[tuple[str, Said]]:
        """What counts of an item, with the rater."""
        for rater, own in self._said.items():
            if item in own and self._counts(own[item]):
                yield rater, own[item]

    def entry(self, rater: str, item: Item) -> Entry | None:
        """What a rater said of an item last, if it counts."""
        said = self._said[rater].get(item)
        return said.entry if said is not None and self._counts(said) else None

    def last(self, rater: str, within: Collection[Item]) -> Item | None:
        """Of which of some items a rater spoke last."""
        acts = (item for item, _ in reversed(self._done[rater]))
        return next((item for item in acts if item in within and self.entry(rater, item) is not None), None)

    def changed(self, items: Iterable[Item]) -> list[Item]:
        """Those of some items whose texts are others than were last seen."""
        return [item for item in items if item in self._texts and self._texts[item] != hash_of(item)]

    def outdated(self, items: Iterable[Item]) -> int:
        """How many entries of some items do not count."""
        wanted = set(items)
        every = (said for own in self._said.values() for said in own.values())
        return sum(said.item in wanted and said.entry.has_content and not self._counts(said) for said in every)

    def scales(self, task: str) -> set[str]:
        """The scales of a task's ratings, also of those to which an undo goes back."""
        last = [said for own in self._said.values() for said in own.values()]
        before = [said for acts in self._done.values() for _, said in acts if said is not None]
        return {said.scale for said in last + before if said.item.task == task and said.entry.value is not None}

    def _counts(self, said: Said) -> bool:
        return said.texts == self._texts[said.item]


def line_of_entry(rater: str, item: Item, scale: str, entry: Entry) -> dict[str, Any]:
    """That a rater says something of an item."""
    return {"rater": rater, "item": _stated(item), "scale": scale, "entry": asdict(entry)}


def line_of_undo(rater: str, item: Item) -> dict[str, Any]:
    """That a rater takes back what they said last of an item."""
    return {"rater": rater, "item": _stated(item), "undo": True}


def line_of_change(item: Item) -> dict[str, Any]:
    """That the texts of an item are others now."""
    return {"item": _stated(item), "changed": True}


def hash_of(item: Item) -> str:
    """A short name for the texts of an item."""
    return hashlib.sha256(json.dumps([*item.texts, item.answer]).encode()).hexdigest()[:_HASH_DIGITS]


def named(scale: Scale | None) -> str:
    """A scale as it stands in files, such as 1-5; "" for none."""
    return "" if scale is None else f"{scale[0]}-{scale[1]}"


def _stated(item: Item) -> dict[str, Any]:
    names = ("task", "doc_id", "of", "category", "image")
    return {name: getattr(item, name) for name in names} | {"names": list(item.names), "texts": hash_of(item)}


def _item(stated: Mapping[str, Any]) -> Item:
    rest = {name: stated[name] for name in ("of", "category", "image")}
    return Item(stated["task"], stated["doc_id"], tuple(stated["names"]), (), **rest)
