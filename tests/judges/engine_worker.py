"""Judges samples in processes of their own; the words are STORE URL N CONCURRENCY OUT, see `support.forking`.

The verdicts are written to OUT as JSON when all are there.
"""

from __future__ import annotations

import json
from pathlib import Path

import openai  # noqa: F401 (imported before the fork, so that a start takes milliseconds)

from lmms_eval_ja.clients import JudgeSettings
from lmms_eval_ja.judges import Judge, Sample, judge_samples
from support.forking import serve


def judge(store: str, url: str, n: str, concurrency: str, out: str) -> None:
    judge = Judge(JudgeSettings(base_url=url, model="asked", concurrency=int(concurrency), deadline_s=30))
    samples = [Sample(str(k), f"質問{k}", f"回答{k}", f"参照{k}") for k in range(int(n))]
    verdicts = judge_samples(samples, "vqa_likert", judge, store=Path(store))
    Path(out).write_text(json.dumps(verdicts, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    serve(judge)
