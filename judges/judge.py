"""A judge: settings that say who is asked, and `overlap`, which asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lmms_eval_ja.clients import JudgeSettings, load_settings
from lmms_eval_ja.judges.protocols import Protocol, Score
from lmms_eval_ja.judges.sample import Sample
from lmms_eval_ja.metrics import rouge_l

OVERLAP_LABEL = "overlap (not an LLM, for trying the pipeline)"


@dataclass(frozen=True)
class Judge:
    """Who is asked, and how."""

    settings: JudgeSettings

    @classmethod
    def from_settings(cls, environ: Mapping[str, str] | None = None) -> Judge:
        """The judge that `judge.toml` and the environment name (`load_settings`)."""
        return cls(load_settings(environ).judge)

    @classmethod
    def overlap(cls) -> Judge:
        """The judge that needs no network and is no LLM."""
        return cls(JudgeSettings(provider="overlap", model="overlap"))

    @property
    def is_overlap(self) -> bool:
        """Whether no LLM is asked."""
        return self.settings.provider == "overlap"

    @property
    def label(self) -> str:
        """The name that stands in every output."""
        return OVERLAP_LABEL if self.is_overlap else self.settings.model

    def fingerprint(self, protocol: Protocol) -> dict[str, Any]:
        """What of the judge makes scores comparable: model asked, sampling as sent, repeats."""
        if self.is_overlap:
            return {"judge": self.label, "sampling": {}, "repeats": 1}
        return {
            "judge": self.label,
            "sampling": self.settings.sampling(protocol.sampling),
            "repeats": self.settings.repeats,
        }


def overlap_score(sample: Sample, protocol: Protocol) -> Score:
    """ROUGE-L between answer and reference, stretched over the protocol's scale; the reference gets the top.

    Deterministic, blind to meaning, and labelled so wherever it appears: for trying the pipeline only.
    """
    share = rouge_l(sample.reference, sample.answer) / 100
    score = protocol.low + (protocol.high - protocol.low) * share
    return Score(score, float(protocol.high) if protocol.compares else None)
