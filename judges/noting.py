"""Scoring that asks nobody: what would be judged is noted, to be asked for in another way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lmms_eval_ja.judges.content import failed_content
from lmms_eval_ja.judges.engine import Engine, reset_engine
from lmms_eval_ja.judges.judge import Judge
from lmms_eval_ja.judges.protocols import Protocol
from lmms_eval_ja.judges.sample import Sample
from lmms_eval_ja.judges.verdict import Verdict
from lmms_eval_ja.metrics import generation_failure


class Noting(Engine):
    """An engine that notes what an engine would judge; its verdicts are failures."""

    def __init__(self, judge: Judge, store: Path) -> None:
        super().__init__(judge, store)
        self.noted: list[tuple[Sample, Protocol]] = []

    def submit(self, sample: Sample, protocol: Protocol) -> Verdict:
        """Note the sample; the verdict is final at once."""
        if self.judge.is_overlap or generation_failure(sample.answer) is not None:
            return super().submit(sample, protocol)
        self.noted.append((sample, protocol))
        verdict = Verdict()
        verdict.finish(failed_content(self.judge, protocol, "transport", "noted, not asked for"))
        return verdict


@contextmanager
def noting(judge: Judge, store: Path) -> Iterator[Noting]:
    """For a while, `process_results` of this process submits to an engine that only notes."""
    engine = Noting(judge, store)
    reset_engine(engine)
    try:
        yield engine
    finally:
        reset_engine()
