"""Scoring the samples of a finished run: for the first time, or with another judge, protocol or number of repeats.

Samples files hold no document, so the data is loaded again and joined by doc_id. The recorded answers then go through
lmms-eval's own evaluation in place of a model's, so that scores and standard errors are those of judging in place.
"""

from __future__ import annotations

import argparse
import inspect
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmms_eval import evaluator
from lmms_eval.loggers import EvaluationTracker
from lmms_eval.tasks import TaskManager
from lmms_eval.utils import get_datetime_str

from lmms_eval_ja.asked import Asked, asked_of, check_messages, column
from lmms_eval_ja.clients import ChatError, Settings
from lmms_eval_ja.compare.finished import JUDGED, Finished, SamplesError, find_samples, read_run
from lmms_eval_ja.judges import (
    ANCHOR,
    PASSING_FAILURES,
    Judge,
    anchors_of,
    comparing,
    grading,
    protocol,
    protocols_of,
    reset_engine,
    score_rouge_l,
    together,
)
from lmms_eval_ja.judges.batch import Filled, Waiting, fill
from lmms_eval_ja.judges.noting import noting
from lmms_eval_ja.judges.results import ANCHORS, EXTRA_CATEGORY, OF_PROMPT_CLUSTERS, ProcessResults
from lmms_eval_ja.models.answers import Answers, AnswersError
from lmms_eval_ja.models.replay import Replay, ReplayError
from lmms_eval_ja.plugin import install
from lmms_eval_ja.results import add_facts
from lmms_eval_ja.run import checked_data, ready_settings, subset_of
from lmms_eval_ja.temporary import environment, new_folder

_log = logging.getLogger(__name__)
#: In place of a protocol's name: no judge is asked, and only metrics that need none are computed.
NO_JUDGE = "none"
_ROUGE_L = "rouge_l_ja"


@dataclass(frozen=True)
class Wish:
    """What is asked for; what is None or empty stays as the task and the settings have it.

    `protocol` may be `none`: then no judge is asked.
    """

    tasks: Sequence[str] = ()
    protocol: str | None = None
    judge: str | None = None
    repeats: int | None = None
    output: Path | None = None
    include_path: Path | None = None
    dry_run: bool = False
    #: Whether the judge is asked through the Batch API, and how to wait for it.
    batch: bool = False
    waiting: Waiting | None = None


@dataclass(frozen=True)
class Judged:
    """What came of it: the new folder (None: no results), what is asked, the results, tasks that are incomplete."""

    folder: Path | None
    asked: Sequence[Asked]
    results: Mapping[str, Any]
    incomplete: Mapping[str, str]
    judge: str
    #: What batches brought, where a judge is asked by them.
    filled: Filled | None = None

    def advice(self, again: str) -> str:
        """What can be done about the tasks that are incomplete, by their failures; `again` is the command to repeat."""
        tasks = self.results["lmms_eval_ja"]["tasks"]
        kinds = {kind for name in self.incomplete for kind in tasks[name]["failures"]}
        advice = []
        if kinds & (PASSING_FAILURES - {"generation"}):
            advice.append(f"To resume, run {again}: verdicts that were given are neither asked nor paid again.")
        if "generation" in kinds:
            advice.append("Answers whose generation failed must be generated first, by lmms-eval's own command.")
        if kinds - PASSING_FAILURES:
            advice.append("Replies that cannot be read, or refusals, are kept: only another judge may do better.")
        return "\n".join(advice)


def rejudge(folder: Path, wish: Wish) -> Judged:
    """Score the samples of finished runs under a folder, and write results and samples into a new one.

    Raises:
        SamplesError, AnswersError: samples, tasks or data that do not fit; each names the file, task or row.
        SystemExit: one of the checks before any run failed (judge, key, asset, changed data).
    """
    files = find_samples(folder, wish.tasks)
    if wish.output is not None and wish.output.exists():
        raise SamplesError(f"{wish.output} is already there, and nothing is overwritten: state another --output")
    _check_protocol(wish)
    run = read_run(folder, files)
    wished = {"JUDGE": wish.judge, "JUDGE_REPEATS": wish.repeats, "JUDGE_MODE": "batch" if wish.batch else None}
    with environment(wished | {"IMAGE": run.image}):
        try:
            return _rejudge(run, wish)
        finally:
            reset_engine()


def _check_protocol(wish: Wish) -> None:
    if wish.protocol == NO_JUDGE:
        if wish.judge is not None or wish.repeats is not None or wish.batch or wish.waiting is not None:
            raise SamplesError("--protocol none asks no judge: leave out --judge, --repeats, --batch and --wait")
    elif wish.protocol is not None:
        try:
            protocol(wish.protocol)
        except ValueError as error:
            raise SamplesError(f"{error}; or none, to ask no judge") from None


def _rejudge(run: Finished, wish: Wish) -> Judged:
    settings = ready_settings()
    install()
    manager = TaskManager(
        "ERROR",
        include_path=str(wish.include_path) if wish.include_path else None,
        model_name=run.config.get("model"),
    )
    own = task_configs(manager, run, wish)
    configs = {name: with_protocol(config, wish.protocol) for name, config in own.items()}
    data = checked_data(configs, settings, predict_only=wish.dry_run)
    for name, facts in data.items():
        check_revision(name, run.revision(name), facts["revision"])
    tasks = {name: built_task(manager, config, run) for name, config in configs.items()}
    if wish.protocol not in {None, NO_JUDGE} and protocol(str(wish.protocol)).compares:
        configs = {
            name: with_protocol(config, wish.protocol, _metrics_of_documents(tasks[name]))
            for name, config in own.items()
        }
        tasks = {name: built_task(manager, config, run) for name, config in configs.items()}
    judge = Judge.of(settings)
    is_judged = any(protocols_of(config["process_results"]) for config in configs.values())
    label = judge.label if is_judged else NO_JUDGE
    asked = [
        asked_of(task, run.samples[name], protocols_of(configs[name]["process_results"]), settings)
        for name, task in tasks.items()
    ]
    lm = Recorded(run, tasks)
    if wish.dry_run:
        evaluated(lm, tasks, run, predict_only=True)
        return Judged(None, asked, {}, {}, label)
    if not judge.is_overlap:
        for task in asked:
            check_messages(task, tasks[task.task], run.samples[task.task])
    filled = _filled(Recorded(run, tasks), tasks, run, settings, wish) if is_judged else None
    if filled is not None and not filled.is_through:
        return Judged(None, asked, {}, {}, label, filled)
    date = get_datetime_str()
    with new_folder(wish.output or _default_folder(run, asked, settings, date)) as folder:
        results = evaluated(lm, tasks, run, images=is_judged and judge.sees_image, datetime_str=date)
        incomplete = add_facts(results, configs, settings, data, subset_of(run.config))
        results["lmms_eval_ja"]["rejudged"] = {
            "from": str(run.folder.resolve()),
            "samples": {name: str(run.samples[name].path.resolve()) for name in configs},
            "protocol": wish.protocol,
        }
        _save(folder, results, run, date)
    return Judged(folder, asked, results, incomplete, label, filled)


def _filled(lm: Recorded, tasks: Mapping[str, Any], run: Finished, settings: Settings, wish: Wish) -> Filled | None:
    """What batches have brought into the store, and what is still to come; None when no judge is asked by them."""
    judge = Judge.of(settings)
    if not judge.by_batch:
        if wish.waiting is not None:
            raise SamplesError("--wait is for batches: state --batch as well")
        return None
    with noting(judge, settings.store) as engine:
        evaluated(lm, tasks, run, images=judge.sees_image)
    try:
        return fill(engine.noted, judge, settings.store, waiting=wish.waiting, budget_usd=settings.budget_usd)
    except ChatError as error:
        raise SamplesError(f"{error}; what came before is kept, so run the same command again") from None


def task_configs(manager: Any, run: Finished, wish: Wish) -> dict[str, Mapping[str, Any]]:
    """The tasks' configurations, at the recorded revision of the data."""
    configs: dict[str, Mapping[str, Any]] = {}
    for name, samples in run.samples.items():
        entry = manager.task_index.get(name)
        if entry is None or entry["type"] != "task":
            raise SamplesError(
                f"unknown task {name!r} ({samples.path}): lmms-eval finds none of this name; state --include-path if "
                "its YAML is elsewhere"
            )
        config: dict[str, Any] = manager._get_config(name)  # noqa: SLF001 (the manager has no public way to a YAML)
        config["yaml_path"] = entry["yaml_path"]
        if lack := _why_unscored(config, wish.protocol):
            if name in wish.tasks:
                raise SamplesError(f"task {name} {lack}")
            _log.warning("task %s %s; it is left out", name, lack)
            continue
        if config.get("filter_list"):
            raise SamplesError(f"task {name} filters answers (filter_list): what was filtered cannot be filtered again")
        if revision := run.revision(name):
            config["dataset_kwargs"] = (config.get("dataset_kwargs") or {}) | {"revision": revision}
        configs[name] = config
    if not configs:
        raise SamplesError(
            f"{run.folder}: no task there can be scored: {', '.join(run.samples)} "
            + ("have no metric that needs no judge" if wish.protocol == NO_JUDGE else "are not ours: state --protocol")
        )
    return configs


def _why_unscored(config: Mapping[str, Any], protocol_name: str | None) -> str | None:
    """Why a task is not scored here, in words that follow its name; None if it is.

    A task of ours is, also one that no protocol judges. So is somebody else's whose YAML judges by a protocol, or that
    is to be judged by a protocol which is stated.
    """
    judging = protocols_of(config.get("process_results"))
    if protocol_name == NO_JUDGE and judging and not _has_rouge_l(config):
        return f"has no metric that needs no judge (it is judged by {', '.join(judging)})"
    if judging or protocol_name not in {None, NO_JUDGE} or _is_ours(config):
        return None
    return "is not ours and judged by none of our protocols: state --protocol"


def _is_ours(config: Mapping[str, Any]) -> bool:
    """Whether this package makes the task's documents or scores."""
    functions = (config.get("process_docs"), config.get("process_results"))
    return any(getattr(function, "__module__", "").startswith("lmms_eval_ja.") for function in functions)


def _has_rouge_l(config: Mapping[str, Any]) -> bool:
    return any(entry["metric"] == _ROUGE_L for entry in config.get("metric_list") or ())


def check_revision(task: str, recorded: str | None, loaded: str | None) -> None:
    """Refuse data of another revision than the recorded one: offline, `datasets` ignores what is asked for.

    Raises:
        SamplesError: they differ; names both.
    """
    if recorded and recorded != loaded:
        raise SamplesError(
            f"{task}: the answers were given to revision {recorded} of the data, loaded is {loaded or 'an unknown one'}"
        )


def with_protocol(
    config: Mapping[str, Any], name: str | None, of_documents: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """A task's configuration, judged by another protocol; ROUGE-L stays where the task has it.

    `of_documents`: the metrics that the documents name, for a comparing protocol, with their aggregations.
    """
    judging = protocols_of(config.get("process_results"))
    if name is None or judging == (name,) or (name == NO_JUDGE and not judging):
        return config
    with_rouge = _has_rouge_l(config)
    parts: list[ProcessResults] = [score_rouge_l] if with_rouge else []
    metrics = {_ROUGE_L: "mean_ja"} if with_rouge else {}
    if name != NO_JUDGE and protocol(name).compares:
        parts.append(comparing(name))
        metrics |= of_documents or {}
        metrics |= {"model_mean": "mean_ja", "reference_mean": "reference_mean_ja", "overall": "category_ratios_ja"}
    elif name != NO_JUDGE:
        parts.append(grading(name))
        metrics |= {"judge_mean": "mean_ja"}
    kept = [] if name == NO_JUDGE else [e for e in config.get("metric_list") or () if e["metric"] in OF_PROMPT_CLUSTERS]
    named = [{"metric": m, "aggregation": a, "higher_is_better": True} for m, a in metrics.items()]
    return dict(config) | {
        "process_results": together(*parts) if len(parts) > 1 else parts[0],
        "metric_list": [*kept, *named],
        "score_key": "influence",
        "cluster_key": "cluster",
    }


def _metrics_of_documents(task: Any) -> dict[str, str]:
    """What a comparing protocol makes of categories and recorded answers: metrics with their aggregations."""
    docs = task.eval_docs_no_media
    columns = [column for column in ("category", EXTRA_CATEGORY) if column in docs.column_names]
    categories = sorted({str(value) for column in columns for value in docs[column] if value})
    labels = dict.fromkeys(label for anchors in column(docs, ANCHORS) for label in anchors_of({ANCHORS: anchors}))
    anchors = [f"{ANCHOR}{label}" for label in labels]
    return dict.fromkeys(categories, "ratio_of_means_ja") | dict.fromkeys(anchors, "category_ratios_ja")


def built_task(manager: Any, config: Mapping[str, Any], run: Finished) -> Any:
    """The task with its documents, of the type (simple or chat) that the run had."""
    backend = str(run.config.get("model_backend"))
    (task,) = manager._load_individual_task_or_group(  # noqa: SLF001 (`load_config` makes simple tasks only)
        {key: value for key, value in config.items() if key != "yaml_path"},
        task_type="simple" if backend.endswith("(simple)") else "chat",
    ).values()
    return task


class Recorded(Replay):
    """The recorded answers, checked against the documents that are loaded now."""

    def __init__(self, run: Finished, tasks: Mapping[str, Any]) -> None:
        super().__init__(str(run.folder))
        self._by_task = {name: run.samples[name] for name in tasks}
        self._tasks = tasks

    def generate_until(self, requests: list[Any]) -> list[str]:
        """As `Replay`; a sample without a document is an error, too."""
        found = super().generate_until(requests)
        asked = defaultdict(set)
        for request in requests:
            asked[request.args[4]].add(str(request.args[3]))
        for name, answers in self._by_task.items():
            if extra := sorted(answers.by_key.keys() - asked[name], key=lambda doc_id: (len(doc_id), doc_id)):
                raise ReplayError(
                    f"{answers.path}: there is no doc_id {extra[0]} in the {len(asked[name])} documents of {name}"
                )
        return found

    def _check_origin(self, answers: Answers, question: str, doc_id: int, task: str, split: str) -> None:
        """Input and target must be what the task makes of its document now."""
        del split
        if str(doc_id) not in answers.origin:
            return  # the missing answer is named next
        target, recorded = answers.origin[str(doc_id)]
        loaded = self._tasks[task]
        now = str(loaded.doc_to_target(loaded.eval_docs_no_media[doc_id]))
        for what, before, after in (("input", recorded, question), ("target", target, now)):
            if before != after:
                raise AnswersError(
                    f"{answers.path}: doc_id {doc_id} of {task} had another {what}: {before[:60]!r}, "
                    f"now {after[:60]!r}; was it recorded with other data or another prompt?"
                )


def evaluated(
    lm: Recorded, tasks: Mapping[str, Any], run: Finished, *, images: bool = False, **more: Any
) -> dict[str, Any]:
    """lmms-eval's own evaluation, without the plugin's checks, which are made already; `images`: if the judge sees."""
    media = images or (run.config.get("resolved_cli_args") or {}).get("process_with_media", False)
    results: dict[str, Any] = inspect.unwrap(evaluator.simple_evaluate)(
        model=lm,
        tasks=list(tasks.values()),
        limit=run.config.get("limit"),
        offset=run.config.get("offset") or 0,
        cli_args=argparse.Namespace(process_with_media=media),
        **more,
    )
    return results


def _save(folder: Path, results: dict[str, Any], run: Finished, date: str) -> None:
    """Write as lmms-eval does, under the name of the model that gave the answers."""
    tracker = EvaluationTracker(output_path=str(folder))
    record = next(iter(run.records.values()))
    tracker.general_config_tracker.log_experiment_args(
        model_source=record.get("model_source") or run.config["model"],
        model_args=str(run.config.get("model_args") or ""),
        system_instruction=record.get("system_instruction"),
        chat_template=record.get("chat_template"),
        fewshot_as_multiturn=bool(record.get("fewshot_as_multiturn")),
    )
    # How the command was called then: it may say --predict_only, which is no longer so.
    results["config"] = {key: value for key, value in run.config.items() if key != "resolved_cli_args"}
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples, datetime_str=date)
    for name, rows in samples.items():
        tracker.save_results_samples(task_name=name, samples=rows)
    # The tracker only logs what goes wrong.
    expected = [f"{date}_results.json", *(f"{date}_samples_{name}.jsonl" for name in samples)]
    if lost := [name for name in expected if not list(folder.rglob(name))]:
        raise SamplesError(f"{folder}: {lost[0]} could not be written; the verdicts are kept, so run it again")


def _default_folder(run: Finished, asked: Iterable[Asked], settings: Settings, date: str) -> Path:
    protocols = "+".join(sorted({name for task in asked for name in task.protocols}))
    if not protocols:
        return run.folder / f"{JUDGED}{NO_JUDGE}-{date}"
    judge = re.sub(r"[^\w.-]", "_", settings.judge_name)
    return run.folder / f"{JUDGED}{judge}-{protocols}-{date}"
