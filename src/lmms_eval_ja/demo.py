"""Evaluates three answer sets and a tiny model on `ja_sample` by lmms-eval's own command, and prints what came out.

Needs neither internet, nor a key, nor a GPU: answers are replayed, the model is made on the spot of random weights, and
the judge is `overlap`, which is no LLM. Run as `python -m lmms_eval_ja.demo [OUTPUT_FOLDER]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.judges import OVERLAP_LABEL
from lmms_eval_ja.models.tiny import make_tiny_vlm

ANSWERS = FOLDER / "ja_sample" / "answers"
SETS = ("terse", "verbose", "flawed")
TINY = "tiny VLM (random weights)"
HEADER = "| answers | ROUGE-L | judge mean (1 to 5) | overall (%) | coverage | characters | Japanese share |"
#: Evaluations at a time; each mostly keeps one core busy.
_AT_ONCE = 2


def main(output: Path) -> None:
    """Evaluate the answer sets and the tiny model, and print the table.

    Raises:
        SystemExit: a run failed; its log has been printed.
    """
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        tiny = threads.submit(_evaluate_tiny, output / "tiny_vlm")
        sets = {name: threads.submit(_evaluate_answers, name, output / name) for name in SETS}
        rows = [_row(name, run.result()) for name, run in [*sets.items(), (TINY, tiny)]]
    table = "\n".join([HEADER, "|---|---|---|---|---|---|---|", *rows])
    print(f"\n{table}\n\nJudge: {OVERLAP_LABEL}. Brackets: 95 % interval.")  # noqa: T201 (a demo talks)


def _evaluate_answers(name: str, output: Path) -> dict[str, Any]:
    _say(f"evaluating the answers '{name}' …")
    return _evaluate(output, "--model", "replay", "--model_args", f"answers={ANSWERS / name}.jsonl")


def _evaluate_tiny(output: Path) -> dict[str, Any]:
    """In float32 on the CPU whatever the machine has, so that the answers are the same everywhere."""
    from transformers.utils.logging import disable_progress_bar

    _say("making a tiny vision-language model of random weights and evaluating it …")
    disable_progress_bar()
    checkpoint = make_tiny_vlm(output / "checkpoint")
    arguments = f"pretrained={checkpoint},dtype=float32,device=cpu,answer_log=off"
    few = ("--batch_size", "8", "--gen_kwargs", "max_new_tokens=48")
    return _evaluate(output, "--model", "ja_vlm", "--model_args", arguments, *few)


def _evaluate(output: Path, *model: str) -> dict[str, Any]:
    """The task's row of lmms-eval's results."""
    command = [sys.executable, "-m", "lmms_eval", *model]
    command += ["--tasks", "ja_sample", "--output_path", str(output), "--log_samples"]
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


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)  # noqa: T201 (a demo talks)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo_results"))
