"""The report at 50 models × 20 tasks × 1,000 samples: `python benchmarks/report.py --keep`.

A million made-up answers are written as a table, then the report is built from it in a process of its own, whose time
and peak memory count, and opened from disk in headless Chromium. Each task has one picture for two documents. The
pictures are few different files under many names, so reading them is quicker than from a cold disk. Statistics are made
up beforehand: they are not what is measured here. Needs Playwright and Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pyarrow import parquet

from lmms_eval_ja.compare.compared import Compared
from lmms_eval_ja.compare.report import write_report
from machine import machine

# What is made up is also what the tests of the report use.
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from support.made_report import Size, made_answers, made_compared, made_results, write_pictures_of

LIMITS = {"build_seconds": 60.0, "peak_gb": 2.0, "interactive_seconds": 2.0}
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def prepare(folder: Path, size: Size) -> None:
    """Write what a report is built from: the table of answers, the statistics, the pictures."""
    answers = made_answers(size)
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(answers, folder / "comparison.parquet")
    results = made_results(size, folder, answers)
    (folder / "comparison.json").write_text(made_compared(results, size).as_json(), encoding="utf-8")
    write_pictures_of(size, folder / "documents" / "images")


def build(folder: Path, size: Size) -> dict[str, float]:
    """Build the report in this process; gives seconds from reading the first file on, of all threads, and peak GB."""
    start = time.perf_counter()
    answers = parquet.read_table(folder / "comparison.parquet")
    compared = Compared.from_json((folder / "comparison.json").read_text(encoding="utf-8"))
    write_report(made_results(size, folder, answers), compared, [], folder / "report")
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    return {"build_seconds": seconds, "build_cpu_seconds": cpu, "peak_gb": used.ru_maxrss / 2**20}


def built_apart(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """Build the report in a process of its own."""
    command = [sys.executable, __file__, "--build", str(folder)]
    for name in ("models", "tasks", "documents"):
        command += [f"--{name}", str(getattr(arguments, name))]
    reply = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(reply.stdout.splitlines()[-1])
    return figures


def browse(page: Path, rounds: int = 3) -> dict[str, float]:
    """Open the report from disk in a new browser context each round; gives median seconds of each step.

    Interactive is when the leaderboard stands and has been painted; a filter, a sample and a search count until what
    they change is painted.
    """
    from playwright.sync_api import sync_playwright

    program = next(path for name in _PROGRAMS if (path := shutil.which(name)))
    seen: list[dict[str, float]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for _ in range(rounds):
            context = browser.new_context(viewport={"width": 1400, "height": 900})
            seen.append(_visit(context.new_page(), page))
            context.close()
        browser.close()
    return {name: sorted(one[name] for one in seen)[len(seen) // 2] for name in seen[0]}


def _visit(page: Any, file: Path) -> dict[str, float]:
    start = time.perf_counter()
    page.goto(file.as_uri())
    page.wait_for_selector("main[data-ready]")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found = {"interactive_seconds": time.perf_counter() - start}
    start = time.perf_counter()
    page.fill("input[type=search]", "VLM 7B")
    page.wait_for_function("() => document.querySelectorAll('.leaderboard tbody tr').length === 1")
    found["filter_models_seconds"] = time.perf_counter() - start
    start = time.perf_counter()
    page.evaluate("window.location.hash = '#/samples/made_task_00/500'")
    page.wait_for_selector(".detail[data-shown='500']")
    found["sample_seconds"] = time.perf_counter() - start
    page.get_by_text("More filters").click()
    start = time.perf_counter()
    page.get_by_label("Disagreement from").fill("99")
    page.wait_for_selector(".virtual .nothing")
    found["filter_samples_seconds"] = time.perf_counter() - start
    page.get_by_label("Disagreement from").fill("")
    start = time.perf_counter()
    page.evaluate("window.location.hash = '#/samples/made_task_01?q=zzzz&in=answers'")
    page.wait_for_selector("[data-searched=zzzz]", timeout=60_000)
    found["search_answers_seconds"] = time.perf_counter() - start
    return found


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, float]:
    """All figures; the report is built twice, the second time with the small pictures of the first."""
    size = size_of(arguments)
    start = time.perf_counter()
    prepare(folder, size)
    sys.stderr.write(f"made up in {time.perf_counter() - start:.0f} s\n")
    load = os.getloadavg()[0]
    first = built_apart(folder, arguments)
    files = [path.stat() for path in (folder / "report").rglob("*") if path.is_file()]
    data = sum(path.stat().st_size for path in (folder / "report" / "data").rglob("*.js"))
    figures = first | {
        "answers": float(size.models * size.tasks * size.documents),
        "files": float(len(files)),
        "folder_gb": sum(one.st_size for one in files) / 2**30,
        "data_gb": data / 2**30,
        "index_kb": (folder / "report" / "data" / "index.js").stat().st_size / 1024,
    }
    figures["load_before"] = load
    figures["rebuild_seconds"] = built_apart(folder, arguments)["build_seconds"]
    return figures | browse(folder / "report" / "index.html")


def size_of(arguments: argparse.Namespace) -> Size:
    """What is made."""
    return Size(arguments.models, arguments.tasks, arguments.documents, pictures=max(1, arguments.documents // 2))


def main() -> None:
    """Measure, print a table, and keep the figures if asked to. Exits with 1 where a limit is not held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder, removed afterwards")
    parser.add_argument("--keep", action="store_true", help="keep the figures under results/")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.build:
        print(json.dumps(build(arguments.build, size_of(arguments))))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        figures = measure(arguments, Path(folder))
    for name, value in figures.items():
        limit = f"  (limit {LIMITS[name]:g})" if name in LIMITS else ""
        print(f"{name:24} {value:12,.2f}{limit}")
    if arguments.keep:
        path = Path(__file__).parent / "results" / "report.json"
        record = {
            "size": {"models": arguments.models, "tasks": arguments.tasks, "documents": arguments.documents},
            "figures": {name: float(f"{value:.4g}") for name, value in figures.items()},
            "machine": machine("pyarrow", "pillow", "vl-convert-python", "playwright"),
        }
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sys.exit(int(any(figures[name] > limit for name, limit in LIMITS.items())))


if __name__ == "__main__":
    main()
