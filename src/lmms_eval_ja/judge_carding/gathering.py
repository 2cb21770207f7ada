"""The answers of finished runs as samples, with their documents and pictures, as judging them would make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lmms_eval_ja.clients import JudgeSettings, Settings
from lmms_eval_ja.compare.finished import Finished, SamplesError, find_samples, read_run
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.judges import PROTOCOLS, Judge, Protocol, Sample, reset_engine
from lmms_eval_ja.judges.noting import noting
from lmms_eval_ja.rejudge import (
    Recorded,
    Wish,
    built_task,
    check_revision,
    evaluated,
    task_configs,
    with_protocol,
)
from lmms_eval_ja.temporary import environment


@dataclass(frozen=True)
class Answers:
    """Answers that one protocol judges: of which tasks, who judges them, and with which settings."""

    samples: Sequence[Sample]
    tasks: Sequence[str]
    protocol: Protocol
    judge: Judge
    settings: Settings


def gather(
    folder: Path,
    *,
    judge: str | None = None,
    protocol: str | None = None,
    tasks: Sequence[str] = (),
    limit: int | None = None,
    include_path: Path | None = None,
) -> Answers:
    """The answers under a folder of finished runs, at most `limit` of them, spread over the images.

    Args:
        folder: of one model's results, with samples.
        judge: by its name in judge.toml; None is the one that is set.
        protocol: by which it judges; None is the one of the tasks.
        tasks: only these.
        limit: at most so many answers.
        include_path: folder with the YAMLs of other people's tasks.

    Raises:
        SamplesError, AnswersError: samples, tasks or data that do not fit.
        SystemExit: the settings, or the data, cannot be used.
    """
    if protocol is not None and protocol not in PROTOCOLS:
        raise SamplesError(f"--protocol {protocol}: unknown; expected one of {', '.join(sorted(PROTOCOLS))}")
    files = find_samples(folder, tasks)
    run = read_run(folder, files)
    wish = Wish(tasks=tasks, protocol=protocol, include_path=include_path)
    with environment({"JUDGE": judge, "ANCHORS": "0", "IMAGE": run.image}):
        try:
            found = _gather(run, wish)
        finally:
            reset_engine()
    return found if limit is None else replace(found, samples=spread(found.samples, limit))


def spread(samples: Sequence[Sample], limit: int) -> list[Sample]:
    """So many samples: one of each image in turn, in the order in which they come."""
    turns: dict[str, int] = {}
    ranked = []
    for at, sample in enumerate(samples):
        image = sample.cluster or sample.sample_id
        turns[image] = turns.get(image, 0) + 1
        ranked.append((turns[image], at))
    return [samples[at] for at in sorted(at for _, at in sorted(ranked)[:limit])]


def _gather(run: Finished, wish: Wish) -> Answers:
    from lmms_eval.tasks import TaskManager

    from lmms_eval_ja.plugin import install
    from lmms_eval_ja.run import check_prices, checked_data, ready_settings

    settings = ready_settings()
    judge = _at_once(Judge.of(settings))
    if judge.is_overlap:
        raise SamplesError("overlap is no LLM: state --judge, or a judge in judge.toml")
    check_prices(judge, settings)
    install()
    model = run.config.get("model")
    manager = TaskManager("ERROR", include_path=str(FOLDER), include_defaults=False, model_name=model)  # much faster
    if wish.include_path is not None or not set(run.samples) <= set(manager.task_index):
        own = str(wish.include_path) if wish.include_path else None
        manager = TaskManager("ERROR", include_path=own, model_name=model)
    configs = {n: with_protocol(c, wish.protocol) for n, c in task_configs(manager, run, wish).items()}
    for name, facts in checked_data(configs, settings, predict_only=True).items():
        check_revision(name, run.revision(name), facts["revision"])
    found: dict[str, list[Sample]] = {}
    protocols: dict[str, Protocol] = {}
    for name, config in configs.items():
        tasks = {name: built_task(manager, config, run)}
        with noting(judge, settings.store) as engine:
            evaluated(Recorded(run, tasks), tasks, run, images=judge.sees_image)
        for sample, protocol in engine.noted:
            protocols.setdefault(protocol.name, protocol)
            found.setdefault(protocol.name, []).append(_named(sample, name, many=len(configs) > 1))
    if not found:
        raise SamplesError(f"{run.folder}: there is no answer to judge")
    if len(found) > 1:
        raise SamplesError(
            f"{run.folder}: these answers are judged by {', '.join(found)}; a card is of one protocol: state --protocol"
        )
    (name,) = found
    return Answers(found[name], list(configs), protocols[name], judge, settings)


def _at_once(judge: Judge) -> Judge:
    """The judge, asked directly where it is asked by batches otherwise; one that is only looked up stays so."""

    def live(settings: JudgeSettings) -> JudgeSettings:
        return settings.model_copy(update={"mode": "live"}) if settings.mode == "batch" else settings

    return Judge(live(judge.settings), {name: live(member) for name, member in judge.members.items()})


def _named(sample: Sample, task: str, *, many: bool) -> Sample:
    """With several tasks, ids and images of different tasks stay apart."""
    if not many:
        return sample
    return replace(
        sample, sample_id=f"{task}/{sample.sample_id}", cluster=sample.cluster and f"{task}/{sample.cluster}"
    )
