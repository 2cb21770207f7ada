r"""The leaderboard as Markdown, CSV and LaTeX: scores with intervals and ranks; what failed is "–", never a number."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lmms_eval_ja.compare.compared import SYMBOLS, Cell, Compared, Mark, MarkKind, Overall

NONE = "–"
#: What the marks mean, in the order in which they are explained.
_MEANINGS: dict[MarkKind, str] = {
    "contaminated": "the model's training data holds images or questions of the task: shown, not ranked",
    "incomplete": "the task is incomplete for this model: not ranked",
    "mixed": "scored unlike most of the others (judge, protocol, data or package): compare with care",
    "in_domain": "the model was trained on another part of the source of a benchmark",
    "teacher_is_judge": "the model was trained on answers of the model that judges in the published protocol",
}
#: Marks of models stand at the name, those of results at the number.
_OF_MODELS = ("in_domain", "teacher_is_judge")


@dataclass(frozen=True)
class _Format:
    """How a kind of file writes a text, a best value, a mark and an interval."""

    text: Callable[[str], str]
    best: Callable[[str], str]
    mark: Callable[[str], str]
    interval: Callable[[str, str], str]
    none: str


def write_leaderboard(compared: Compared, folder: Path) -> list[Path]:
    """Write leaderboard.md, leaderboard.csv and leaderboard.tex.

    Args:
        compared: what `compare` found.
        folder: where to; it must exist.

    Returns:
        The three files.
    """
    written = []
    for ending, text in (("md", markdown(compared)), ("csv", csv_text(compared)), ("tex", latex(compared))):
        path = folder / f"leaderboard.{ending}"
        path.write_text(text, encoding="utf-8", newline="")
        written.append(path)
    return written


def markdown(compared: Compared) -> str:
    """A table with a row for each model, the best mean rank first; headlines with their 95 % intervals and ranks."""
    style = _Format(
        text=_escape_markdown,
        best=lambda text: f"**{text}**",
        mark=lambda symbol: symbol,
        interval=lambda low, high: f" [{low}, {high}]",
        none=NONE,
    )
    head = ["Model", *(f"{_escape_markdown(t)} ({_escape_markdown(compared.headlines[t])})" for t in compared.tasks)]
    rows = [f"| {' | '.join([*head, 'Mean rank'])} |", f"|{' --- |' * (len(head) + 1)}"]
    rows += [f"| {' | '.join(row)} |" for row in _rows(compared, style)]
    notes = [f"- {line}" for line in _legend(compared, style)]
    title = [f"# {_escape_markdown(compared.title)}", ""] if compared.title else []
    return "\n".join([*title, *rows, "", *notes]) + "\n"


def latex(compared: Compared) -> str:
    r"""The same table for a paper: `\usepackage{booktabs}`; every text is escaped."""
    style = _Format(
        text=escape_latex,
        best=lambda text: rf"\textbf{{{text}}}",
        mark=lambda symbol: rf"$^{{{_LATEX_SYMBOLS.get(symbol, symbol)}}}$",
        interval=lambda low, high: rf" {{\scriptsize [{low}, {high}]}}",
        none="--",
    )
    heads = [rf"{escape_latex(t)} ({escape_latex(compared.headlines[t])})" for t in compared.tasks]
    lines = [
        r"% \usepackage{booktabs}",
        rf"\begin{{tabular}}{{l{'r' * len(heads)}r}}",
        r"\toprule",
        rf"{' & '.join(['Model', *heads, 'Mean rank'])} \\",
        r"\midrule",
        *(rf"{' & '.join(row)} \\" for row in _rows(compared, style)),
        r"\bottomrule",
        r"\end{tabular}",
        "",
        r"\smallskip",
        *(rf"{{\footnotesize {line}\par}}" for line in _legend(compared, style)),
    ]
    return "\n".join(lines) + "\n"


def csv_text(compared: Compared) -> str:
    """A row for each model, task and metric, for other programs; an empty field is no number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = (
        *("model", "label", "task", "metric", "headline", "value", "ci_low", "ci_high", "standard_error", "run_sd"),
        *("n", "scored", "rank", "rank_low", "rank_high", "best", "ranked", "why_not_ranked", "marks"),
    )
    writer.writerow(columns)
    for cell in compared.cells:
        kinds = [mark.kind for mark in _marks(compared, cell.model, cell.task)]
        row = vars(cell) | {
            "label": compared.labels.get(cell.model, cell.model),
            "headline": cell.metric == compared.headlines[cell.task],
            "marks": " ".join(kinds),
        }
        writer.writerow([_csv_field(row[name]) for name in columns])
    return out.getvalue()


def _csv_field(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _rows(compared: Compared, style: _Format) -> Iterator[list[str]]:
    cells = {(cell.model, cell.task): cell for cell in compared.cells if cell.metric == compared.headlines[cell.task]}
    places = {one.model: one for one in compared.overall}
    for model in by_mean_rank(compared):
        own = [_shown(cells.get((model, task)), _marks(compared, model, task), style) for task in compared.tasks]
        yield [_name(compared, model, style), *own, _mean_rank(places.get(model), style)]


def by_mean_rank(compared: Compared) -> list[str]:
    """The models, those with the most ranked tasks and of these the best mean rank first; the others follow."""
    places = {one.model: one for one in compared.overall}
    ranked = sorted(places, key=lambda model: (-places[model].tasks, places[model].mean_rank, model))
    return [*ranked, *(model for model in compared.models if model not in places)]


def _name(compared: Compared, model: str, style: _Format) -> str:
    marks = [mark for mark in compared.marks if mark.model == model and mark.kind in _OF_MODELS]
    return style.text(compared.labels.get(model, model)) + "".join(style.mark(SYMBOLS[mark.kind]) for mark in marks)


def _shown(cell: Cell | None, marks: Sequence[Mark], style: _Format) -> str:
    symbols = "".join(style.mark(SYMBOLS[mark.kind]) for mark in marks if mark.kind not in _OF_MODELS)
    if cell is None or cell.value is None or any(mark.kind == "contaminated" for mark in marks):
        return style.none + symbols
    value = f"{cell.value:.1f}" if abs(cell.value) >= 10 else f"{cell.value:.2f}"  # noqa: PLR2004  scales of 5 and of 100
    digits = len(value.partition(".")[2])
    text = style.best(value) if cell.best else value
    if cell.ci_low is not None and cell.ci_high is not None:
        text += style.interval(f"{cell.ci_low:.{digits}f}", f"{cell.ci_high:.{digits}f}")
    if cell.rank is not None:
        ends = str(cell.rank_low) if cell.rank_low == cell.rank_high else f"{cell.rank_low}{style.none}{cell.rank_high}"
        text += f" ({ends})"
    return text + symbols


def _mean_rank(place: Overall | None, style: _Format) -> str:
    if place is None:
        return style.none
    return f"{place.mean_rank:.1f}{style.interval(f'{place.ci_low:.1f}', f'{place.ci_high:.1f}')}"


def _marks(compared: Compared, model: str, task: str) -> list[Mark]:
    return [mark for mark in compared.marks if mark.model == model and mark.task in ("", task)]


def _legend(compared: Compared, style: _Format) -> Iterator[str]:
    percent = f"{100 * compared.confidence:g} %"
    yield style.text(
        f"In brackets: {percent} interval of the score; then the ranks that it may have ({percent} for all models "
        "of a task together). Bold: best, or not distinguishable from the best."
    )
    shown = {mark.kind for mark in compared.marks}
    for kind, meaning in _MEANINGS.items():
        if kind in shown:
            yield f"{style.mark(SYMBOLS[kind])} {style.text(meaning)}"
    for cell in compared.cells:
        if cell.metric == compared.headlines[cell.task] and cell.value is None:
            label = compared.labels.get(cell.model, cell.model)
            yield style.text(f"{NONE} {label}, {cell.task}: {cell.why_not_ranked or 'no score'}")
    for note in compared.notes:
        yield style.text(note)


_LATEX_SYMBOLS = {"†": r"\dagger", "‡": r"\ddagger", "§": r"\S"}
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "≥": r"$\geq$",
}


def escape_latex(text: str) -> str:
    """A text as LaTeX shows it: no character of it is a command; line breaks become spaces."""
    return "".join(_LATEX.get(character, character) for character in _one_line(text))


def _escape_markdown(text: str) -> str:
    r"""A text as Markdown shows it: in one line, its punctuation escaped, so that it is no markup, link or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!&])", r"\\\1", _one_line(text))


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text).split())
