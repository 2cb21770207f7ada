"""A scripted judge of `ja_sample`, whose scores follow from the number of the question; the scores by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any

from lmms_eval_ja.clients import Store
from lmms_eval_ja.jp_tasks import FOLDER
from support.judge_server import user_text

TASK = "ja_sample"
ANSWERS = FOLDER / TASK / "answers" / "flawed.jsonl"
_LINES = (FOLDER / TASK / "questions.jsonl").read_text(encoding="utf-8").splitlines()
ROWS = [json.loads(line) for line in _LINES]
#: Each answer is graded once (`vqa_likert`) and compared in both orders (`ja_pairwise`).
REQUESTS = 3 * len(ROWS)
REFERENCE = 8


def question(body: Mapping[str, Any]) -> int:
    """The number of the question that a request is about."""
    (n,) = [n for n, row in enumerate(ROWS) if row["question"] in user_text(body)]
    return n


def grade(n: int) -> int:
    """1 to 5, for `vqa_likert`."""
    return n % 5 + 1


def points(n: int) -> int:
    """1 to 10, for `ja_pairwise`, in which the reference gets `REFERENCE`."""
    return n % 10 + 1


def reply(body: Mapping[str, Any]) -> str:
    """The judge's reply in the form of the request's protocol."""
    n = question(body)
    graded = "Score: X" in user_text(body)
    return f"Score: {grade(n)}" if graded else json.dumps({"score_gpt": REFERENCE, "score": points(n)})


def scores(numbers: Iterable[int]) -> dict[str, float]:
    """The scores of a run in which just these questions have verdicts."""
    own = list(numbers)
    ratios = {
        category: 100 * fmean(points(n) for n in own if ROWS[n]["category"] == category) / REFERENCE
        for category in ("conv", "detail", "complex")
    }
    return {
        "judge_mean": fmean(grade(n) for n in own),
        "model_mean": fmean(points(n) for n in own),
        "reference_mean": REFERENCE,
        "overall": fmean(ratios.values()),
        **ratios,
    }


def stored(path: Path) -> set[str]:
    """The prompts whose replies are in a store; none where there is no store yet."""
    if not path.exists():
        return set()
    with closing(Store(path)) as store:
        return {user_text({"messages": json.loads(one.messages)}) for one in store}


def judged_by(base_url: str, store: object, **more: object) -> dict[str, str]:
    """The settings of a run that asks this judge."""
    settings = {"judge": "openai", "judge_base_url": base_url, "store": store, "anchors": 0} | more
    return {f"LMMS_EVAL_JA_{name.upper()}": str(value) for name, value in settings.items()}
