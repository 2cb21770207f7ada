"""Three documents of a task through lmms-eval's own evaluator, answered with their own references.

Run as a script (`check-task` does) it takes a YAML, and writes its findings to stdout as one line of JSON each. It runs
in an empty folder with settings of its own: the judge is `overlap`, and the verdicts are thrown away.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmms_eval_ja.doctor import Finding, Level
from lmms_eval_ja.task_files import TaskFile, read_task

if TYPE_CHECKING:
    from lmms_eval_ja.jp_tasks.dataset import DatasetSpec

DOCUMENTS = 3
#: Among so many documents one is looked for that counts for the headline.
LOOKED_AT = 100
#: How far a stated number of questions, of which a row holds several, may be from theirs.
ROUGHLY = 0.1
#: Variables that a trial decides itself.
PREFIX = "LMMS_EVAL_JA_"
#: Those that say where a benchmark's files are; they stay.
KEPT = (f"{PREFIX}ASSETS", f"{PREFIX}MANGA109")
PERCENT = 100.0
_ELSEWHERE = ". Data of the hub: load it once where there is internet, and copy HF_HOME"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def trial_settings(folder: Path) -> dict[str, str]:
    """The variables of a trial, which take a user's settings out of play; files go to `folder`."""
    empty = folder / "judge.toml"
    empty.write_text("", encoding="utf-8")
    names = {"JUDGE": "overlap", "JUDGE_FILE": str(empty), "STORE": str(folder / "verdicts.sqlite"), "ANCHORS": "0"}
    return {PREFIX + name: value for name, value in names.items()}


def trial(task: TaskFile, folder: Path) -> Iterator[Finding]:
    """Load the data, look at what the task's functions do, and run three documents; stops at what breaks the rest.

    Args:
        task: whose files were found to be right.
        folder: for the answers; empty.
    """
    import lmms_eval.evaluator  # noqa: F401 (so that it is hooked, as when lmms-eval's command runs)
    from lmms_eval.tasks import TaskManager

    from lmms_eval_ja.plugin import install
    from lmms_eval_ja.run_data import load_split

    install()
    try:
        manager = TaskManager("ERROR", include_path=str(task.path.parent), include_defaults=False)
        config = manager._get_config(task.name)  # noqa: SLF001 (the manager has no public way to a YAML)
    except Exception as error:
        yield _broken("YAML: functions", error, "correct what lmms-eval says of the YAML or of the files it names")
        return
    try:
        dataset = load_split(config)
    except Exception as error:
        yield _broken(
            "data",
            error,
            f"correct dataset_path, dataset_kwargs or the split; a path is relative to the YAML{_ELSEWHERE}",
        )
        return
    try:
        docs = config["process_docs"](dataset)
    except (Exception, SystemExit) as error:
        mend = (
            f"correct SPEC or process_docs in task.py, or the data; found are columns {', '.join(dataset.column_names)}"
        )
        yield _broken("process_docs", error, mend)
        return
    spec = _spec(config["process_docs"])
    yield _rows(task, len(dataset), len(docs), spec)
    yield _checked(config, dataset, spec)
    place = _first_with_headline(task, config, docs)
    problems = list(_documents(config, docs)) or list(_marking(task, config, docs[place]))
    yield from problems
    if not problems:
        yield _evaluated(task, config, docs, manager, folder, wanted=max(DOCUMENTS, place + 1))


def _broken(what: str, error: BaseException, mend: str) -> Finding:
    text = str(error).strip() or "no message"
    named = text if isinstance(error, SystemExit) else f"{type(error).__name__}: {text}"
    return Finding(Level.BROKEN, what, named.splitlines()[0], mend)


def _spec(process_docs: Callable[..., Any]) -> DatasetSpec | None:
    """What a `process_docs` checks, if it says so; its module need not be one that can be imported by name."""
    from lmms_eval_ja.jp_tasks.dataset import DatasetSpec

    found = getattr(process_docs, "spec", None) or getattr(process_docs, "__globals__", {}).get("SPEC")
    return found if isinstance(found, DatasetSpec) else None


def _rows(task: TaskFile, loaded: int, documents: int, spec: DatasetSpec | None) -> Finding:
    """Whether the number of rows is the stated one; where it is only known within bounds, both must keep them."""
    stated = task.metadata.get("rows")
    bounds = spec.rows if spec is not None and isinstance(spec.rows, range) else range(0)
    within = stated in bounds and (loaded in bounds or documents in bounds)
    # A row may hold several questions, whose number `metadata` may state roughly.
    holds_several = spec is not None and loaded == spec.rows and documents > loaded
    near = isinstance(stated, int) and holds_several and abs(stated - documents) <= ROUGHLY * documents
    if stated in (loaded, documents) or within or near:
        return Finding(Level.OK, "rows", f"{loaded:,} rows, {documents:,} documents")
    mend = f"write rows: {documents} under metadata if the data is whole, or load the whole"
    return Finding(
        Level.BROKEN, "rows", f"metadata says {stated}; the data has {loaded}, {documents} as documents", mend
    )


def _checked(config: Mapping[str, Any], dataset: Any, spec: DatasetSpec | None) -> Finding:
    """Whether `process_docs` stops at data that lacks a row.

    The row is one of the benchmark's, where what is loaded holds more; of the least number where there are bounds.
    """
    mend = "begin process_docs with load_checked(dataset, SPEC), SPEC with the number of rows"
    try:
        config["process_docs"](_with_a_row_less(dataset, spec))
    except (Exception, SystemExit):
        return Finding(Level.OK, "row count", "asserted: a missing row stops the run")
    return Finding(Level.BROKEN, "row count", "a missing row is not noticed", mend)


def _with_a_row_less(dataset: Any, spec: DatasetSpec | None) -> Any:
    if spec is None:
        return dataset.select(range(len(dataset) - 1))
    whole = spec.whole(dataset) if spec.whole else dataset
    least = spec.rows if isinstance(spec.rows, int) else spec.rows[0]
    return whole.select(range(min(len(whole), least) - 1))


def _first_with_headline(task: TaskFile, config: Mapping[str, Any], docs: Any) -> int:
    """The place of the first document that counts for the headline; 0 where none of the first does, or one raises."""
    from lmms_eval_ja.metrics import failed_generation

    for place in range(min(LOOKED_AT, len(docs))):
        try:
            given = config["process_results"](docs[place], [failed_generation("a trial")])
        except Exception:  # `_marking` meets it again, and reports it
            return 0
        if task.metadata["headline"] in given:
            return place
    return 0


def _documents(config: Mapping[str, Any], docs: Any) -> Iterator[Finding]:
    """Columns, ids, and whether the pictures obey the setting `image`."""
    from lmms_eval_ja.judges import documents_problem, missing_columns, protocols_of

    judging = protocols_of(config.get("process_results"))
    if lack := missing_columns(docs.column_names, judging):
        yield Finding(Level.BROKEN, "columns", lack, "name them so in process_docs (with_columns), or in the data")
        return
    if problem := documents_problem(docs, judging):
        mend = "give each document what its protocol judges by, in process_docs (rubrics: see docs/rubrics.md)"
        yield Finding(Level.BROKEN, "judging", problem, mend)
    ids = [str(id_) for id_ in docs[id_column(docs.column_names)]]
    if len(set(ids)) < len(ids):
        twice = next(id_ for id_ in ids if ids.count(id_) > 1)
        mend = "give each document an id of its own in process_docs"
        yield Finding(Level.BROKEN, "ids", f"{twice!r} stands twice", mend)
    visual = config.get("doc_to_visual")
    if callable(visual):
        with _setting("IMAGE", "none"):
            shown = visual(docs[0])
        if shown:
            mend = f"write {VISUAL}, or let your own end with shown(doc, …) of jp_tasks/images.py"
            yield Finding(Level.BROKEN, "pictures", 'shown although the setting image is "none"', mend)


VISUAL = "doc_to_visual: !function lmms_eval_ja.jp_tasks.prompts.doc_to_visual"


def id_column(columns: list[str]) -> str:
    """The column that names a document."""
    from lmms_eval_ja.judges.results import FIELDS

    return next(name for name in FIELDS["sample_id"] if name in columns)


@contextlib.contextmanager
def _setting(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(PREFIX + name)
    os.environ[PREFIX + name] = value
    try:
        yield
    finally:
        del os.environ[PREFIX + name]
        if before is not None:
            os.environ[PREFIX + name] = before


def _marking(task: TaskFile, config: Mapping[str, Any], doc: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether answers go through the parser or the protocol that the metadata names, and failures are no numbers."""
    from lmms_eval_ja.judges import PROTOCOLS, protocols_of
    from lmms_eval_ja.metrics import failed_generation

    process = config["process_results"]
    stated, judging = [name for name in task.protocols if name in PROTOCOLS], list(protocols_of(process))
    if sorted(stated) != sorted(judging):
        named = ", ".join(stated) or "no judging protocol"
        found = f"metadata says {named}; process_results judges by {', '.join(judging) or 'none'}"
        names = stated or judging
        mend = f"write process_results: !function lmms_eval_ja.judges.score_{names[0]}, or correct protocol in metadata"
        yield Finding(Level.BROKEN, "scoring", found, mend)
        return
    headline = task.metadata["headline"]
    try:
        failed = process(doc, [failed_generation("a trial")])
        lacking = [] if headline in failed else [headline]
        number = getattr(failed.get(headline), "value", failed.get(headline))
    except Exception as error:
        yield _broken("scoring", error, "correct process_results; see jp_tasks/scoring.py for what it gives")
        return
    if lacking and not judging:
        mend = f"let process_results give it, or name another headline: it gives {', '.join(map(str, failed))}"
        yield Finding(Level.BROKEN, "scoring", f"process_results gives no {headline}", mend)
    elif number is not None and not judging:
        mend = "make process_results with marked_by(…) of jp_tasks/scoring.py, where a failure is no number"
        yield Finding(Level.BROKEN, "scoring", f"a generation that failed scores {number}", mend)
    elif "choice" in task.protocols:
        yield from _parsing(process, doc, headline)


def _parsing(process: Callable[..., Mapping[str, Any]], doc: Mapping[str, Any], headline: str) -> Iterator[Finding]:
    """Answers as Japanese models write them, to a multiple-choice question with a letter for reference."""
    reference, count = str(doc.get("reference", "")), len(doc.get("choices") or ())
    if reference not in _LETTERS[:count] or not reference:
        return
    other = _LETTERS[(_LETTERS.index(reference) + 1) % count]
    wide = chr(ord(reference) + 0xFEE0)
    cases = {f"正解は{wide}です。": PERCENT, f"{reference}か{other}のどちらかです。": 0.0, f"{other}です。": 0.0}
    mend = (
        "write process_results: !function lmms_eval_ja.jp_tasks.scoring.score_choice, or marked_by(…) with parse_choice"
    )
    for answer, expected in cases.items():
        value = getattr(process(doc, [answer])[headline], "value", None)
        if value != expected:
            found = f"「{answer}」 scores {value} where {reference} is right, expected {expected:g}"
            yield Finding(Level.BROKEN, "parser", found, mend)
            return


def _evaluated(
    task: TaskFile, config: Mapping[str, Any], docs: Any, manager: Any, folder: Path, *, wanted: int
) -> Finding:
    """Run the first documents with their references for answers."""
    from lmms_eval import evaluator

    from lmms_eval_ja.judges import sample_of

    key, path = id_column(docs.column_names), folder / "answers.jsonl"
    few = [docs[row] for row in range(min(wanted, len(docs)))]
    lines = [{key: str(doc[key]), "answer": sample_of(doc, "").reference} for doc in few]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    what = f"run of {len(few)} documents"
    try:
        results = evaluator.simple_evaluate(
            model="replay",
            model_args=f"answers={path},key={key}",
            tasks=[task.name],
            task_manager=manager,
            limit=len(few),
            bootstrap_iters=0,
        )
    except (Exception, SystemExit) as error:
        return _broken(
            what, error, "correct the function that the message names; each gets a document as process_docs gives it"
        )
    return _score_found(task, config, results["results"][task.name], what)


def _score_found(task: TaskFile, config: Mapping[str, Any], scores: Mapping[str, Any], what: str) -> Finding:
    """Whether the references got the best score there is."""
    headline = task.metadata["headline"]
    value = {name.partition(",")[0]: value for name, value in scores.items()}.get(headline)
    if not isinstance(value, (int, float)):
        mend = f"let process_results give {headline}, and metric_list name it"
        return Finding(Level.BROKEN, what, f"no number for {headline}: {value}", mend)
    found = f"the references themselves score {headline} = {value:g}"
    if _is_judged(config):
        found += ", judged by overlap, which is no LLM"
        if math.isnan(value):
            return Finding(Level.HINT, what, found, "three documents may lack a category that the headline needs")
        return Finding(Level.OK, what, found)
    best = PERCENT if _higher_is_better(config, headline) else 0.0
    if not math.isclose(value, best, abs_tol=1e-9):
        mend = "correct the references, or how answers are marked, until each reference is a right answer"
        return Finding(Level.BROKEN, what, f"{found}, expected {best:g}", mend)
    return Finding(Level.OK, what, found)


def _higher_is_better(config: Mapping[str, Any], metric: str) -> bool:
    return all(entry.get("higher_is_better", True) for entry in config["metric_list"] if entry["metric"] == metric)


def _is_judged(config: Mapping[str, Any]) -> bool:
    from lmms_eval_ja.judges import protocols_of

    return bool(protocols_of(config["process_results"]))


def main(path: Path) -> None:
    """Try the task of a YAML, in this process; nothing but findings goes to stdout."""
    from loguru import logger

    from lmms_eval_ja.judges import reset_engine

    logger.remove()
    for name in [name for name in os.environ if name.startswith(PREFIX) and name not in KEPT]:
        del os.environ[name]
    channel = sys.stdout
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        os.environ.update(trial_settings(Path(folder)))
        reset_engine()  # it may have the folder of an earlier trial
        for finding in trial(read_task(path), Path(folder)):
            record = [finding.level.value, finding.what, finding.found, finding.fix]
            channel.write(json.dumps(record, ensure_ascii=False) + "\n")
            channel.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
