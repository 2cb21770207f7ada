from __future__ import annotations

from pathlib import Path

import pytest
from front.exporting.made_up import loaded, placed, written

from lmms_eval_ja import metrics
from lmms_eval_ja.exporting.closure import definitions
from lmms_eval_ja.exporting.modules import ExportError
from lmms_eval_ja.exporting.writing import unformatted

ONE = '''"""One."""

import math
from os import path as where

#: The limit.
_LIMIT = 3  # noqa: ERA001 (ours)
_UNUSED = where.sep


class Base:
    """A base."""

    limit = _LIMIT


class Child(Base):
    """A child."""

    def like(self, other: "Base") -> list["Base"]:
        """See `HERE.one.Base`."""
        return [other]


def unused() -> None:
    """Not needed."""


def root(x: float) -> float:  # type: ignore[misc]
    """A root."""
    return math.sqrt(x) + _LIMIT
'''
TWO = '''"""Two."""

from __future__ import annotations

from HERE import one
from HERE.one import root as root_of

_LIMIT = 5


def total(x: float, root: float) -> float:
    """Shadows the name of what it calls."""
    from HERE.three import helped

    return root_of(x) + root + _LIMIT + helped(x)


def child() -> one.Child:
    """Uses a module's name."""
    return one.Child()


total.label = "sum"
VALUE = total(4.0, 1.0)
'''
THREE = '''"""Three."""

_calls = 0


def helped(x):
    """Counts its calls."""
    global _calls
    _calls += 1
    return [x * y for y in range(2)][1] + _calls
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return placed(tmp_path, monkeypatch, {"one": ONE, "two": TWO, "three": THREE})


def test_only_what_is_needed_is_carried(package: str) -> None:
    closure, text = written([f"{package}.one.root"])
    assert [definition.names for definition in closure.definitions] == [("_LIMIT",), ("root",)]
    assert [(each.module, each.name) for each in closure.imports] == [("math", None)]
    assert "#: The limit." in text
    assert "noqa" not in text
    assert "type: ignore" not in text
    assert loaded(text).root(4.0) == 5


def test_names_that_clash_are_told_apart_and_what_is_shadowed_is_renamed(package: str) -> None:
    closure, text = written([f"{package}.two.VALUE", f"{package}.two.child"])
    module = loaded(text)
    # sqrt(4) + 3, 1, 5, and 4 · 1 + 1 call
    assert module.VALUE == 5 + 1 + 5 + 5
    assert closure.name_of(f"{package}.one.root") == "root_of"
    assert module.total.label == "sum"
    assert {closure.name_of(f"{package}.{name}._LIMIT") for name in ("one", "two")} == {"_LIMIT", "_TWO_LIMIT"}
    assert module.child().limit == 3


def test_quoted_annotations_and_docstrings_lose_our_package(package: str) -> None:
    closure, text = written([f"{package}.one.Child"])
    assert [definition.names for definition in closure.definitions] == [("_LIMIT",), ("Base",), ("Child",)]
    assert "See `Base`." in text


def test_others_may_stand_for_definitions(package: str) -> None:
    instead = {f"{package}.one.root": f"{package}.three.helped"}
    _, text = written([f"{package}.two.total"], instead=instead)
    assert "sqrt" not in text
    assert loaded(text).total(1.0, 0.0) == 2 + 0 + 5 + 3


def test_calls_are_unwrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = '"""M."""\n\n\ndef around(x):\n    return x + 1\n\n\ndef root(x):\n    return around((x, 2)[0])\n'
    package = placed(tmp_path, monkeypatch, {"m": source})
    closure, text = written([f"{package}.m.root"], unwrap=[f"{package}.m.around"])
    assert [definition.names for definition in closure.definitions] == [("root",)]
    assert loaded(text).root(5) == 5


def test_entries_of_a_dict_are_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        '"""M."""\n\nA, B = "a", "b"\n\nT = {\n    # first\n    A: 1,\n    # second\n    B: 2,\n'
        '    f"{A}c": [3, 4]\n}\n'
    )
    package = placed(tmp_path, monkeypatch, {"m": source})
    _, text = written([f"{package}.m.T"], only={f"{package}.m.T": ("ac",)})
    assert loaded(text).T == {"ac": [3, 4]}
    assert "first" not in text


def test_data_files_lie_beside_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        '"""M."""\n\nfrom importlib.resources import files\n\n\ndef path():\n    return files("HERE") / "words.txt"\n'
    )
    package = placed(tmp_path, monkeypatch, {"m": source})
    data = tmp_path / package.rsplit(".", 1)[1] / "words.txt"
    with pytest.raises(ExportError, match=r"line 7: there is no file words\.txt"):
        definitions([f"{package}.m.path"])
    data.write_text("words", encoding="utf-8")
    closure, text = written([f"{package}.m.path"])
    assert closure.files == {"words.txt": data}
    assert loaded(text).path() == Path("/nowhere/words.txt")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def root():\n    return missing\n", "'missing' is not defined"),
        ("from . import other\n\n\ndef root():\n    return other\n", "relative import"),
        ("from HERE import m as mine\n\n\ndef root():\n    return mine\n", "is used as a value"),
        ("def other():\n    return 1\n", "has no 'root'"),
        ("def root():\n    return 'lmms-eval-ja'\n", "still named"),
        ("A = B = 0\n\n\ndef root():\n    global A, B\n    A = B = 1\n", "in a statement of its own"),
    ],
)
def test_what_cannot_be_carried_is_named(
    source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = placed(tmp_path, monkeypatch, {"m": source})
    with pytest.raises(ExportError, match=message):
        written([f"{package}.m.root"])


def test_every_metric_can_be_carried_and_gives_the_same() -> None:
    closure = definitions([f"lmms_eval_ja.metrics.{name}" for name in metrics.__all__])
    module = loaded(unformatted(closure, "All.", texts={'"lmms-eval-ja[neologdn]"': "neologdn"}))

    def called(name: str) -> str:
        return closure.name_of(f"lmms_eval_ja.metrics.{name}")

    parse, rouge = (getattr(module, called(name)) for name in ("parse_choice", "rouge_l"))
    for answer in ("Ｂ", "正解はＢです。", "大阪", "どちらでもない", "DNAは…", "B：大阪"):
        options = ["東京", "大阪"]
        ours = metrics.parse_choice(answer, options)
        assert parse(answer, options).letter == ours.letter
        assert rouge("大阪です", answer) == metrics.rouge_l("大阪です", answer)
    ratios = getattr(module, called("mean_of_ratios"))([8.0, 6.0], [9.0, 7.0], ["a", "b"])
    assert ratios.value == metrics.mean_of_ratios([8.0, 6.0], [9.0, 7.0], ["a", "b"]).value


MEMBERS = '''"""M."""

import json
from abc import ABC, abstractmethod
from typing import ClassVar


class Base(ABC):
    """A base."""

    name: ClassVar[str]
    #: Only for dumps.
    version: ClassVar[int] = 1

    @abstractmethod
    def value(self):
        """Asked for."""

    def dump(self):
        """Not asked for."""
        from HERE.other import helped

        return json.dumps([self.version, self.value(), helped()])

    # For both.
    def twice(self):
        """Asked for by its name as a text."""
        return 2 * self.value()


class Own(Base):
    """One of them."""

    name = "own"
    version = 2

    def value(self):
        """One."""
        return len(self.name)


class Table(dict):
    """Its base may call what it has."""

    def __missing__(self, key):
        return 0

    def copy(self):
        """Not asked for."""
        return Table(self)


def root():
    return getattr(Own(), "twice")() + Table()["a"]
'''
OTHER = '"""Other."""\n\n\ndef helped():\n    """Helps."""\n    return 1\n'


def test_members_that_nothing_names_stay_here_with_what_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = placed(tmp_path, monkeypatch, {"m": MEMBERS, "other": OTHER})
    closure, text = written([f"{package}.m.root"], whole_classes=False)
    for gone in ("dump", "json", "helped", "version", "Only for dumps"):
        assert gone not in text
    assert "# For both." in text
    assert "def copy" in text
    assert {each.module for each in closure.imports} == {"abc", "typing"}
    assert loaded(text).root() == 2 * len("own")
    _, text = written([f"{package}.m.Base"], whole_classes=False)
    assert "def dump" in text  # a root is whole
    _, text = written([f"{package}.m.root"])
    assert "def dump" in text
