"""A card as headings, paragraphs and tables in one language, from which Markdown and HTML are made alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lmms_eval_ja.judge_carding.words import DETAILS, PROBES, VERDICTS, WORDS, Language, word


@dataclass(frozen=True)
class Block:
    """A heading, a paragraph, a warning, or a table whose first row is its header.

    `marks` holds, for each row of a table below the header, how it is shown: "bad", "good" or "".
    """

    kind: Literal["heading", "text", "warning", "table"]
    text: str = ""
    rows: Sequence[Sequence[str]] = ()
    marks: Sequence[str] = ()


def blocks(card: Mapping[str, Any], language: Language) -> Iterator[Block]:
    """The parts of a card in a language, in their order. What the library says of a reason is in English."""

    def w(key: str) -> str:
        return word(WORDS, key, language)

    if card["warnings"] and card["agreement"] is None:
        yield Block("warning", w("open_unknown"))
        yield from (Block("text", f"{warning}.") for warning in card["warnings"] if language == "en")
    else:
        yield from (Block("warning", warning) for warning in card["warnings"])
    yield Block("table", rows=_facts(card, language))
    yield Block("heading", w("agreement"))
    if card["agreement"] is None:
        yield Block("text", w("no_agreement"))
    else:
        yield Block("table", rows=_agreement(card["agreement"], language))
    yield Block("heading", w("probes"))
    yield Block("text", w("how"))
    yield Block("table", rows=_probes(card, language), marks=[_mark(one["verdict"]) for one in card["probes"]])
    for probe in card["probes"]:
        if probe["reason"]:
            yield Block("text", f"{word(PROBES, probe['name'], language)}: {probe['reason']}.")
    if any(probe["side"] == "below threshold" and probe["effect"] is not None for probe in card["probes"]):
        yield Block("text", w("image_probes"))
    if any(probe["image_is_described"] for probe in card["probes"]):
        yield Block("text", w("described"))
    details = _details(card, language)
    if len(details) > 1:
        yield Block("heading", w("details"))
        yield Block("table", rows=details)


def _facts(card: Mapping[str, Any], language: Language) -> list[list[str]]:
    def w(key: str) -> str:
        return word(WORDS, key, language)

    low, high = card["scale"]
    judging = {name: value for name, value in card["judging"].items() if name != "judge"}
    mean = w("none") if card["mean"] is None else f"{card['mean']:.2f}"
    rows = [
        [w("judge"), card["judge"]],
        [w("models"), ", ".join(card["models"]) or w("none")],
        [w("protocol"), f"{card['protocol']['protocol']} (version {card['protocol']['version']})"],
        [w("prompt"), card["protocol"]["prompt_sha256"]],
        [w("scale"), f"{low:g} {w('to')} {high:g}"],
        [w("sampling"), json.dumps(judging, ensure_ascii=False, sort_keys=True)],
        [w("tasks"), ", ".join(card["tasks"])],
        [w("answers"), f"{card['answers']:,} ({w('scored')}: {card['scored']:,})"],
        [w("images"), f"{card['images']:,}"],
        [w("mean"), mean],
        [w("requests"), f"{card['requests']:,}"],
        [w("cost"), w("unknown") if card["usd"] is None else f"{card['usd']:.4f}"],
    ]
    return [["", ""], *rows]


def _agreement(agreement: Mapping[str, Any], language: Language) -> list[list[str]]:
    rows = [[word(WORDS, "statistic", language), word(WORDS, "value", language)]]
    rows += [[word(WORDS, key, language), f"{agreement[key]:,}"] for key in ("answers", "images")]
    rows.append([word(WORDS, "tasks", language), ", ".join(agreement["tasks"]) or word(WORDS, "unknown", language)])
    for name, one in agreement["statistics"].items():
        rows.append([name, _interval(one["value"], one["ci_low"], one["ci_high"], language)])
    return rows


def _probes(card: Mapping[str, Any], language: Language) -> list[list[str]]:
    rows = [[word(WORDS, key, language) for key in ("probe", "finding", "effect", "p", "pairs", "failures")]]
    for probe in card["probes"]:
        failures = ", ".join(f"{count} {kind}" for kind, count in sorted(probe["failures"].items()))
        rows.append(
            [
                word(PROBES, probe["name"], language),
                word(VERDICTS, probe["verdict"], language),
                _interval(probe["effect"], probe["ci_low"], probe["ci_high"], language, percent=True),
                _p(probe["adjusted_p"]),
                f"{probe['n']:,} / {probe['clusters']:,}",
                failures or "0",
            ]
        )
    return rows


def _details(card: Mapping[str, Any], language: Language) -> list[list[str]]:
    rows = [[word(WORDS, "probe", language), word(WORDS, "statistic", language), word(WORDS, "value", language)]]
    for probe in card["probes"]:
        for name, value in probe["details"].items():
            shown = word(WORDS, "none", language) if value is None else f"{value:.2f}"
            rows.append([word(PROBES, probe["name"], language), word(DETAILS, name, language), shown])
    return rows


def _interval(
    value: float | None, low: float | None, high: float | None, language: Language, *, percent: bool = False
) -> str:
    if value is None:
        return word(WORDS, "none", language)
    factor, places, unit = (100, 1, " %") if percent else (1, 2, "")
    sign = "+" if percent else ""
    shown = f"{value * factor:{sign}.{places}f}{unit}"
    if low is None or high is None:
        return shown
    return f"{shown} ({low * factor:.{places}f} {word(WORDS, 'to', language)} {high * factor:.{places}f})"


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 (the last digit shown)


def _mark(verdict: str) -> str:
    return {"found": "bad", "not found": "good"}.get(verdict, "")
