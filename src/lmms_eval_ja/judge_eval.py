"""`lmms-eval-ja judge-eval`: how far judges can be believed, by the scores that people, or a trusted judge, gave."""

from __future__ import annotations

import difflib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lmms_eval_ja.console import console
from lmms_eval_ja.outputs import write_output

if TYPE_CHECKING:
    from lmms_eval_ja.judge_scores import Judgement, JudgeScores
    from lmms_eval_ja.metrics import Agreement
    from lmms_eval_ja.trusted import Scale, Scored

#: Of a file of scores when nothing else says it: the widest that a protocol has here.
WIDEST: Scale = (1.0, 10.0)


@dataclass(frozen=True)
class JudgeAgreement:
    """A judge beside the trusted scores.

    Attributes:
        judge: its name.
        protocol: by which it was asked, "" for a file of scores.
        sources: where its scores are from.
        scale: of its scores.
        agreement: the statistics, by category too.
        unknown: trusted answers of which its sources know nothing.
        failures: of the judge on answers that have a trusted score, by kind.
        confusion: how often each (trusted, judged) pair of scores occurs, means rounded half up.
    """

    judge: str
    protocol: str
    sources: Sequence[str]
    scale: Scale
    agreement: Agreement
    unknown: int
    failures: Mapping[str, int]
    confusion: Mapping[tuple[int, int], int] = field(repr=False)


@dataclass(frozen=True)
class MetaEvaluation:
    """What `judge-eval` found.

    `alpha` is Krippendorff's between the raters, None where there is none; `tasks` are those of the trusted answers,
    none where they name replies.
    """

    trusted: str
    tasks: Sequence[str]
    scale: Scale
    answers: int
    raters: Sequence[str]
    alpha: float | None
    judges: Sequence[JudgeAgreement]

    def as_json(self) -> str:
        """All of it; a statistic that is not defined is null, with the reason beside it."""
        content = asdict(self)
        for judge, own in zip(content["judges"], self.judges, strict=True):
            judge["confusion"] = [
                {"trusted": trusted, "judged": judged, "answers": n} for (trusted, judged), n in own.confusion.items()
            ]
        return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


@dataclass(frozen=True)
class Wish:
    """What of the judges is asked for, and how."""

    protocol: str | None = None
    scale: Scale | None = None
    partial: bool = False
    seed: int = 0


def evaluate(trusted: Path, sources: Sequence[Path], wish: Wish | None = None) -> MetaEvaluation:
    """Compare the scores of judges with trusted ones.

    Several raters of an answer count as their mean. A judge's failure leaves the answer out and is counted.

    Args:
        trusted: a file of scores, CSV or JSONL (`trusted`).
        sources: folders of judged results, files of scores, stores of replies.
        wish: protocol, scale of the trusted scores, whether a source may lack answers, seed of the bootstrap.

    Raises:
        TrustedError, ResultsError, ExchangeError: what is wrong, with file and row.
    """
    from lmms_eval_ja.judge_scores import check_files, matched, read_judges
    from lmms_eval_ja.trusted import check_enough, check_scale, rater_alpha, raters, read_scores

    wish = wish or Wish()
    scored = read_scores(trusted)
    check_enough(trusted, scored)
    judges = read_judges(sources, [one.item for one in scored], wish.protocol)
    known = [one for one in scored if any(judge.of(one.item) for judge in judges)]
    scale = wish.scale or _stated_scale(trusted, known) or _scale_of(judges)
    check_scale(trusted, known, scale)
    check_files(judges, scale)
    if not wish.partial:
        for judge in judges:
            _check_known(trusted, scored, judge, judges)
    found = [_judged(matched(trusted, scored, judge), judge, len(scored), scale, wish.seed) for judge in judges]
    answers = sum(one.score is not None for one in scored)
    tasks = sorted({one.item.task for one in scored if one.item.task})
    return MetaEvaluation(str(trusted), tasks, scale, answers, raters(scored), rater_alpha(scored), found)


def _stated_scale(trusted: Path, scored: Sequence[Scored]) -> Scale | None:
    """The scale that the trusted scores themselves state."""
    from lmms_eval_ja.trusted import TrustedError

    scales = {one.scale: one.item.task for one in scored if one.scale is not None}
    if len(scales) > 1:
        stated = ", ".join(f"{low:g} to {high:g} ({task})" for (low, high), task in scales.items())
        raise TrustedError(
            f"{trusted} has scores on different scales: {stated}; name the protocol of one with --protocol, and leave "
            "the others out with --partial"
        )
    return next(iter(scales), None)


def _scale_of(judges: Sequence[JudgeScores]) -> Scale:
    """The scale of all judges whose protocol states one."""
    from lmms_eval_ja.trusted import TrustedError

    scales = {judge.scale: judge.name for judge in judges if judge.scale is not None}
    if len(scales) > 1:
        stated = ", ".join(f"{low:g} to {high:g} ({name})" for (low, high), name in scales.items())
        raise TrustedError(f"the judges score on different scales: {stated}; name one with --protocol, or --scale")
    return next(iter(scales), WIDEST)


def _check_known(trusted: Path, scored: Sequence[Scored], judge: JudgeScores, judges: Sequence[JudgeScores]) -> None:
    from lmms_eval_ja.trusted import TrustedError

    for one in scored:
        if judge.of(one.item) is None:
            by = [other.protocol for other in judges if other.protocol and other.of(one.item)]
            if judge.protocol and by and judge.protocol not in by:
                raise TrustedError(
                    f"{trusted}, row {one.row}: {one.item} was judged by {by[0]}, not by {judge.protocol}: name the "
                    "protocol that is meant with --protocol; --partial leaves such rows out"
                )
            raise TrustedError(
                f"{trusted}, row {one.row}: {judge.name} has no {one.item}{_hint(one, judge)}; --partial leaves such "
                "rows out"
            )


def _hint(one: Scored, judge: JudgeScores) -> str:
    """What there is instead of an unknown id."""
    item, where = one.item, ", ".join(map(str, judge.sources))
    if item.key:
        return f" in {where}"
    if item.task not in judge.models:
        return f": the tasks in {where} are {_listed(item.task, judge.models)}"
    documents = judge.models[item.task].get(item.model)
    if documents is None:
        return f": the models of {item.task} in {where} are {_listed(item.model, judge.models[item.task])}"
    if not item.doc_id:
        return f" in {where}: without documents/documents.parquet of the same data only the doc_id is known"
    return f": its {len(documents):,} documents are {_listed(item.doc_id, documents)}"


def _listed(name: str, names: Sequence[str] | Mapping[str, Any], most: int = 8) -> str:
    near = difflib.get_close_matches(name, list(names), n=3, cutoff=0.6)
    rest = [one for one in names if one not in near]
    shown = [*near, *rest][:most]
    return ", ".join(shown) + (" …" if len(names) > len(shown) else "")


def _judged(
    known: Sequence[tuple[Scored, Judgement]], judge: JudgeScores, answers: int, scale: Scale, seed: int
) -> JudgeAgreement:
    """Of the answers that the judge knows, of so many."""
    from lmms_eval_ja.metrics import FUZZY_BINS, STRICT_BINS, agreement

    trusted, judged = [one.score for one, _ in known], [said.score for _, said in known]
    categories = [one.category or said.category for one, said in known]
    own_scale = judge.scale or scale
    has_bins = scale == WIDEST  # the bins are those of a scale of 1 to 10
    return JudgeAgreement(
        judge=judge.judge,
        protocol=judge.protocol,
        sources=[str(source) for source in judge.sources],
        scale=own_scale,
        agreement=agreement(
            trusted,
            judged,
            clusters=[one.image or said.cluster for one, said in known],
            categories=[category or "(none)" for category in categories] if any(categories) else None,
            same_scale=own_scale == scale,
            seed=seed,
            strict_bins=STRICT_BINS if has_bins else None,
            fuzzy_bins=FUZZY_BINS if has_bins else None,
        ),
        unknown=answers - len(known),
        failures=dict(
            Counter(said.failure or "no score" for one, said in known if said.score is None and one.score is not None)
        ),
        confusion=_confusion([(a, b) for a, b in zip(trusted, judged, strict=True) if a is not None and b is not None]),
    )


def _confusion(pairs: Sequence[tuple[float, float]]) -> dict[tuple[int, int], int]:
    counts = Counter((math.floor(a + 0.5), math.floor(b + 0.5)) for a, b in pairs)
    return dict(sorted(counts.items()))


def judge_eval(
    trusted: Annotated[
        Path, typer.Argument(metavar="TRUSTED", exists=True, dir_okay=False, help="Scores by people: CSV or JSONL.")
    ],
    judged: Annotated[
        list[Path],
        typer.Argument(metavar="JUDGED…", exists=True, help="Folders of judged results, files of scores, stores."),
    ],
    *,
    protocol: Annotated[str | None, typer.Option(help="Only what was judged by this protocol.")] = None,
    scale: Annotated[
        str | None,
        typer.Option(metavar="LOW-HIGH", help="Of TRUSTED; default: its own, else the protocol's, else 1-10."),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out rows of TRUSTED that a judge does not know, and count them.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all of it here, also what is not shown.")
    ] = None,
) -> None:
    """Report how far judges agree with trusted scores of the same answers: every statistic with a 95 % interval.

    TRUSTED has the columns model, task, doc_id or question_id, score, and optionally rater, category, image and scale,
    as `lmms-eval-ja label` writes it. Several raters count as their mean. Intervals are by a bootstrap of images, or of
    documents where no image is named.

    For example:

    `lmms-eval-ja judge-eval labels.csv results/qwen`

    `lmms-eval-ja judge-eval labels.jsonl results/by-gpt-5.1 results/by-local --protocol original --json eval.json`
    """
    from lmms_eval_ja.clients.store_reader import ExchangeError
    from lmms_eval_ja.compare.documents import DocumentsError
    from lmms_eval_ja.compare.results import ResultsError
    from lmms_eval_ja.judge_eval_report import report
    from lmms_eval_ja.trusted import TrustedError, read_scale

    try:
        wish = Wish(protocol, None if scale is None else read_scale(scale), partial, seed)
        found = evaluate(trusted, judged, wish)
        if json_file is not None:
            write_output(json_file, found.as_json(), [trusted, *judged])
    except (TrustedError, ResultsError, DocumentsError, ExchangeError, OSError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    for part in report(found):
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))
