"""How well a comparison fills its GPUs: `python benchmarks/compare.py [--seconds-per-minute S] [--json FILE]`.

40 models of the catalogue, of 1 to 90 billion parameters, are placed on 8 GPUs through the real `carry_out`: Ray,
guard, attempt's folder, check and renaming. Their commands only sleep, so GPUs are not needed. Nobody has measured how
long the models take, so the minutes are assumed: 8, and 3 for each billion of parameters on a GPU. What they really
take differs from that by up to a fifth, which the scheduling does not know. A minute takes half a second here.

The bound that no order can beat is the larger of all GPU minutes / 8 and the longest run. Beside stands the order of
the file, as a shell loop over free GPUs takes it; it is calculated from the same minutes, at no cost of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from lmms_eval_ja.compare.cluster import Cluster
from lmms_eval_ja.compare.placing import Event, carry_out
from lmms_eval_ja.compare.schedule import Machine, played
from lmms_eval_ja.compare.step import Step
from lmms_eval_ja.models.catalogue import catalogue
from machine import machine

GPUS, RUNS = 8, 40
AIM_ABOVE_BOUND, AIM_COST = 0.10, 0.01
JUDGE_MINUTES = 2.0


def nothing_lacks(_step: Step, _out: Path) -> str | None:
    """Stand-in commands write nothing."""
    return None


def planned() -> list[tuple[str, int, float]]:
    """Id, GPUs and expected minutes of the catalogue's first 40 models that take a GPU."""
    entries = [entry for entry in catalogue().values() if entry.gpus and entry.params_b]
    return [(entry.id, entry.gpus, 8 + 3 * entry.params_b / entry.gpus) for entry in entries[:RUNS]]


def steps_of(output: Path, plan: list[tuple[str, int, float]], real: list[float], scale: float) -> list[Step]:
    """A generate and a judge step of each run."""
    steps = []
    for (name, gpus, minutes), taken in zip(plan, real, strict=True):
        run = output / "runs" / name
        words = ("sleep", f"{taken * scale:.3f}")
        steps.append(Step(name, "generate", words, run / "answers", gpus=gpus, minutes=minutes))
        words = ("sleep", f"{JUDGE_MINUTES * scale:.3f}")
        steps.append(Step(name, "judge", words, run / "scores", after=run / "answers"))
    return steps


def carried(steps: list[Step]) -> dict[str, tuple[float, float]]:
    """When each step started and ended, in seconds from the first start."""
    times: dict[str, list[float]] = {}

    def note(event: Event) -> None:
        times.setdefault(event.step.name, []).append(time.perf_counter())

    outcomes = carry_out(steps, report=note, why_incomplete=nothing_lacks)
    if failed := [outcome for outcome in outcomes if not outcome.complete]:
        raise SystemExit(f"{failed[0].step.name}: {failed[0].cause}")
    begun = min(start for start, _ in times.values())
    return {name: (start - begun, end - begun) for name, (start, end) in times.items()}


def measured(scale: float, seed: int) -> dict[str, float]:
    """The figures: minutes at the real scale, and what a step costs beside its command."""
    plan, chance = planned(), random.Random(seed)  # noqa: S311 (no secret)
    real = [minutes * chance.uniform(0.8, 1.2) for _, _, minutes in plan]
    with tempfile.TemporaryDirectory() as folder:
        before = time.perf_counter()
        with Cluster(gpus=GPUS):
            # Ray starts its workers with the first steps: once in a comparison, so it stands apart.
            warming = [(f"warm{n}", 1, 1.0) for n in range(GPUS)]
            carried(steps_of(Path(folder, "warm"), warming, [5 / scale / 60] * GPUS, scale))
            start_s = time.perf_counter() - before
            times = carried(steps_of(Path(folder), plan, real, scale))
    taken = {f"{name}: generate": minutes for (name, _, _), minutes in zip(plan, real, strict=True)}
    cost = [times[name][1] - times[name][0] - minutes * scale for name, minutes in taken.items()]
    gpu_minutes = sum(gpus * minutes for (_, gpus, _), minutes in zip(plan, real, strict=True))
    in_file_order = [
        Step(name, "generate", (), Path(name), gpus=gpus, minutes=minutes)
        for (name, gpus, _), minutes in zip(plan, real, strict=True)
    ]
    one = {"one": Machine("one", GPUS, 64, 1024)}
    makespan_s = max(times[name][1] for name in taken)
    return {
        "runs": len(plan),
        "gpu_minutes": gpu_minutes,
        "bound_minutes": max(gpu_minutes / GPUS, *real),
        "makespan_minutes": makespan_s / scale,
        "judged_minutes": max(end for _, end in times.values()) / scale,
        "file_order_minutes": played(in_file_order, range(RUNS), one),
        "start_s": start_s,
        "cost_per_step_ms": 1000 * statistics.fmean(cost),
        "cost_per_step_ms_median": 1000 * statistics.median(cost),
        "mean_step_minutes": statistics.fmean(real),
        # Both at the real scale: what each step takes longer, and the start, for which all GPUs wait.
        "cost_share": statistics.fmean(cost) / (60 * statistics.fmean(real)) + start_s / (60 * makespan_s / scale),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds-per-minute", type=float, default=0.5, help="how long a minute takes")
    parser.add_argument("--seed", type=int, default=0, help="of what runs really take")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()

    load = os.getloadavg()[0]
    figures = measured(arguments.seconds_per_minute, arguments.seed)
    bound = figures["bound_minutes"]
    print(f"{figures['runs']:.0f} runs on {GPUS} GPUs, {figures['gpu_minutes']:,.0f} GPU minutes in all")
    print(f"bound that no order can beat   {bound:8.1f} min")
    for name, key in (("this project", "makespan_minutes"), ("order of the file, calculated", "file_order_minutes")):
        print(f"{name:30} {figures[key]:8.1f} min   {figures[key] / bound - 1:+7.1%}")
    print(f"until all is judged            {figures['judged_minutes']:8.1f} min")
    middle = figures["cost_per_step_ms_median"]
    print(f"cost of a step                 {figures['cost_per_step_ms']:8.1f} ms, median {middle:.1f}")
    print(f"Ray and its workers, once      {figures['start_s']:8.1f} s")
    print(f"share of the real durations    {figures['cost_share']:8.3%}   (aim: {AIM_COST:.0%})")
    print(f"processes that were waiting    {load:8.1f}   on {os.cpu_count()} cores, before")
    print(f"aim for the makespan           {1 + AIM_ABOVE_BOUND:8.0%} of the bound")
    if arguments.json:
        record = {"device": machine("ray"), "load_before": load, "seconds_per_minute": arguments.seconds_per_minute}
        record |= figures
        arguments.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
