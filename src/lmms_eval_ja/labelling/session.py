"""What the page asks and tells, without HTTP: items in a rater's order, under names that tell nothing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from lmms_eval_ja.labelling.blind import is_swapped, opaque, order
from lmms_eval_ja.labelling.items import OF_TWO, Item, Labelling
from lmms_eval_ja.labelling.store import TIE, Entry, LabelStore

LONGEST_NAME, LONGEST_COMMENT = 60, 4000
_A_DAY = 86_400.0
_SIDES = ("left", "right")


class RequestError(Exception):
    """A request that cannot be answered; the message goes back to the page."""


class Session:
    """The items of a labelling, and what raters say of them. Safe to use from several threads."""

    def __init__(self, labelling: Labelling, store: LabelStore) -> None:
        self.labelling, self.store = labelling, store
        secret = secrets.token_bytes(32)
        self._ids = {item: opaque(item, secret) for item in labelling.items}
        self._items = {id_: item for item, id_ in self._ids.items()}
        self.pictures = {name for one in labelling.shown.values() for name in one.images}

    def overview(self, name: object) -> dict[str, Any]:
        """What a rater has before them: every item with its state, in their order."""
        rater = rater_of(name)
        own = self.store.entries(rater)
        mine = order(self.labelling.items, self.labelling.seed, rater)
        return {
            "rater": rater,
            "target": self.labelling.target,
            "title": self.labelling.title,
            "items": [{"id": self._ids[item]} | _state(own.get(item)) for item in mine],
        }

    def item(self, name: object, id_: object) -> dict[str, Any]:
        """An item as a rater sees it."""
        rater, item = rater_of(name), self._item(id_)
        shown = self.labelling.shown[item.task, item.doc_id]
        entry = self.store.entry(rater, item) or Entry()
        is_reference = self.labelling.target == "references"
        return {
            "id": self._ids[item],
            "texts": list(reversed(item.texts) if self._swapped(rater, item) else item.texts),
            "answer": item.answer,
            "question": shown.question,
            # Of references, the benchmark's own answer is one of those that are rated.
            "reference": "" if is_reference else shown.reference,
            "context": shown.context,
            "images": list(shown.images),
            "rubric": shown.rubric,
            "history": list(shown.history),
            "values": self.labelling.values(item),
        } | self._said(rater, item, entry)

    def rate(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what a rater says of an item; what is not said stays as it was, whoever said it on which page.

        Nothing said of an item passes it over, unless something was said before. Gives the item's new state and, as
        `entry`, all that is said of it by now.

        Raises:
            RequestError: an unknown item, or a value off the scale.
        """
        rater, item = rater_of(said.get("rater")), self._item(said.get("id"))
        value = said.get("value")
        if value is not None and (isinstance(value, bool) or value not in self.labelling.values(item)):
            raise RequestError(f"{value!r} is off the scale of {item.task}")
        entry = self.store.change(rater, item, lambda before: self._with(before, said, rater, item))
        return {"id": self._ids[item]} | _state(entry) | {"entry": self._said(rater, item, entry)}

    def _with(self, before: Entry | None, said: Mapping[str, Any], rater: str, item: Item) -> Entry:
        """An entry with what is said now; the one that was there if that changes nothing."""
        value, old = said.get("value"), before or Entry()
        changes: dict[str, Any] = {name: said[name] is True for name in ("flag", "cultural_error") if name in said}
        if "comment" in said:
            changes["comment"] = _clean(said["comment"])[:LONGEST_COMMENT]
        if value is not None:
            changes |= {"value": self._meant(rater, item, value), "seconds": _seconds(said.get("seconds"))}
        if self.labelling.target in OF_TWO and (value is not None or old.value is None):
            changes["left"] = self._sides(rater, item)[0]
        entry = replace(old, **changes)
        if before is not None and entry == before and value is None:
            return before
        return replace(entry, at=datetime.now(timezone.utc).isoformat(timespec="seconds"))

    def undo(self, name: object) -> dict[str, Any]:
        """Take back the last that a rater said of these items; gives that item's state, or {"id": None}."""
        rater = rater_of(name)
        item = self.store.undo(rater, self._ids.keys())
        if item is None:
            return {"id": None}
        return {"id": self._ids[item]} | _state(self.store.entry(rater, item))

    def progress(self) -> dict[str, tuple[int, int]]:
        """By rater, how many of the items are rated, and how many there are."""
        items = self.labelling.items
        found = {}
        for rater in self.store.raters:
            own = self.store.entries(rater)
            found[rater] = sum((own.get(item) or Entry()).value is not None for item in items), len(items)
        return found

    def _item(self, id_: object) -> Item:
        item = self._items.get(id_) if isinstance(id_, str) else None
        if item is None:
            raise RequestError("no such item: load the page again")
        return item

    def _swapped(self, rater: str, item: Item) -> bool:
        return self.labelling.target in OF_TWO and is_swapped(item, self.labelling.seed, rater)

    def _sides(self, rater: str, item: Item) -> Sequence[str]:
        return item.names[::-1] if self._swapped(rater, item) else item.names

    def _meant(self, rater: str, item: Item, value: int | str | None) -> int | str | None:
        """A side as the name that stands there."""
        return self._sides(rater, item)[_SIDES.index(value)] if value in _SIDES else value

    def _said(self, rater: str, item: Item, entry: Entry) -> dict[str, Any]:
        """What a rater's page shows of what they said."""
        names = ("comment", "flag", "cultural_error")
        return {"value": self._seen(rater, item, entry.value)} | {name: getattr(entry, name) for name in names}

    def _seen(self, rater: str, item: Item, value: int | str | None) -> int | str | None:
        """A name as the side on which it stands."""
        if self.labelling.target not in OF_TWO or value in {None, TIE}:
            return value
        return _SIDES[list(self._sides(rater, item)).index(str(value))]


def rater_of(name: object) -> str:
    """A rater's name, tidied.

    Raises:
        RequestError: it is empty or too long.
    """
    rater = " ".join(_clean(name).split())
    if not 1 <= len(rater) <= LONGEST_NAME:
        raise RequestError(f"a rater's name has 1 to {LONGEST_NAME} characters")
    return rater


def _clean(text: object) -> str:
    """A text without what a file of labels cannot hold: controls, halves of pairs."""
    if not isinstance(text, str):
        return ""
    whole = text.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    return "".join(letter for letter in whole if letter in "\n\t" or letter.isprintable() or letter.isspace()).replace(
        "\r", "\n"
    )


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return min(max(float(value), 0.0), _A_DAY) if value == value else 0.0  # noqa: PLR0124 (NaN)


def _state(entry: Entry | None) -> dict[str, Any]:
    """Rated, passed over, or open: also what was only commented on or marked."""
    if entry is None:
        return {"state": "open", "flag": False}
    state = "done" if entry.value is not None else "open" if entry.has_content else "passed"
    return {"state": state, "flag": entry.flag or entry.cultural_error}
