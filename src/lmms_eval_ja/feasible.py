"""What stands in the way of a comparison, as far as it can be seen before it starts; and what judging will cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lmms_eval_ja.compare.needs import disks, missing_environments
from lmms_eval_ja.compare.plan import Plan, Run
from lmms_eval_ja.compare.state import State, Status
from lmms_eval_ja.judges import Judge
from lmms_eval_ja.models.uv import EnvironmentFault, uv_command


@dataclass(frozen=True)
class Bill:
    """What the judge is asked for the runs that have no scores yet, if nothing is stored.

    Attributes:
        requests: in all.
        dollars: in all; None where no price is known.
        note: what else there is to say, such as why nothing can be estimated.
    """

    requests: int = 0
    dollars: float | None = 0.0
    note: str | None = None


def problems(plan: Plan, states: Sequence[Status], *, gpus: int | None) -> Iterator[str]:
    """Sentences that say why the runs cannot be carried out, and what to do.

    Args:
        plan: what is to be run.
        states: of the runs that are to be carried out.
        gpus: of the largest machine; None where that is not known beforehand.
    """
    for state in states:
        if state.refused:
            yield f"{state.run.id}: {state.refused}"
    unanswered = [state.run for state in states if not state.run.generate.folder.exists()]
    yield from _lacking_gpus(unanswered, gpus)
    yield from _unknown_plugins(unanswered)
    if missing := missing_environments(run.candidate.entry for run in unanswered):
        try:
            uv_command()
        except EnvironmentFault as error:
            yield f"the environments {', '.join(missing)} are still to be made: {error}"
    for disk in disks([run.candidate.entry for run in unanswered]):
        if disk.lack:
            yield disk.lack
    if plan.judge_name is not None and any(state.state is not State.DONE for state in states):
        problem = Judge.of(plan.settings).problem()
        if problem:
            yield f"{problem}. With judge: none only metrics without a judge are computed"


def bill(plan: Plan, states: Sequence[Status]) -> Bill:
    """Estimate what judging costs. Asks nobody; data is loaded, or read from its cache."""
    unscored = sum(not state.run.judge.folder.exists() for state in states)
    if plan.judge_name is None or not unscored:
        return Bill()
    judge = Judge.of(plan.settings)
    if judge.is_overlap:
        return Bill(note=f"{judge.label}: asks nobody")
    from lmms_eval_ja.cost import CostError, estimate
    from lmms_eval_ja.cost import Plan as Judging

    fields = plan.comparison.fields
    try:
        estimated = estimate(Judging(plan.comparison.tasks, plan.judge_name, None, fields.repeats, judge.by_batch))
    except CostError as error:
        return Bill(0, None, f"it cannot be estimated what judging costs: {error}")
    requests = sum(item.requests for item in estimated.items) * unscored
    dollars = estimated.dollars * unscored if estimated.is_whole else None
    return Bill(requests, dollars, None if estimated.is_whole else "no price is known for a judge")


def _lacking_gpus(runs: Sequence[Run], gpus: int | None) -> Iterator[str]:
    for run in runs:
        needed = run.generate.gpus
        if gpus is not None and needed > gpus:
            yield (
                f"{run.id} needs {needed} GPU{'s' * (needed > 1)}, and here there {_there(gpus)}: state gpus in its "
                "entry (0 runs it on the CPU), leave it out by --only, or name a cluster by --address"
            )


def _there(gpus: int) -> str:
    return {0: "is none", 1: "is 1"}.get(gpus, f"are {gpus}")


def _unknown_plugins(runs: Sequence[Run]) -> Iterator[str]:
    """Models of lmms-eval's own are looked up only where there are some: that takes seconds."""
    others = {run.id: str(run.candidate.entry.plugin) for run in runs if not run.candidate.is_ours}
    if not others:
        return
    from lmms_eval.models import MODEL_REGISTRY_V2

    from lmms_eval_ja.compare.faults import unknown

    names = MODEL_REGISTRY_V2.list_model_names()
    for id_, plugin in others.items():
        if plugin not in names:
            yield f"{id_}: plugin: {unknown('model of lmms-eval', plugin, names)}"
