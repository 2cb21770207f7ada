"""What judging will take, before anybody is asked: requests, tokens and dollars by task, protocol and judge."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmms_eval_ja.clients import AssetError, JudgeSettings, Price, Settings, SettingsError, load_settings, price_of
from lmms_eval_ja.clients.store_reader import ExchangeError
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.jp_tasks.catalogue import opened
from lmms_eval_ja.judges import Judge, Protocol, Sample, anchors_of, protocol, protocols_of, sample_of
from lmms_eval_ja.judges.dialogue import passes_of
from lmms_eval_ja.judges.results import ANCHORS, FIELDS
from lmms_eval_ja.judges.tokens import (
    ASCII_PER_TOKEN,
    ASSUMED_REASONING,
    ASSUMED_REPLY,
    Tokens,
    assumed_tokens,
    recorded_tokens,
)
from lmms_eval_ja.metrics import generation_failure

#: lmms-eval's own, where a task states none.
_MAX_NEW_TOKENS = 1024


class CostError(Exception):
    """Nothing can be estimated; the message names the task, file or setting."""


@dataclass(frozen=True)
class Plan:
    """What is to be estimated; what is None stays as the tasks and the settings have it."""

    tasks: Sequence[str]
    judge: str | None = None
    protocol: str | None = None
    repeats: int | None = None
    batch: bool = False


@dataclass(frozen=True)
class Item:
    """One judge on one task by one protocol. `requests` is without re-asking, and as if none were stored."""

    task: str
    protocol: str
    judge: str
    samples: int
    requests: int
    tokens: Tokens
    price: Price | None
    batch: bool

    @property
    def prompt_tokens(self) -> float:
        """Of all requests."""
        return self.requests * self.tokens.prompt

    @property
    def completion_tokens(self) -> float:
        """Of all requests, with hidden reasoning."""
        return self.requests * self.tokens.completion

    @property
    def dollars(self) -> float | None:
        """None where something is asked and no price is known."""
        if not self.requests:
            return 0.0
        if self.price is None:
            return None
        return self.price.cost(self.prompt_tokens, self.completion_tokens, batch=self.batch)

    @property
    def basis(self) -> str:
        """Where the number of tokens is from, and tokens sent and received a request."""
        if not self.requests:
            return "asks nobody"
        known = f"mean of {self.tokens.replies:,} stored replies" if self.tokens.replies else "assumed"
        return f"{known}: {self.tokens.prompt:,.0f} + {self.tokens.completion:,.0f} a request"


@dataclass(frozen=True)
class Estimate:
    """All items, and sentences that say what is certain, what is assumed, and what to do."""

    items: Sequence[Item]
    notes: Sequence[str]

    @property
    def dollars(self) -> float:
        """The sum of what is known."""
        return _dollars(self.items)

    @property
    def is_whole(self) -> bool:
        """Whether every price that matters is known."""
        return all(item.dollars is not None for item in self.items)


def _dollars(items: Sequence[Item]) -> float:
    return sum(item.dollars or 0.0 for item in items)


def estimate(plan: Plan) -> Estimate:
    """Estimate what judging tasks and groups of ours costs. Asks no judge; data is loaded, or read from its cache.

    Raises:
        CostError: an unknown task or protocol, unusable settings, data that cannot be loaded, a missing asset.
    """
    try:
        names = opened(list(plan.tasks))
        stated = None if plan.protocol is None else protocol(plan.protocol)
        settings = load_settings(os.environ | _variables(plan))
        items = [item for config in _configs(names) for item in _items(config, stated, settings)]
    except (ValueError, SettingsError, AssetError, ExchangeError, SystemExit) as error:
        raise CostError(str(error).removeprefix("lmms-eval-ja: ")) from None
    if not items:
        raise CostError(f"no judge is asked about {', '.join(names) or 'no task'}: state a task, or --protocol")
    return Estimate(items, list(_notes(items, settings)))


def _variables(plan: Plan) -> dict[str, str]:
    values = {"JUDGE": plan.judge, "JUDGE_REPEATS": plan.repeats, "JUDGE_MODE": "batch" if plan.batch else None}
    return {f"LMMS_EVAL_JA_{name}": str(value) for name, value in values.items() if value is not None}


def _configs(names: Sequence[str]) -> list[dict[str, Any]]:
    from lmms_eval.tasks import TaskManager

    manager = TaskManager("ERROR", include_path=str(FOLDER), include_defaults=False)
    return [manager._get_config(name) for name in names]  # noqa: SLF001 (the manager has no public way to a YAML)


def _items(config: Mapping[str, Any], stated: Protocol | None, settings: Settings) -> Iterator[Item]:
    task = config["task"]
    protocols = [stated] if stated else [protocol(name) for name in protocols_of(config.get("process_results"))]
    samples, anchors = _samples(config) if protocols else ([], [])
    for used in protocols:
        parts = {task: samples}
        if anchors and used.compares and settings.anchors:
            parts[f"{task} ({ANCHORS})"] = anchors
        for name, judged in parts.items():
            for member, judge in Judge.of(settings).each.items():
                label = f"{member}: {judge.settings.model}" if member else judge.settings.model
                try:
                    yield _item(name, used, label, judge.settings, samples=judged, store=settings.store)
                except AssetError as error:
                    raise CostError(f"{task} cannot be judged by {used.name}: {error}") from None


def _item(
    task: str, used: Protocol, label: str, judge: JudgeSettings, *, samples: Sequence[Sample], store: Path
) -> Item:
    requests, tokens = 0, Tokens(0, 0)
    if judge.provider != "overlap" and judge.mode != "store":
        requests = len(samples) * passes_of(used, judge) * judge.repeats
        tokens = recorded_tokens(store, used, judge) or assumed_tokens(used, judge, samples)
    price = price_of(judge, tokens.model)
    return Item(task, used.name, label, len(samples), requests, tokens, price, judge.mode == "batch")


def _samples(config: Mapping[str, Any]) -> tuple[list[Sample], list[Sample]]:
    """The task's documents with the longest answer that the task allows, in Japanese; and those of recorded answers."""
    from lmms_eval_ja.run_data import documents

    docs = documents(config)
    columns = {ANCHORS, "rubric", "history", *(column for names in FIELDS.values() for column in names)}
    docs = docs.select_columns([name for name in docs.column_names if name in columns])  # decodes no picture
    longest = "あ" * int((config.get("generation_kwargs") or {}).get("max_new_tokens", _MAX_NEW_TOKENS))
    samples, recorded = [], []
    for doc in docs:
        samples.append(sample_of(doc, longest))
        answers = [answer for answer in anchors_of(doc).values() if generation_failure(answer) is None]
        recorded += [sample_of(doc, answer) for answer in answers]
    return samples, recorded


def _notes(items: Sequence[Item], settings: Settings) -> Iterator[str]:
    yield (
        "Certain: samples and first requests. Replies that are stored already are neither asked nor paid again; "
        "re-asking unreadable replies comes on top. Estimated: tokens, and with them dollars."
    )
    if any(item.requests and not item.tokens.replies for item in items):
        yield (
            f"Assumed: {ASCII_PER_TOKEN} ASCII characters to a token and every other character a token of its own, "
            "rather too many for Japanese; answers as long as the task allows; "
            f"{min(ASSUMED_REPLY.values()):,} to {max(ASSUMED_REPLY.values()):,} tokens of reply by protocol, and "
            f"{ASSUMED_REASONING:,} more for a judge that reasons. Once replies of the protocol and judge are stored, "
            "their mean is taken."
        )
    if any(item.requests and item.task.endswith(f"({ANCHORS})") for item in items):
        yield (
            "Anchors are recorded answers that come with a benchmark, asked about once for a judge that is new to the "
            "store; anchors = false in judge.toml, or LMMS_EVAL_JA_ANCHORS=0, leaves them out."
        )
    if any(judge.sees_image for judge in (settings.judge, *settings.members.values())):
        yield "Tokens of pictures are counted only where they are known from stored replies."
    prices = {(price.source, price.date) for item in items if (price := item.price) and not price.is_free}
    for source, date in sorted(prices, key=str):
        yield f"Prices: {source}." if date is None else f"Prices of {date}: {source}."
    for judge in dict.fromkeys(item.judge for item in items if item.dollars is None):
        # The variables are of the judge that is chosen, which a member of a jury is not.
        variables = (
            "" if settings.members else ", or LMMS_EVAL_JA_JUDGE_PRICE_INPUT and LMMS_EVAL_JA_JUDGE_PRICE_OUTPUT"
        )
        yield (
            f"No price is known for {judge}: state its price_input and price_output in judge.toml{variables}, in US "
            "dollars per million tokens."
        )
    yield from _budget_notes(_dollars(items), settings)


def _budget_notes(dollars: float, settings: Settings) -> Iterator[str]:
    if settings.budget_usd is not None and dollars > settings.budget_usd:
        yield (
            f"This is more than the budget of ${settings.budget_usd:,.2f} (budget_usd): a run stops there, and the "
            "same command goes on once the budget is raised."
        )
