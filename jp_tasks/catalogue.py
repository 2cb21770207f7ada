"""Our tasks as their YAML files describe them, read without importing any of their functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lmms_eval_ja.jp_tasks import FOLDER


@dataclass(frozen=True)
class TaskInfo:
    """What a task's `metadata` says; `rows` is the number of questions."""

    name: str
    rows: int
    headline: str
    protocol: str
    licence: str
    source: str


class _Loader(yaml.SafeLoader):
    """Reads `!function a.b` as the text "a.b"."""


def _text(loader: yaml.SafeLoader, node: yaml.Node) -> str:
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101 (what stands behind !function)
    return str(loader.construct_scalar(node))


_Loader.add_constructor("!function", _text)


def tasks() -> list[TaskInfo]:
    """All tasks, by name."""
    return [
        TaskInfo(name=c["task"], **{k: c["metadata"][k] for k in ("rows", "headline", "protocol", "licence", "source")})
        for c in _configs()
        if isinstance(c["task"], str)
    ]


def groups() -> dict[str, list[str]]:
    """The members of each group."""
    return {c["group"]: c["task"] for c in _configs() if isinstance(c["task"], list)}


def group_metrics() -> dict[str, list[str]]:
    """The metrics of each group that has any, as `aggregate_metric_list` names them."""
    return {
        c["group"]: [str(entry["metric"]) for entry in c["aggregate_metric_list"]]
        for c in _configs()
        if isinstance(c["task"], list) and c.get("aggregate_metric_list")
    }


def opened(names: list[str]) -> list[str]:
    """Names of tasks and groups as names of tasks, each once.

    Raises:
        ValueError: an unknown name; the message lists the valid ones.
    """
    members, known = groups(), {task.name for task in tasks()}
    found = [task for name in names for task in members.get(name, [name])]
    if unknown := [name for name in found if name not in known]:
        raise ValueError(f"unknown task {unknown[0]!r}; expected some of {', '.join(sorted(known | members.keys()))}")
    return list(dict.fromkeys(found))


def without_judge(name: str) -> bool:
    """Whether a task has a metric that needs no judge: ROUGE-L, or any where no protocol judges."""
    from lmms_eval_ja.judges import PROTOCOLS

    config = next(c for c in _configs() if c["task"] == name)
    judging = [part.strip() for part in str(config["metadata"]["protocol"]).split(",")]
    metrics = config.get("metric_list") or _included(config).get("metric_list") or ()
    return not any(part in PROTOCOLS for part in judging) or any(m["metric"] == "rouge_l_ja" for m in metrics)


def _included(config: dict[str, Any]) -> dict[str, Any]:
    """The file that a configuration takes over."""
    name = config.get("include")
    path = next((path for path in sorted(FOLDER.rglob(Path(name).name)) if path.is_file()), None) if name else None
    return {} if path is None else _loaded(path)


@cache
def _configs() -> tuple[dict[str, Any], ...]:
    return tuple(_read())


def _read() -> Iterator[dict[str, Any]]:
    for path in sorted(FOLDER.rglob("*.yaml"), key=lambda p: p.stem):
        yield _loaded(path)


def _loaded(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    return content
