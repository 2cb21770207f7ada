"""How far a run is, by what its files hold: no exit code and no record is trusted for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.finished import SamplesError, find_samples, samples_files
from lmms_eval_ja.compare.plan import Run
from lmms_eval_ja.compare.record import MOVES_ANSWERS, NAME, read_record, record_of
from lmms_eval_ja.compare.step import Step
from lmms_eval_ja.judges import ANCHOR, PASSING_FAILURES
from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.answers import AnswersError, read_answers

#: How much of the end of a samples file is read to see whether its last line is whole.
_TAIL = 1 << 20


class State(Enum):
    """How far a run is."""

    DONE = "done"
    ANSWERED = "answers only"
    FAILED = "failed"
    TO_DO = "to do"


@dataclass(frozen=True)
class Status:
    """How far a run is; `cause` and `log` of a failure, `refused` why it cannot go on as it is."""

    run: Run
    state: State
    cause: str | None = None
    log: str | None = None
    refused: str | None = None


def why_incomplete(step: Step, out: Path) -> str | None:
    """What a step's folder lacks to be complete, in a sentence; None if it is complete.

    Answers: of each task the samples and results files, a sample for every document, none whose generation failed, of
    one model, and not of a part of the documents. Scores: the same files, and of each task a score of every metric,
    without failures that another run can mend. What no other run can mend (refusals, unreadable replies) does not make
    a step incomplete: the task then has no headline and says why.

    Args:
        step: what was to be made.
        out: where it was made: the attempt's folder, or what became of it.
    """
    try:
        files = find_samples(out, step.tasks)
        return _lack_of_files(step, files) or _LACKS[step.kind](files)
    except (SamplesError, AnswersError, OSError, ValueError) as error:
        return " ".join(str(error).split())


def why_damaged(step: Step, folder: Path) -> str | None:
    """As `why_incomplete`, of a step that was complete once: what is missing or broken off. Reads no answer."""
    try:
        return _lack_of_files(step, find_samples(folder, step.tasks))
    except (SamplesError, OSError, ValueError) as error:
        return " ".join(str(error).split())


def status(run: Run) -> Status:
    """How far a run is, and whether what is there belongs to what is asked for."""
    record = read_record(run.folder)
    answers, scores = run.generate.folder, run.judge.folder
    refused = None
    if answers.exists():
        refused = _damaged(run.generate) or _changed(run, record)
    if scores.exists() and refused is None:
        refused = _stray_scores(run) if answers.exists() else _remove(scores, "there are scores, but no answers")
    failed = record.get("failed")
    if scores.exists():
        return Status(run, State.DONE, refused=refused)
    if isinstance(failed, dict):
        return Status(run, State.FAILED, str(failed.get("cause")), failed.get("log"), refused)
    return Status(run, State.ANSWERED if answers.exists() else State.TO_DO, refused=refused)


def _changed(run: Run, record: Mapping[str, Any]) -> str | None:
    now = record_of(run)
    if lacking := [name for name in MOVES_ANSWERS if name not in record]:
        return _remove(run.folder, f"its {NAME} is missing or does not say {lacking[0]}, so what made it is not known")
    changed = [name for name in MOVES_ANSWERS if record[name] != now[name]]
    if not changed:
        return None
    name = changed[0]
    return _remove(run.folder, f"it was made with {name} {record[name]!r}, the file now says {now[name]!r}")


def _damaged(step: Step) -> str | None:
    lack = why_damaged(step, step.folder)
    return lack and _remove(step.folder.parent, f"its answers do not hold what the file asks for: {lack}")


def _stray_scores(run: Run) -> str | None:
    """Scores of other answers, by another judge, or broken off."""
    folder = run.judge.folder
    if lack := why_damaged(run.judge, folder):
        return _remove(folder, f"its scores do not hold what the file asks for: {lack}")
    answers = {path.name for paths in samples_files(run.generate.folder).values() for path in paths}
    for record in _records(find_samples(folder, run.judge.tasks)).values():
        section = record.get("lmms_eval_ja") or {}
        rejudged = section.get("rejudged") or {}
        scored = [Path(path).name for task, path in (rejudged.get("samples") or {}).items() if task in run.judge.tasks]
        if other := [name for name in scored if name not in answers]:
            return _remove(folder, f"its scores are of other answers than those that are there ({other[0]})")
        if run.repeats is None and rejudged.get("protocol") != "none":
            return _remove(folder, "it was judged, and the file now says judge: none")
        judge = (section.get("settings") or {}).get("judge") or {}
        judged = (judge.get("name"), judge.get("repeats", 1))
        if run.repeats is not None and (rejudged.get("protocol") == "none" or judged != (run.judge_name, run.repeats)):
            by = "no judge" if rejudged.get("protocol") == "none" else f"{judged[0]} ({judged[1]} times)"
            return _remove(folder, f"it was judged by {by}, the file now says {run.judge_name} ({run.repeats} times)")
    return None


def _remove(folder: Path, why: str) -> str:
    return (
        f"{why}. Nothing is written over: remove {folder} to make it again (answers in the answer log and verdicts in "
        "the store are not asked again), or state another output"
    )


def _lack_of_files(step: Step, files: Mapping[str, Path]) -> str | None:
    """What lacks in the files of a step, without reading a sample."""
    records = _records(files)
    models = {(str(r["config"].get("model")), str(r["config"].get("model_args"))) for r in records.values()}
    if len(models) > 1:
        return f"the samples are of different models: {' and '.join(sorted(' '.join(model) for model in models))}"
    wanted, (found, _) = _model_of(step), next(iter(models))
    if wanted is not None and found != wanted:
        return f"the samples are of --model {found}, not {wanted}"
    for task, path in files.items():
        if lack := _lack_of_samples(task, path, records[task]):
            return lack
    return None


def _lack_of_samples(task: str, path: Path, record: Mapping[str, Any]) -> str | None:
    config = record["config"]
    if config.get("limit") not in {None, -1} or config.get("offset"):
        return (
            f"{task} was run with --limit {config.get('limit')} and --offset {config.get('offset')}: a part of the "
            "documents is another benchmark"
        )
    counts = (record.get("n-samples") or {}).get(task) or {}
    original, effective = counts.get("original"), counts.get("effective")
    lines = _lines(path)
    if original is None or not original == effective == lines:
        return f"{path.name} has {lines} samples; {effective} of {original} documents of {task} were evaluated"
    return None


def _records(files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """The results file beside each samples file; one that several share is read once."""
    by_path: dict[Path, dict[str, Any]] = {}
    found = {}
    for task, path in files.items():
        results = path.with_name(f"{path.stem.partition('_samples_')[0]}_results.json")
        if results not in by_path:
            try:
                by_path[results] = json.loads(results.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise SamplesError(f"{results.name}, the results file beside {path.name}: {error}") from None
            if not isinstance(by_path[results].get("config"), dict):
                raise SamplesError(f"{results.name} is not lmms-eval's: it has no config")
        found[task] = by_path[results]
    return found


def _lines(path: Path) -> int:
    """How many lines a samples file has; the last must be a whole one."""
    with path.open("rb") as file:
        count = sum(block.count(b"\n") for block in iter(lambda: file.read(_TAIL), b""))
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    last = tail.rstrip(b"\n").rpartition(b"\n")[2]
    if not tail:
        return 0
    if not tail.endswith(b"\n"):
        count += 1
    if len(last) < _TAIL:
        try:
            json.loads(last)
        except ValueError:
            raise SamplesError(f"{path.name} breaks off in line {count}") from None
    return count


def _model_of(step: Step) -> str | None:
    words = step.words
    return words[words.index("--model") + 1] if "--model" in words else None


def _lack_of_answers(files: Mapping[str, Path]) -> str | None:
    for task, path in files.items():
        answers = read_answers(path, "doc_id")
        failed = {
            doc_id: why for doc_id, answer in answers.by_key.items() if (why := generation_failure(answer)) is not None
        }
        if failed:
            first = next(iter(failed))
            return (
                f"{len(failed)} of {len(answers.by_key)} answers to {task} could not be generated, the first to doc_id "
                f"{first}: {failed[first]}"
            )
        if not any(answer.strip() for answer in answers.by_key.values()):
            return f"all {len(answers.by_key)} answers to {task} are empty"
    return None


def _lack_of_scores(files: Mapping[str, Path]) -> str | None:
    records = _records(files)
    for task, record in records.items():
        facts = ((record.get("lmms_eval_ja") or {}).get("tasks") or {}).get(task)
        if not facts or not facts.get("scores"):
            return f"{task} has no score of ours in its results file"
        if mendable := list(_mendable(facts)):
            return f"{task} has no complete score: {', '.join(mendable)}"
    return None


def _mendable(facts: Mapping[str, Any]) -> Iterator[str]:
    """Failures that another run can mend, by kind."""
    for kind, failures in (facts.get("failures") or {}).items():
        if kind in PASSING_FAILURES:
            yield f"{failures['count']} {kind} ({failures['example']})"
    for metric, score in facts["scores"].items():
        if not metric.startswith(ANCHOR) and not score.get("n"):
            yield f"{metric}: {score.get('why_none')}"


_LACKS = {"generate": _lack_of_answers, "judge": _lack_of_scores}
