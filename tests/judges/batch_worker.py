"""Judges samples by batches in processes of their own.

The words are STORE URL N OUT STEP, see `support.forking`. A process fills the store until nothing more is to come and
writes the verdicts to OUT as JSON; or it kills itself at STEP: `before:NAME` or `after:NAME` a step that `Ledger`
records, or `within:NAME`, before what it wrote is committed.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai.resources.batches  # imported before the fork, so that a start takes milliseconds
import openai.resources.files  # noqa: F401

from lmms_eval_ja.clients import JudgeSettings, Store, batch
from lmms_eval_ja.clients.ledger import Ledger
from lmms_eval_ja.judges import PROTOCOLS, Judge, Sample, judge_samples
from lmms_eval_ja.judges.batch import Waiting, fill
from support.forking import serve

LIKERT = PROTOCOLS["vqa_likert"]


def judge(store: str, url: str, n: str, out: str, *steps: str) -> None:
    for step in steps:
        kill_at(step)
    batch.SETTLING_S = 0.0
    judge = Judge(JudgeSettings(base_url=url, model="asked", mode="batch", deadline_s=30))
    samples = [Sample(str(k), f"質問{k}", f"回答{k}", f"参照{k}") for k in range(int(n))]
    wanted = [(sample, LIKERT) for sample in samples]
    fill(wanted, judge, Path(store), waiting=Waiting(first_s=0.01, longest_s=0.02))
    verdicts = judge_samples(samples, "vqa_likert", judge, store=Path(store))
    Path(out).write_text(json.dumps(verdicts, ensure_ascii=False), encoding="utf-8")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(step: str) -> None:
    """Arrange for a kill at a step."""
    when, name = step.split(":")
    original: Callable[..., Any] = getattr(Ledger, name)
    transaction = Store.transaction

    def within(store: Store, work: Callable[[Any], Any]) -> Any:
        return transaction(store, lambda connection: (work(connection), die()))

    def method(*args: Any) -> Any:
        if when == "before":
            die()
        if when == "within":
            Store.transaction = within  # type: ignore[method-assign]
        result = original(*args)
        die()
        return result

    setattr(Ledger, name, method)


if __name__ == "__main__":
    serve(judge)
