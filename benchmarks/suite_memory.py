"""Peak memory of a task with 2,000 pictures: `python benchmarks/suite_memory.py [--json FILE]`.

A multiple-choice task of 2,000 drawn pictures of 1024 x 768 (every other one a JPEG with noise, the rest PNG) in a
Parquet file goes through `lmms-eval --include_path … --model replay`: with `--predict_only`, scored, and on three
questions, which says what a start takes alone. Peak memory is the largest resident set of the process, with the pages
of the data that are mapped from disk; each command prepares the data anew, as the first one on a machine does.
Decoded, the pictures would be 4.7 GB. The aim is 1.5 GB.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine import machine

COUNT, WIDTH, HEIGHT = 2_000, 1024, 768
AIM_GB = 1.5
NAME = "two_thousand_pictures"
_OPTIONS = ["円", "四角形", "三角形", "星"]
#: Rows of a group of the Parquet file, of which a reader holds one at a time.
_GROUP = 100

_CHILD = """
import resource, runpy, sys
try:
    runpy.run_module("lmms_eval", run_name="__main__", alter_sys=True)
finally:
    print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr, flush=True)
"""


def picture(number: int) -> bytes:
    """A drawn picture: shapes on a ground, with noise where it is a JPEG."""
    from PIL import Image, ImageDraw

    chance = random.Random(number)  # noqa: S311 (no secret)
    image = Image.new("RGB", (WIDTH, HEIGHT), tuple(chance.randrange(160, 256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(20):
        x, y = chance.randrange(WIDTH - 200), chance.randrange(HEIGHT - 200)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + chance.randrange(20, 200), y + chance.randrange(20, 200)), fill=colour)
    out = io.BytesIO()
    if number % 2:
        image.save(out, "PNG", compress_level=1)
        return out.getvalue()
    noise = Image.frombytes("L", (WIDTH // 4, HEIGHT // 4), chance.randbytes(WIDTH * HEIGHT // 16))
    noise = noise.resize((WIDTH, HEIGHT))
    Image.blend(image, noise.convert("RGB"), 0.25).save(out, "JPEG", quality=90)
    return out.getvalue()


def rows() -> Iterator[dict[str, Any]]:
    """The questions."""
    for number in range(COUNT):
        yield {
            "question_id": f"q{number}",
            "image_id": f"p{number}",
            "image": {"bytes": picture(number), "path": f"p{number}.{'png' if number % 2 else 'jpg'}"},
            "question": f"{number}番の画像に最も多く描かれている図形はどれですか？",
            "choices": _OPTIONS,
            "reference": "ABCD"[number % 4],
        }


def make_task(folder: Path) -> Path:
    """The task as `lmms-eval-ja new-task` makes it, with 2,000 questions in the place of three; gives its folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lmms_eval_ja import new_task

    made = new_task.make_task(NAME, new_task.Kind.CHOICE, folder)
    data = made / new_task.DATA
    schema = pq.read_schema(data)
    with pq.ParquetWriter(data, schema) as writer:
        group: list[dict[str, Any]] = []
        for row in rows():
            group.append(row)
            if len(group) == _GROUP:
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
                group = []
    for file in (made / "task.py", made / f"{NAME}.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("rows=3", f"rows={COUNT}").replace("rows: 3", f"rows: {COUNT}"), encoding="utf-8")
    lines = [{"question_id": f"q{n}", "answer": f"正解は{'ABCD'[n % 4]}です。"} for n in range(COUNT)]
    (made / new_task.ANSWERS).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return made


def measure(made: Path, out: Path, *more: str) -> dict[str, float]:
    """Peak resident memory in GB (10^9 bytes), and seconds, of one command.

    Raises:
        SystemExit: it failed.
    """
    answers = made / "answers.jsonl"
    words = ["--model", "replay", "--model_args", f"answers={answers}", "--include_path", str(made), "--tasks", NAME]
    words += ["--output_path", str(out), "--log_samples", *more]
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(out / "hf")}
    out.mkdir()
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *words], cwd=out.parent, env=env, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    peaks = [int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("PEAK ")]
    written = [len(path.read_bytes().splitlines()) for path in out.rglob("*_samples_*.jsonl")]
    expected = 3 if "--limit" in more else COUNT
    if not peaks or written != [expected]:
        raise SystemExit(f"samples written: {written}, expected {expected}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return {"peak_gb": round(peaks[0] * 1024 / 1e9, 3), "seconds": round(seconds, 1)}


def main() -> None:
    """Measure, print the table and write the results where asked; exits with 1 where the aim is missed."""
    parser = argparse.ArgumentParser(description="Peak memory of a task with 2,000 pictures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        made = make_task(place / "task")
        size = (made / "example.parquet").stat().st_size / 1e9
        runs = {
            "start alone (3 questions)": measure(made, place / "few", "--limit", "3"),
            "--predict_only": measure(made, place / "predicted", "--predict_only"),
            "scored": measure(made, place / "scored"),
        }
    device = machine("lmms-eval", "datasets", "pyarrow", "torch")
    print(f"{device['cpu']}, {device['cores']} cores; Python {device['python']}; {device['date']}")
    print(f"{COUNT:,} pictures of {WIDTH} x {HEIGHT}, {size:.2f} GB of Parquet; aim: {AIM_GB} GB\n")
    print(f"{'lmms-eval --model replay':28}{'peak GB':>9}{'seconds':>9}")
    for name, figures in runs.items():
        print(f"{name:28}{figures['peak_gb']:>9.2f}{figures['seconds']:>9.0f}")
    if arguments.json:
        report = {"device": device, "aim_gb": AIM_GB, "pictures": COUNT, "parquet_gb": round(size, 3), "runs": runs}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if any(figures["peak_gb"] > AIM_GB for figures in runs.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
