"""Judges samples in processes of their own: `python engine_worker.py STORE URL N CONCURRENCY OUT`.

All is imported once; then each line on stdin forks a process that judges, and its number is printed. A line `wait`
prints the exit status of the last one. The verdicts are written to OUT as JSON when all are there.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import openai  # noqa: F401 (imported before the fork, so that a start takes milliseconds)

from lmms_eval_ja.clients import JudgeSettings
from lmms_eval_ja.judges import Judge, Sample, judge_samples


def judge(store: str, url: str, n: str, concurrency: str, out: str) -> None:
    judge = Judge(JudgeSettings(base_url=url, model="asked", concurrency=int(concurrency), deadline_s=30))
    samples = [Sample(str(k), f"質問{k}", f"回答{k}", f"参照{k}") for k in range(int(n))]
    verdicts = judge_samples(samples, "vqa_likert", judge, store=Path(store))
    Path(out).write_text(json.dumps(verdicts, ensure_ascii=False), encoding="utf-8")


def say(value: object) -> None:
    print(value, flush=True)  # noqa: T201 (read by the test)


def main() -> None:
    say("ready")
    pid = 0
    for line in sys.stdin:
        if line.strip() == "wait":
            say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            continue
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                judge(*sys.argv[1:])
                status = 0
            finally:
                os._exit(status)
        say(pid)


if __name__ == "__main__":
    main()
