"""What the plugin adds to lmms-eval's start: `python benchmarks/startup.py [--rounds N] [--json FILE]`.

Two measurements. "in one process": lmms-eval is imported with our entry point left out, then our entry point is called
and the task index built with and without our folder, so that the noise of a 15-second start does not hide the figure.
"whole starts": `import lmms_eval.__main__` and the task index in fresh processes, in turns with and without the entry
point. The aim is 0.1 s.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from machine import machine

AIM_S = 0.1

WITHOUT_PLUGIN = """
import importlib.metadata as metadata
everything = metadata.entry_points
def entry_points(**params):
    found = everything(**params)
    return [ep for ep in found if ep.value != "lmms_eval_ja.plugin:register"] if "group" in params else _Found(found)
class _Found:
    def __init__(self, found): self.found = found
    def select(self, **params):
        return [ep for ep in self.found.select(**params) if not ep.value.startswith("lmms_eval_ja.")]
metadata.entry_points = entry_points
"""

WHOLE_START = """
import sys, time
sys.argv = ["lmms-eval"]
started = time.perf_counter()
import lmms_eval.__main__
from loguru import logger
logger.remove()
from lmms_eval.tasks import TaskManager
found = "heron_bench_ja" in TaskManager("ERROR").all_tasks
print(time.perf_counter() - started, found)
"""

IN_ONE_PROCESS = """
import json, statistics, sys, time
import lmms_eval.__main__
from loguru import logger
logger.remove()
from lmms_eval.tasks import TaskManager
def index():
    started = time.perf_counter()
    TaskManager("ERROR")
    return time.perf_counter() - started
rounds = int(sys.argv[1])
index()
plain = [index() for _ in range(rounds)]
before = set(sys.modules)
started = time.perf_counter()
from lmms_eval_ja.plugin import register
register()
registering = time.perf_counter() - started
hooked = [index() for _ in range(rounds)]
manager = TaskManager("ERROR")
from lmms_eval_ja.jp_tasks import FOLDER
def ours():
    started = time.perf_counter()
    manager._get_task_and_group(str(FOLDER))
    return time.perf_counter() - started
print(json.dumps({
    "registering_s": registering,
    "index_plain_s": statistics.median(plain),
    "index_hooked_s": statistics.median(hooked),
    "our_folder_s": statistics.median(ours() for _ in range(rounds)),
    "modules_added": len(set(sys.modules) - before),
}))
"""


def run(code: str, *arguments: str) -> str:
    """Run Python code in a fresh process and return the last line it printed."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.strip().splitlines()[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="whole starts of each kind")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()

    inside = json.loads(run(WITHOUT_PLUGIN + IN_ONE_PROCESS, "5"))
    added = inside["registering_s"] + inside["our_folder_s"]
    starts: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(arguments.rounds):
        for kind, prefix in (("without", WITHOUT_PLUGIN), ("with", "")):
            seconds, found = run(prefix + WHOLE_START).split()
            if (found == "True") != (kind == "with"):
                raise SystemExit(f"measured the wrong thing: {kind} the plugin, heron_bench_ja found: {found}")
            starts[kind].append(float(seconds))
    medians = {kind: statistics.median(values) for kind, values in starts.items()}

    print(f"in one process: calling the entry point      {inside['registering_s'] * 1000:8.1f} ms")
    print(f"                indexing our task folder     {inside['our_folder_s'] * 1000:8.1f} ms")
    print(f"                together                     {added * 1000:8.1f} ms   (aim: {AIM_S * 1000:.0f} ms)")
    print(f"                lmms-eval's own index        {inside['index_plain_s'] * 1000:8.1f} ms")
    print(f"whole starts:   without the plugin, median   {medians['without']:8.2f} s of {len(starts['without'])}")
    print(f"                with the plugin, median      {medians['with']:8.2f} s of {len(starts['with'])}")
    if arguments.json:
        record = {
            "device": machine("lmms-eval", "torch", "transformers"),
            "added_s": added,
            **inside,
            "whole_starts_s": starts,
        }
        arguments.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
