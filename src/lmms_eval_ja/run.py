"""What surrounds a run of lmms-eval with tasks of ours: checks before it, facts and the exit status after it."""

from __future__ import annotations

import logging
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lmms_eval_ja import summary
from lmms_eval_ja.clients import AssetError, Settings, SettingsError, load_settings, price_of
from lmms_eval_ja.clients.settings import IMAGE_SETTINGS
from lmms_eval_ja.exit_status import leave_with_failure
from lmms_eval_ja.judges import ANCHOR, OVERLAP_LABEL, Judge, protocol, reset_engine
from lmms_eval_ja.judges.validity import warnings_of
from lmms_eval_ja.results import add_facts
from lmms_eval_ja.run_data import (
    CheckFailedError,
    check_columns,
    check_data,
    check_images,
    is_ours,
    problem_of_documents,
    protocols_in,
)

_log = logging.getLogger(__name__)
#: Less free disk than this is worth a warning.
LOW_DISK_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Run:
    """A run with tasks of ours: their configurations by name, settings, facts about the data."""

    tasks: Mapping[str, Mapping[str, Any]]
    settings: Settings
    data: Mapping[str, Mapping[str, Any]]
    predict_only: bool
    from_command_line: bool
    #: `limit` and `offset`, or None when all documents are evaluated.
    subset: Mapping[str, Any] | None


def before(call: Mapping[str, Any]) -> Run | None:
    """Check what a run needs, given the bound arguments of `simple_evaluate`.

    Returns:
        None when no task of the run is ours or judged by us.

    Raises:
        CheckFailedError: unusable settings, no key, unreachable judge, missing asset, changed data.
    """
    manager = call["task_manager"]
    if manager is None:
        from lmms_eval.tasks import TaskManager

        manager = TaskManager(call["verbosity"], model_name=call["model"])
    found = dict(_configs(call["tasks"] or [], manager))
    tasks = {name: config for name, config in found.items() if _concerns_us(config)}
    if not tasks:
        return None
    settings = ready_settings()
    predict_only = bool(call["predict_only"])
    if not predict_only:
        _check_mode(tasks, settings)
    _check_model(call["model"], force_simple=bool(call["force_simple"]))
    _check_cache(call["use_cache"], settings)
    data = checked_data(tasks, settings, predict_only=predict_only)
    if not predict_only and Judge.of(settings).sees_image and any(map(protocols_in, tasks.values())):
        keep_images(call["cli_args"])
    run = Run(tasks, settings, data, predict_only, call["cli_args"] is not None, subset_of(call))
    _announce_anchors(run)
    return run


def after(results: dict[str, Any] | None, run: Run) -> dict[str, Any] | None:
    """Add facts to the results of rank 0, and see to the exit status of an incomplete run."""
    if results is None:
        return None
    if run.predict_only:
        # Whoever judges the answers later loads the data that they were given to.
        results["lmms_eval_ja"] = {"settings": run.settings.shown(), "tasks": {}, "data": dict(run.data)}
        return results
    incomplete = add_facts(results, run.tasks, run.settings, run.data, run.subset)
    for line in summary.sentences(results["lmms_eval_ja"]):
        _log.info(line)
    for line in summary.warnings(results["lmms_eval_ja"]):
        _log.warning(line)
    if run.settings.judge.provider == "overlap" and any(map(protocols_in, run.tasks.values())):
        _log.warning("judged scores are by %s", OVERLAP_LABEL)
    for name, why in incomplete.items():
        _log.error("%s has no complete score: %s", name, why)
    if incomplete:
        _log.error(
            "to resume, run the same command again: verdicts that were given are kept in %s and are neither asked nor "
            "paid again", run.settings.store
        )  # fmt: skip
        if run.from_command_line:
            leave_with_failure()
    return results


def ready_settings() -> Settings:
    """The settings, with an engine that has none of an earlier run in this process.

    Raises:
        CheckFailedError: they cannot be used.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        raise CheckFailedError(str(error)) from None
    reset_engine()  # it may have another judge, or have given it up
    if _is_first_rank():
        _log.info("settings: %s", settings.shown())
    return settings


def checked_data(
    tasks: Mapping[str, Mapping[str, Any]], settings: Settings, *, predict_only: bool
) -> dict[str, Mapping[str, Any]]:
    """Check judge, data and disk; gives the facts about the data of our tasks (on the first rank).

    Raises:
        CheckFailedError: no key, unreachable judge, missing asset, data that cannot be loaded.
        DatasetError: changed data.
    """
    first_rank = _is_first_rank()
    sees_image = not predict_only and Judge.of(settings).sees_image
    if not predict_only:
        _check_judge(tasks, settings, ask=first_rank)
    data: dict[str, Mapping[str, Any]] = {}
    for name, config in tasks.items() if first_rank else ():
        if is_ours(config):
            data[name] = check_data(config)
            if problem := problem_of_documents(config):
                raise CheckFailedError(f"task {name}: {problem}")
        else:
            check_columns(config)
        if sees_image and protocols_in(config):
            check_images(config)
    _check_disk(settings)
    return data


def keep_images(cli_args: Any) -> None:
    """Have lmms-eval score documents with their images, for a judge that sees; else it takes them out before.

    Args:
        cli_args: of `simple_evaluate`; without them images stay where they are.

    Raises:
        CheckFailedError: they cannot be changed, and do not say so themselves.
    """
    if cli_args is None or getattr(cli_args, "process_with_media", False):
        return
    try:
        cli_args.process_with_media = True
    except (AttributeError, TypeError):
        raise CheckFailedError(
            "the judge sees images (sees_image = true), and lmms-eval takes them out of the documents before they are "
            "scored: pass --process_with_media"
        ) from None


def _announce_anchors(run: Run) -> None:
    """Say what recorded answers add to the requests (on the first rank, which knows the data)."""
    if run.predict_only or not run.settings.anchors or run.settings.judge.provider == "overlap":
        return
    for name, facts in run.data.items():
        metrics = [entry["metric"] for entry in run.tasks[name].get("metric_list") or ()]
        if anchors := sum(metric.startswith(ANCHOR) for metric in metrics):
            _log.info(
                "%s: %d × %d recorded answers are judged too, as anchors (LMMS_EVAL_JA_ANCHORS=0 switches it off); "
                "verdicts that are in the store cost nothing", name, anchors, _documents(facts["rows"], run.subset)
            )  # fmt: skip


def _documents(rows: int, subset: Mapping[str, Any] | None) -> int:
    """How many of the documents are evaluated; a limit below 1 is a share, as lmms-eval takes it."""
    if subset is None:
        return rows
    limit, offset = subset["limit"], subset["offset"]
    left: int = max(0, rows - offset)
    if limit in {None, -1}:
        return left
    wanted: int = math.ceil(rows * limit) if 0 < limit < 1 else int(limit)
    return min(left, wanted)


def _is_first_rank() -> bool:
    return int(os.environ.get("RANK", "0")) == 0


def _check_model(model: Any, *, force_simple: bool) -> None:
    """Import the model's class, which comes next anyway, to say what to do about a missing package that is known."""
    from lmms_eval.models import MODEL_REGISTRY_V2

    if not isinstance(model, str):
        return
    try:
        MODEL_REGISTRY_V2.get_model_class(model, force_simple=force_simple)
    except ModuleNotFoundError as error:
        if error.name == "decord":
            raise CheckFailedError(
                f"lmms-eval's class for {model} imports decord, which is not installed: "
                'pip install "lmms-eval-ja[video]"'
            ) from None
    except Exception as error:  # lmms-eval meets it next, and reports it in its own words
        _log.debug("the class of model %s cannot be imported: %s", model, error)


def _check_cache(use_cache: Any, settings: Settings) -> None:
    """lmms-eval's cache of answers does not see the pictures: an ablated run would get the plain one's answers."""
    if use_cache and settings.image != IMAGE_SETTINGS[0]:
        raise CheckFailedError(
            f'image = "{settings.image}" and --use_cache: lmms-eval knows an answer by its question alone, and would '
            "give those of a run with other pictures; leave --use_cache out (our models' own log sees the pictures)"
        )


def subset_of(call: Mapping[str, Any]) -> dict[str, Any] | None:
    """`limit` and `offset` of a call or of a results file's `config`, or None when all documents are evaluated."""
    limit, offset = call.get("limit"), call.get("offset") or 0
    if limit in {None, -1} and not offset:
        return None
    return {"limit": limit, "offset": offset}


def _configs(tasks: list[Any], manager: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Names and configurations of all tasks that are asked for, groups and tags opened."""
    for task in tasks:
        if isinstance(task, dict):
            inner = task.get("task")
            if isinstance(inner, str):
                yield inner, task
            elif isinstance(inner, list):
                yield from _configs(inner, manager)
        elif not isinstance(task, str):
            yield task.config.task, task.config.to_dict()
        elif task in manager.task_index:
            entry = manager.task_index[task]
            if entry["type"] in {"task", "python_task"}:
                if entry["type"] == "task":
                    yield task, manager._get_config(task) | {"yaml_path": entry["yaml_path"]}  # noqa: SLF001
            elif entry["task"] == -1:
                yield from _configs(manager._get_config(task)["task"], manager)  # noqa: SLF001
            else:
                yield from _configs(entry["task"], manager)


def _concerns_us(config: Mapping[str, Any]) -> bool:
    return is_ours(config) or bool(protocols_in(config))


def _check_judge(tasks: Mapping[str, Mapping[str, Any]], settings: Settings, *, ask: bool) -> None:
    names = {name for config in tasks.values() for name in protocols_in(config)}
    if not names:
        return
    judge = Judge.of(settings)
    if judge.is_overlap:
        _log.warning("judge: %s", judge.label)
        return
    try:
        for name in sorted(names):
            protocol(name).check()
    except (AssetError, SettingsError) as error:
        raise CheckFailedError(str(error)) from None
    check_prices(judge, settings)
    for one in judge.each.values():
        try:
            warnings_of([one.settings])
        except SettingsError as error:
            raise CheckFailedError(str(error)) from None
        if ask and (problem := one.problem()):
            raise CheckFailedError(problem)


def check_prices(judge: Judge, settings: Settings) -> None:
    """Refuse a budget where some judge that may be asked has no known price.

    Raises:
        CheckFailedError: names the judge.
    """
    for one in judge.each.values():
        is_asked = not one.is_overlap and one.settings.mode != "store"
        if settings.budget_usd is not None and is_asked and price_of(one.settings) is None:
            raise CheckFailedError(
                f"there is a budget, but no price is known for {one.label}: state price_input and price_output of the "
                "judge in judge.toml, in US dollars per million tokens, or leave budget_usd out"
            )


def _check_mode(tasks: Mapping[str, Mapping[str, Any]], settings: Settings) -> None:
    """A run of a model cannot wait for batches."""
    if Judge.of(settings).by_batch and any(map(protocols_in, tasks.values())):
        raise CheckFailedError(
            f'the judge {settings.judge_name} is asked by batches (mode = "batch"), which may take a day: generate '
            "with --predict_only, then `lmms-eval-ja judge OUTPUT_PATH` submits and collects them. Or judge at once, "
            "at the full price, with LMMS_EVAL_JA_JUDGE_MODE=live"
        )


def _check_disk(settings: Settings) -> None:
    folder = next(p for p in (settings.store, *settings.store.absolute().parents) if p.is_dir())
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK_BYTES:
        _log.warning("only %.1f GB free at %s, where verdicts are kept", free / 1e9, folder)
