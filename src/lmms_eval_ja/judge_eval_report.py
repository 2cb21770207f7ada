"""What `lmms-eval-ja judge-eval` shows: the trusted scores, every statistic, each category, who takes what for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Column, Table

from lmms_eval_ja.metrics import Agreement, Statistic

if TYPE_CHECKING:
    from lmms_eval_ja.judge_eval import JudgeAgreement, MetaEvaluation

#: Names of the statistics as they are shown, in their order; "%" are shares, shown in percent.
SHOWN: Mapping[str, str] = {
    "pearson": "Pearson",
    "spearman": "Spearman",
    "kendall_tau_b": "Kendall τ-b",
    "quadratic_kappa": "quadratic kappa",
    "mae": "mean absolute error",
    "rmse": "root mean square error",
    "bias": "bias (judge - trusted)",
    "exact": "equal, %",
    "within_one": "within one, %",
    "strict_division": "strict division, %",
    "fuzzy_division": "fuzzy division, %",
}
_SHARES = frozenset({"exact", "within_one", "strict_division", "fuzzy_division"})
_SIGNED = frozenset({"bias"})
_BY_CATEGORY = ("pearson", "spearman", "kendall_tau_b", "mae", "bias", "exact", "within_one")
_SHADES = " ░▒▓█"
#: Fewer clusters than this make a bootstrap coarse.
_FEW = 10


def report(found: MetaEvaluation) -> Iterator[str | Table]:
    """Lines in rich's markup, and tables, in their order."""
    yield escape(_trusted_line(found))
    yield _statistics(found)
    yield from _notes(found)
    for judge in found.judges:
        if judge.agreement.categories:
            yield f"[bold]{escape(_name(judge))}[/bold], by category"
            yield _categories(judge.agreement.categories)
    for judge in found.judges:
        if judge.confusion:
            yield f"[bold]{escape(_name(judge))}[/bold]: answers by trusted score (down) and judged score (across)"
            yield _confusion(judge.confusion)


def interval_text(one: Statistic, *, share: bool = False, signed: bool = False) -> str:
    """A statistic with its interval, such as 0.71 (0.62 to 0.79); "none" where it is not defined."""
    if one.value is None:
        return "none"
    shown = _number(one.value, share, signed)
    if one.ci_low is None or one.ci_high is None:
        return shown
    return f"{shown} ({_number(one.ci_low, share, signed)} to {_number(one.ci_high, share, signed)})"


def _number(value: float, share: bool, signed: bool) -> str:
    if share:
        return f"{100 * value:.1f}"
    return f"{value:+.2f}" if signed else f"{value:.2f}"


def _trusted_line(found: MetaEvaluation) -> str:
    line = f"trusted: {found.answers:,} scored answers of {found.trusted}, scale {_scale(found.scale)}"
    if len(found.raters) > 1:
        alpha = "not defined" if found.alpha is None else f"{found.alpha:.2f}"
        line += f"; mean of {len(found.raters)} raters, Krippendorff's alpha between them {alpha}"
    return line


def _scale(scale: Sequence[float]) -> str:
    return f"{scale[0]:g} to {scale[1]:g}"


def _name(judge: JudgeAgreement) -> str:
    return f"{judge.judge} ({judge.protocol})" if judge.protocol else judge.judge


def _statistics(found: MetaEvaluation) -> Table:
    """A column for each judge."""
    table = Table("95 % interval", *(Column(escape(_name(judge)), justify="right") for judge in found.judges))
    table.add_row("answers", *(f"{judge.agreement.n:,}" for judge in found.judges))
    table.add_row("images or documents drawn", *(f"{judge.agreement.n_clusters:,}" for judge in found.judges))
    for name, shown in SHOWN.items():
        table.add_row(shown, *(_cell(judge.agreement, name) for judge in found.judges))
    return table


def _cell(agreement: Agreement, name: str) -> str:
    return interval_text(agreement.statistics[name], share=name in _SHARES, signed=name in _SIGNED)


def _notes(found: MetaEvaluation) -> Iterator[str]:
    for judge in found.judges:
        for line in _notes_of(judge, found):
            yield f"[yellow]note[/yellow] {escape(f'{_name(judge)}: {line}')}"


def _notes_of(judge: JudgeAgreement, found: MetaEvaluation) -> Iterator[str]:
    agreement = judge.agreement
    if judge.failures:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(judge.failures.items()))
        yield f"{agreement.without_judged:,} answers are left out, since the judge gave no score ({kinds})"
    if agreement.without_trusted:
        yield f"{agreement.without_trusted:,} answers are left out, since they have no trusted score"
    if judge.unknown:
        yield f"{judge.unknown:,} rows of the trusted scores are of answers that it did not judge"
    if tuple(judge.scale) != tuple(found.scale):
        yield f"its scale is {_scale(judge.scale)}: only correlations are given"
    if 1 < agreement.n_clusters < _FEW:
        yield f"its intervals rest on {agreement.n_clusters} images and are rough"
    by_reason: dict[str, list[str]] = {}
    for name, one in agreement.statistics.items():
        reason = one.why_none or (one.why_no_interval and f"no interval: {one.why_no_interval}")
        if reason:
            by_reason.setdefault(reason, []).append(SHOWN[name].removesuffix(", %"))
    for reason, names in by_reason.items():
        yield f"{', '.join(names)}: {reason}"


def _categories(categories: Mapping[str, Agreement]) -> Table:
    table = Table("category", *(Column(name, justify="right") for name in ("answers", "images")))
    for name in _BY_CATEGORY:
        table.add_column(SHOWN[name], justify="right")
    for category, agreement in categories.items():
        counts = (f"{agreement.n:,}", f"{agreement.n_clusters:,}")
        table.add_row(escape(category), *counts, *(_cell(agreement, name) for name in _BY_CATEGORY))
    return table


def _confusion(counts: Mapping[tuple[int, int], int]) -> Table:
    """Counts with a shade, the darkest for the most frequent pair; equal scores lie on the diagonal."""
    trusted, judged = ({pair[side] for pair in counts} for side in (0, 1))
    scores = range(min(trusted | judged), max(trusted | judged) + 1)
    most = max(counts.values())
    table = Table("", *(Column(str(score), justify="right") for score in scores), Column("in all", justify="right"))
    for own in scores:
        row = [counts.get((own, other), 0) for other in scores]
        shades = [_SHADES[0 if not n else 1 + int(n / most * (len(_SHADES) - 2))] for n in row]
        cells = [f"{shade}{n:,}" if n else "" for n, shade in zip(row, shades, strict=True)]
        table.add_row(str(own), *cells, f"{sum(row):,}")
    return table
