"""Tables of records by columns, as the report's data files hold them: names once, places instead of names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lmms_eval_ja.compare.report.script import number


class Names:
    """Texts that occur often, each by its place in a list."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.list: list[str] = []
        self._places: dict[str, int] = {}
        for name in names:
            self.place(name)

    def place(self, name: str | None) -> int | None:
        """The place of a text, which is added if it is new; None of None."""
        if name is None:
            return None
        if name not in self._places:
            self._places[name] = len(self.list)
            self.list.append(name)
        return self._places[name]


def columns(
    rows: Sequence[Any], fields: Sequence[str], places: Mapping[str, Callable[[Any], int | None]] | None = None
) -> dict[str, list[Any]]:
    """The fields of records by columns: numbers shortened, truth as 0 and 1, named fields as their places."""
    places = places or {}
    return {
        name: [places[name](getattr(row, name)) if name in places else _plain(getattr(row, name)) for row in rows]
        for name in fields
    }


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return number(value)
    return list(value) if isinstance(value, (list, tuple)) else value
