"""What a comparison found: the tables that report, leaderboard and bundle show, and their JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

#: Of `comparison.json`; raised when a field changes its meaning.
SCHEMA = 1
MarkKind = Literal["contaminated", "incomplete", "mixed", "in_domain", "teacher_is_judge"]
#: How each kind is shown beside a number. The last two are remarks only: such cells are ranked.
SYMBOLS: Mapping[MarkKind, str] = {
    "contaminated": "†",
    "incomplete": "‡",
    "mixed": "§",
    "in_domain": "a",
    "teacher_is_judge": "b",
}


@dataclass(frozen=True)
class Cell:
    """A model's score by one metric of a task; None is unknown.

    Attributes:
        model: its id.
        task: the task's name.
        metric: the metric's name.
        value: the score, in its own unit (percent for ratios and ROUGE-L).
        ci_low: low end of the 95 % interval, the judge's spread included.
        ci_high: high end of it.
        standard_error: clustered, the judge's spread included.
        run_sd: standard deviation between the judge's runs; None for a single one.
        n: documents.
        scored: documents that have a score.
        rank: 1 + number of ranked models with a better value; None where it is not ranked.
        rank_low: best rank that is not excluded: 1 + number of models that are significantly better.
        rank_high: worst rank that is not excluded: number of ranked models − number that are significantly worse.
        best: best, or not distinguishable from the best: no model is significantly better.
        ranked: whether it takes part in the ranking.
        why_not_ranked: a sentence; None where it is ranked.
    """

    model: str
    task: str
    metric: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    standard_error: float | None
    run_sd: float | None
    n: int
    scored: int
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    best: bool
    ranked: bool
    why_not_ranked: str | None


@dataclass(frozen=True)
class Difference:
    """Score of `a` less score of `b` over the `n` documents that both have a score for.

    `ci_low`, `ci_high` and `p` are of this pair alone; `p_adjusted` and `significant` hold for all pairs of ranked
    models together. Pairs with a model that is not ranked have no `p_adjusted` and are never significant.
    """

    task: str
    metric: str
    a: str
    b: str
    difference: float
    ci_low: float | None
    ci_high: float | None
    p: float | None
    p_adjusted: float | None
    significant: bool
    n: int


@dataclass(frozen=True)
class CurvePoint:
    """A checkpoint's score with its interval."""

    step: int
    model: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Curve:
    """The scores of a series of checkpoints, by step."""

    series: str
    task: str
    metric: str
    points: Sequence[CurvePoint]


@dataclass(frozen=True)
class TaskCard:
    """How well a task tells models apart.

    Attributes:
        task: its name.
        metric: its headline.
        separated_share: share of the pairs of ranked models that differ significantly; None without pairs.
        pairs: their number.
        split_half_reliability: Spearman–Brown, mean over random halves; None for fewer than 3 models or 4 clusters.
        dead_items: documents (doc_id) for which all models have the same score.
        ceiling_items: those of them for which that is the highest score there is.
        items: documents for which at least two models have a score.
    """

    task: str
    metric: str
    separated_share: float | None
    pairs: int
    split_half_reliability: float | None
    dead_items: Sequence[int]
    ceiling_items: Sequence[int]
    items: int


@dataclass(frozen=True)
class TaskCorrelation:
    """Spearman's correlation of the models' headline values in two tasks; the interval is a bootstrap over models."""

    task_a: str
    task_b: str
    spearman: float | None
    ci_low: float | None
    ci_high: float | None
    models: int


@dataclass(frozen=True)
class LengthAgreement:
    """ROUGE-L against the judge within a third of the answers by length, all models together.

    Attributes:
        task: its name.
        protocol: that judged.
        tercile: 1 (shortest answers) to 3; 0 is all answers.
        chars_low: shortest answer in characters.
        chars_high: longest answer in characters.
        n: answers with both scores.
        spearman: correlation of the two scores; None where one of them is constant.
        rouge_l: mean ROUGE-L.
        score: mean score by the judge, on the protocol's scale.
    """

    task: str
    protocol: str
    tercile: int
    chars_low: int
    chars_high: int
    n: int
    spearman: float | None
    rouge_l: float
    score: float


@dataclass(frozen=True)
class Overall:
    """A model's mean rank over the headline metrics of the `tasks` tasks in which it is ranked, with its interval."""

    model: str
    mean_rank: float
    ci_low: float
    ci_high: float
    tasks: int


@dataclass(frozen=True)
class Health:
    """How a model's answers to a task were judged.

    Attributes:
        model: its id.
        task: the task's name.
        protocol: that judged; None for a task without a judge.
        coverage: share of the documents that have a score, 0 to 1.
        judge_failures: verdicts that failed without a reply that could be read wrongly (transport, key, refusal, …).
        parse_failures: verdicts whose reply was unreadable or off the scale.
        generation_failures: answers that the model did not give.
        run_sd: of the headline, between the judge's runs; None for a single one.
        position_bias: points that standing first is worth; None where there is one order only.
        judge: who was asked.
        usd: what the verdicts cost in all, whoever paid; None where a price is unknown.
        replies: of the judge.
    """

    model: str
    task: str
    protocol: str | None
    coverage: float
    judge_failures: int
    parse_failures: int
    generation_failures: int
    run_sd: float | None
    position_bias: float | None
    judge: str | None
    usd: float | None
    replies: int


@dataclass(frozen=True)
class Mark:
    """What has to be known of a model's result in a task; `text` says it in a sentence."""

    model: str
    task: str
    kind: MarkKind
    text: str


_TABLES: Mapping[str, type] = {
    "cells": Cell,
    "differences": Difference,
    "deltas": Difference,
    "curves": Curve,
    "cards": TaskCard,
    "correlations": TaskCorrelation,
    "lengths": LengthAgreement,
    "overall": Overall,
    "health": Health,
    "marks": Mark,
}
_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Compared:
    """All that is known of a comparison.

    `models` and `tasks` are names in their order; `headlines` names each task's headline metric. In `deltas`, `a` is
    the model and `b` the baseline.
    """

    models: Sequence[str]
    tasks: Sequence[str]
    cells: Sequence[Cell]
    differences: Sequence[Difference]
    deltas: Sequence[Difference] = ()
    curves: Sequence[Curve] = ()
    cards: Sequence[TaskCard] = ()
    correlations: Sequence[TaskCorrelation] = ()
    lengths: Sequence[LengthAgreement] = ()
    overall: Sequence[Overall] = ()
    health: Sequence[Health] = ()
    notes: Sequence[str] = ()
    marks: Sequence[Mark] = ()
    headlines: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    baseline: str | None = None
    confidence: float = 0.95
    resamples: int = 0
    seed: int = 0

    def cell(self, model: str, task: str, metric: str | None = None) -> Cell | None:
        """The cell of a model and a task, of the headline unless a metric is named; None if there is none."""
        wanted = (model, task, metric or self.headlines.get(task))
        return next((cell for cell in self.cells if (cell.model, cell.task, cell.metric) == wanted), None)

    def as_json(self) -> str:
        """All of it as JSON: each table an object of columns, which pandas and Polars take as they are."""
        content: dict[str, Any] = {"schema": SCHEMA}
        for one in fields(self):
            value = getattr(self, one.name)
            content[one.name] = _columns(_TABLES[one.name], value) if one.name in _TABLES else value
        return json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Compared:
        """Read what `as_json` wrote.

        Raises:
            ValueError: no JSON of this schema.
        """
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            found = content.get("schema") if isinstance(content, dict) else type(content).__name__
            raise ValueError(f"not a comparison of schema {SCHEMA}, but {found}: write it again with this version")
        named = {one.name: content[one.name] for one in fields(cls) if one.name in content}
        read = {k: _rows(_TABLES[k], v) if k in _TABLES else _tuples(v) for k, v in named.items()}
        return cls(**read)


def _columns(kind: type, rows: Sequence[Any]) -> dict[str, list[Any]]:
    names = [one.name for one in fields(kind)]
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    if kind is Curve:
        columns["points"] = [[vars(point) for point in points] for points in columns["points"]]
    return columns


def _rows(kind: type[_Row], columns: Mapping[str, Sequence[Any]]) -> tuple[_Row, ...]:
    names = list(columns)
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if kind is Curve:
        rows = [row | {"points": [CurvePoint(**point) for point in row["points"]]} for row in rows]
    return tuple(kind(**{name: _tuples(value) for name, value in row.items()}) for row in rows)


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
