"""Heron-Bench as its authors describe it, computed in plain Python: what runs through lmms-eval must come out as."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from support import benchmarks
from support.judge_server import scripted_scores

DATA = (benchmarks.SHARED or Path("/nonexistent")) / "data"
RULES = DATA / "heron_bench" / "rule.json"
ANSWERS = {name: DATA / "heron_bench" / f"{name}_0404_ja.jsonl" for name in ("claude3", "gemini", "gpt4v")}
CATEGORIES = ("conv", "detail", "complex")
CLOSING = (
    "If it is not relevant to the context, does not answer directly, or says the wrong thing, give it a low score."
)

Pair = tuple[float, float]


def heron_message(row: dict[str, Any], answer: str, rule: str) -> str:
    """The user message to the judge, put together anew from the published frame."""
    parts = [
        f"[Context]\n{row['context']}",
        f"[Question]\n{row['text']}",
        f"[Assistant 1]\n{row['answer']['gpt-4-0125-preview']}",
        "[End of Assistant 1]",
        f"[Assistant 2]\n{answer}",
        "[End of Assistant 2]",
        f"[System]\n{rule}",
        CLOSING,
    ]
    return "\n\n".join(parts) + "\n\n"


def heron_messages(name: str) -> list[str]:
    """The 103 messages for the recorded answers of a model, by question id.

    lmms-eval's command takes white space off both ends of an answer (it looks for reasoning tags); Gemini's have some.
    """
    rules = json.loads(RULES.read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in ANSWERS[name].read_text(encoding="utf-8").splitlines() if line.strip()]
    answers = {line["question_id"]: line["text"].strip() for line in lines}
    rows = benchmarks.real_heron_rows()
    return [heron_message(row, answers[row["question_id"]], rules[row["category"]]["prompt"]) for row in rows]


def scripted(messages: Sequence[str]) -> list[Pair]:
    """(model's, reference's) score that the scripted judge gives to each message."""
    scores = [scripted_scores({"messages": [{"role": "user", "content": text}]}) for text in messages]
    return [(float(model), float(reference)) for reference, model in scores]


def ratio(pairs: Sequence[Pair]) -> float:
    """100 x mean of the model's scores / mean of the reference's."""
    return 100 * fmean(m for m, _ in pairs) / fmean(r for _, r in pairs)


def heron_scores(rows: Sequence[dict[str, Any]], pairs: Sequence[Pair]) -> dict[str, float]:
    """Every metric of Heron-Bench."""
    scores = {}
    for kind in ("category", "image_category"):
        for category in {row[kind] for row in rows}:
            scores[category] = ratio([pair for row, pair in zip(rows, pairs, strict=True) if row[kind] == category])
    return scores | {
        "overall": fmean(scores[category] for category in CATEGORIES),
        "model_mean": fmean(m for m, _ in pairs),
        "reference_mean": fmean(r for _, r in pairs),
    }


def influences(rows: Sequence[dict[str, Any]], pairs: Sequence[Pair], metric: str) -> tuple[list[float], list[str]]:
    """The influence values of a metric (LMMS_EVAL.md) and their pictures."""
    data = list(zip(rows, pairs, strict=True))
    if metric == "model_mean":
        return [m for _, (m, _) in data], [row["image"] for row, _ in data]
    means = {}
    for category in CATEGORIES:
        own = [pair for row, pair in data if row["category"] == category]
        means[category] = (len(own), fmean(m for m, _ in own), fmean(r for _, r in own))
    if metric == "overall":
        middle = fmean(m / r for _, m, r in means.values())
        values = []
        for row, (model, reference) in data:
            n_c, m_c, r_c = means[row["category"]]
            values.append(100 * (middle + len(data) / (3 * n_c) * (model - m_c / r_c * reference) / r_c))
        return values, [row["image"] for row, _ in data]
    own_data = [(row, pair) for row, pair in data if metric in (row["category"], row["image_category"])]
    m_c, r_c = fmean(m for _, (m, _) in own_data), fmean(r for _, (_, r) in own_data)
    values = [100 * (m_c / r_c + (m - m_c / r_c * r) / r_c) for _, (m, r) in own_data]
    return values, [row["image"] for row, _ in own_data]


def clt_error(values: Sequence[float]) -> float:
    """s / √n."""
    return stdev(values) / math.sqrt(len(values))


def clustered_error(values: Sequence[float], clusters: Sequence[str]) -> float:
    """Equation 4 of arXiv 2411.00640, every pair of a cluster written out."""
    n, middle = len(values), fmean(values)
    cross = sum(
        (values[i] - middle) * (values[j] - middle)
        for i in range(n)
        for j in range(n)
        if i != j and clusters[i] == clusters[j]
    )
    return math.sqrt(clt_error(values) ** 2 + cross / n**2)
