"""Compares three answer sets and a tiny model on `ja_sample`, bundles the comparison, and prints what came out.

Needs neither internet, nor a key, nor a GPU: answers are replayed, the model is made on the spot of random weights, and
the judge is `overlap`, which is no LLM. Run as `python -m lmms_eval_ja.demo [OUTPUT_FOLDER]`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.judges import OVERLAP_LABEL
from lmms_eval_ja.models.tiny import make_tiny_vlm

ANSWERS = FOLDER / "ja_sample" / "answers"
SETS = ("terse", "verbose", "flawed")
BUNDLE = "demo.zip"
TINY = "tiny VLM (random weights)"
HEADER = "| answers | ROUGE-L | judge mean (1 to 5) | overall (%) | coverage | characters | Japanese share |"


def main(output: Path) -> None:
    """Compare the answer sets and the tiny model, pack a bundle, and print the table.

    Raises:
        SystemExit: a run failed; the comparison has said which, and why.
    """
    file = write_comparison(output.absolute())
    _run("compare", str(file))
    _run("bundle", str(file.parent), "--out", str(file.parent / BUNDLE), "--force")
    names = {**{name: name for name in SETS}, "tiny": TINY}
    rows = [_row(label, _result(output / "runs" / id_ / "scores")) for id_, label in names.items()]
    table = "\n".join([HEADER, "|---|---|---|---|---|---|---|", *rows])
    print(f"\n{table}\n\nJudge: {OVERLAP_LABEL}. Brackets: 95 % interval.")  # noqa: T201 (a demo talks)


def write_comparison(output: Path) -> Path:
    """Make the tiny model, and the file of the comparison beside it; gives the file.

    The model runs in float32 on the CPU whatever the machine has, so that its answers are the same everywhere.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    output.mkdir(parents=True, exist_ok=True)
    tiny = {"pretrained": str(make_tiny_vlm(output / "checkpoint")), "dtype": "float32", "device": "cpu"}
    recorded = [
        {"id": name, "plugin": "replay", "args": {"answers": str(ANSWERS / f"{name}.jsonl")}, "gpus": 0}
        for name in SETS
    ]
    content = {
        "title": "ja_sample: three answer sets and a tiny model",
        "output": str(output),
        "tasks": ["ja_sample"],
        "judge": "overlap",
        "batch_size": 8,
        "gen_kwargs": {"max_new_tokens": 48},
        "models": [*recorded, {"id": "tiny", "label": TINY, "plugin": "ja_vlm", "args": tiny, "gpus": 0}],
    }
    file = output / "demo.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return file


def _run(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "lmms_eval_ja", *words], check=False)  # noqa: S603 (ours)
    if done.returncode:
        raise SystemExit(done.returncode)


def _result(scores: Path) -> dict[str, Any]:
    """The task's row of lmms-eval's results."""
    (path,) = scores.rglob("*_results.json")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    row: dict[str, Any] = content["results"]["ja_sample"]
    return row


def _row(name: str, result: dict[str, Any]) -> str:
    def interval(metric: str, digits: int) -> str:
        value, low, high = (result[f"{metric}{end},none"] for end in ("", "_ci_low", "_ci_high"))
        return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"

    beside = f"{result['coverage,none']:.2f} | {result['chars,none']:.1f} | {result['japanese_share,none']:.2f}"
    return (
        f"| {name} | {interval('rouge_l_ja', 1)} | {interval('judge_mean', 2)} | {interval('overall', 1)} | {beside} |"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo_results"))
