"""Figures that others published, with what is known of how they came about: shown beside ours, never among them."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from lmms_eval_ja.models.catalogue import catalogue

#: Stands in a source's file for a figure that the source prints although the benchmark is in the training data.
CONTAMINATED = "contaminated"
#: Begins the note of every figure that is dashed for that.
CONTAMINATED_NOTE = "contaminated: the benchmark is in the model's training data"
PAPER, PAPER_ABLATIONS = "LLM-jp-3 VILA paper, Table 4", "LLM-jp-3 VILA paper, Table 5"
EVAL_MM, EVAL_MM_TABLE = "llm-jp-eval-mm, leaderboard.json", "llm-jp-eval-mm, leaderboard.md"


@dataclass(frozen=True)
class Source:
    """A publication, and what is known of its protocol; `unknown` says what is not."""

    title: str
    url: str
    date: str
    judge: str
    protocols: str
    repeats: str
    decoding: str
    unknown: str


@dataclass(frozen=True)
class PublishedRow:
    """A published figure.

    Attributes:
        source: a key of `SOURCES`.
        model: id in the catalogue, or the published name of a model that is not in it.
        task: name of our task.
        metric: name of our metric.
        value: None where it is dashed.
        note: why it is dashed, or "".
        name: the model's name as published.
        step: one unit in the last place of what is printed.
    """

    source: str
    model: str
    task: str
    metric: str
    value: float | None
    note: str = ""
    name: str = ""
    step: float = 0.0

    @property
    def is_contaminated(self) -> bool:
        """Whether the benchmark is in the model's training data."""
        return self.note.startswith(CONTAMINATED_NOTE)


def published(tasks: Collection[str] | None = None) -> list[PublishedRow]:
    """All published figures, or those of some tasks, in the order of the sources and of their tables."""
    return [row for row in _rows() if tasks is None or row.task in tasks]


def __getattr__(name: str) -> Any:
    """`SOURCES`: facts of each source by its name, read when they are first asked for."""
    if name == "SOURCES":
        return _sources()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


#: What an entry of `sources.yaml` holds besides the facts.
_OWN = ("name", "file", "step")


@cache
def _entries() -> tuple[dict[str, Any], ...]:
    text = (files("lmms_eval_ja.compare.published") / "sources.yaml").read_text(encoding="utf-8")
    return tuple(yaml.safe_load(text))


@cache
def _sources() -> dict[str, Source]:
    return {
        entry["name"]: Source(**{key: value for key, value in entry.items() if key not in _OWN}) for entry in _entries()
    }


@cache
def _rows() -> tuple[PublishedRow, ...]:
    return tuple(row for entry in _entries() for row in _read(entry))


def _read(entry: Mapping[str, Any]) -> Iterator[PublishedRow]:
    path = files("lmms_eval_ja.compare.published") / entry["file"]
    for line in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        name, model = line.pop("name"), line.pop("model")
        known = catalogue().get(model)
        for column, text in line.items():
            task, _, metric = column.partition("/")
            if known is not None and task in known.contaminated_tasks:
                why = "the source prints a figure" if text == CONTAMINATED else "the source leaves it out, too"
                value, note = None, f"{CONTAMINATED_NOTE}; {why}"
            elif text:
                value, note = float(text), ""
            else:
                continue
            yield PublishedRow(
                entry["name"], model or name, task, metric, value, note, name, float(entry["step"][metric])
            )
