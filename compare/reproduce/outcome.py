"""What came of reproducing a table: expected, obtained, tolerance and verdict for each cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lmms_eval_ja.compare.published import EVAL_MM, PAPER, PublishedRow, published
from lmms_eval_ja.compare.results import Results
from lmms_eval_ja.compare.shipped import shipped

Verdict = Literal["within", "outside", "not run", "contaminated", "another judge"]
ROUGE_L = "rouge_l_ja"
#: The share of greedy answers that come out otherwise on other hardware, in another precision or batch; and by how much
#: the ROUGE-L of such an answer moves. Choices: of LLM-jp-3 VILA 20 of 20 answers were equal in float16 and float32, 17
#: of 20 in bfloat16; and a word more or less moves the ROUGE-L of an answer of a few words by tens of points.
CHANGED_SHARE, CHANGE = 0.02, 25.0
#: So many standard deviations of the sum of those changes, whose directions are taken as independent.
DEVIATIONS = 2.0
#: Questions of a task, where the results do not say.
_ROWS = {"ja_vlm_bench_in_the_wild": 50, "ja_vg_vqa_500": 4000}
#: Models of the paper that a peer has under another name, with what differs.
_COUNTERPARTS = {
    "llama-3.2-11b-vision": ("llama-3.2-11b-vision-instruct", "the paper names the base model, the peer ran -Instruct"),
    "gpt-4o-2024-05-13": ("gpt-4o-2024-11-20", "the peer ran a later snapshot"),
}


@dataclass(frozen=True)
class Reproduced:
    """A cell of the table: None where a number does not exist."""

    model: str
    name: str
    task: str
    metric: str
    expected: float | None
    obtained: float | None
    difference: float | None
    tolerance: float | None
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True)
class Disagreement:
    """ROUGE-L of the same model and task that two publications state differently, by more than printing explains."""

    name: str
    task: str
    paper: float
    peer: float
    #: Whether they are further apart than the tolerance of the paper's figure.
    exceeds: bool
    note: str = ""


def tolerance(row: PublishedRow, documents: int) -> float:
    """How far a reproduced ROUGE-L may be from the published one.

    One unit in its last place (it is cut, or rounded), and what greedy decoding that is not bit for bit the same does
    to a mean of n answers: 2 · 25 · √k / n with k = 2 % of n answers that change, at least one. For 50 questions that
    makes 1.1, for 4,000 it makes 0.21. Sampling plays no part: both scores are of the same questions.
    """
    changed = max(1.0, CHANGED_SHARE * documents)
    return row.step + DEVIATIONS * CHANGE * math.sqrt(changed) / documents


def reproduction(results: Results, name: str) -> list[Reproduced]:
    """Each cell of the table that a ready comparison reproduces, in the table's order.

    Args:
        results: of the comparison.
        name: `paper`, or `paper-rouge` for ROUGE-L only.

    Raises:
        ComparisonError: no ready comparison of this name.
    """
    only_rouge = shipped(name).stem.endswith("-rouge")
    rows = [row for row in published() if row.source == PAPER and (row.metric == ROUGE_L or not only_rouge)]
    return [_reproduced(results, row) for row in rows]


def _reproduced(results: Results, row: PublishedRow) -> Reproduced:
    cell = (row.model, row.name, row.task, row.metric)
    if row.is_contaminated:
        return Reproduced(*cell, None, None, None, None, "contaminated", row.note)
    run = results.runs.get((row.model, row.task))
    score = {} if run is None else (run.facts.get("scores") or {}).get(row.metric) or {}
    why = "" if run is None else run.incomplete or ("only a part of the questions" if run.subset else "")
    obtained = None if why else score.get("value")
    allowed = None
    if row.metric == ROUGE_L:
        allowed = tolerance(row, int(score.get("n") or _ROWS.get(row.task, 1)))
    if obtained is None or row.value is None:
        return Reproduced(*cell, row.value, None, None, allowed, "not run", why)
    difference = obtained - row.value
    verdict: Verdict = "another judge"
    if allowed is not None:
        verdict = "within" if abs(difference) <= allowed else "outside"
    return Reproduced(*cell, row.value, obtained, difference, allowed, verdict)


def disagreements() -> list[Disagreement]:
    """Where the paper and the peer's leaderboard state different ROUGE-L, in the paper's order."""
    peer = {(row.model, row.task): row.value for row in published() if row.source == EVAL_MM and row.metric == ROUGE_L}
    found = []
    for row in published():
        if row.source != PAPER or row.metric != ROUGE_L or row.value is None:
            continue
        other, note = _COUNTERPARTS.get(row.model, (row.model, ""))
        value = peer.get((other, row.task))
        # Printed to one decimal, cut or rounded: it stands for a number within one unit of the last place.
        if value is not None and abs(value - row.value) > row.step + 1e-9:
            exceeds = abs(value - row.value) > tolerance(row, _ROWS[row.task])
            found.append(Disagreement(row.name, row.task, row.value, value, exceeds, note))
    return found


def rendering(rows: Sequence[Reproduced]) -> str:
    """The cells as a text table, the verdicts counted, how the tolerance comes about, and known disagreements."""
    return "\n".join(_lines(rows))


def _lines(rows: Sequence[Reproduced]) -> Iterator[str]:
    header = ("model", "task", "metric", "expected", "obtained", "difference", "tolerance", "verdict")
    cells = [
        (
            row.name, row.task, row.metric, _shown(row.expected), _shown(row.obtained, 2),
            _shown(row.difference, 2, sign=True), _shown(row.tolerance, 2), row.verdict,
        )
        for row in rows
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    for line in (header, *cells):
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
    yield ""
    counts = {
        verdict: sum(row.verdict == verdict for row in rows) for verdict in dict.fromkeys(r.verdict for r in rows)
    }
    yield f"Of {len(rows)} figures: {', '.join(f'{count} {verdict}' for verdict, count in counts.items())}."
    for note in dict.fromkeys(f"{row.name}, {row.task}: {row.note}" for row in rows if row.note):
        yield f"- {note}"
    yield (
        f"Tolerance: one unit in the last printed place, and {DEVIATIONS:g} · {CHANGE:g} · √k / n for n questions of "
        f"which k = {CHANGED_SHARE:.0%} (at least one) are answered otherwise by greedy decoding on other hardware or "
        f"in another precision, each with a ROUGE-L that moves by {CHANGE:g} points. Share and points are a choice."
    )
    if found := disagreements():
        yield f"Publications that differ on ROUGE-L by more than printing explains ({PAPER}; {EVAL_MM}):"
        for one in found:
            notes = [one.note] if one.note else []
            notes += ["by more than the tolerance"] if one.exceeds else []
            yield f"- {one.name}, {one.task}: {one.paper:.1f}; {one.peer:.2f}" + (
                f" ({'; '.join(notes)})" if notes else ""
            )


def _shown(value: float | None, places: int | None = None, *, sign: bool = False) -> str:
    if value is None:
        return "–"
    if places is None:
        return f"{value:g}" if value != round(value, 1) else f"{value:.1f}"
    return f"{value:{'+' if sign else ''}.{places}f}"
