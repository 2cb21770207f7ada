"""Evaluates the three answer sets of `ja_sample` by lmms-eval's own command and prints what came out.

Needs neither internet, nor a key, nor a GPU: the answers are replayed, and the judge is `overlap`, which is no LLM.
Run as `python -m lmms_eval_ja.jp_tasks.ja_sample.demo [OUTPUT_FOLDER]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.judges import OVERLAP_LABEL

ANSWERS = FOLDER / "ja_sample" / "answers"
SETS = ("terse", "verbose", "flawed")
HEADER = "| answers | ROUGE-L | judge mean (1 to 5) | overall (%) | coverage | characters | Japanese share |"


def main(output: Path) -> None:
    """Evaluate each set and print the table.

    Raises:
        SystemExit: a run failed; its log has been printed.
    """
    rows = []
    for name in SETS:
        print(f"evaluating the answers '{name}' …", file=sys.stderr, flush=True)  # noqa: T201 (a demo talks)
        rows.append(_row(name, _evaluate(name, output / name)))
    table = "\n".join([HEADER, "|---|---|---|---|---|---|---|", *rows])
    print(f"\n{table}\n\nJudge: {OVERLAP_LABEL}. Brackets: 95 % interval.")  # noqa: T201


def _evaluate(name: str, output: Path) -> dict[str, Any]:
    command = [
        *(sys.executable, "-m", "lmms_eval", "--model", "replay"),
        *("--model_args", f"answers={ANSWERS / name}.jsonl"),
        *("--tasks", "ja_sample", "--output_path", str(output), "--log_samples"),
    ]
    environment = os.environ | {"LMMS_EVAL_JA_JUDGE": "overlap"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (ours)
    results = sorted(output.rglob("*_results.json"))
    if done.returncode or not results:
        raise SystemExit(f"{done.stdout}\n{done.stderr}\n{' '.join(command)}: exit status {done.returncode}")
    content: dict[str, Any] = json.loads(results[-1].read_text(encoding="utf-8"))
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
