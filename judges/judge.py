"""A judge: settings that say who is asked; a jury of several; and `overlap`, which asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lmms_eval_ja.clients import ChatClient, JudgeSettings, Price, Settings, StoredReply, load_settings, price_of, probe
from lmms_eval_ja.judges.checkpoint import asked_model, checkpoint_problem
from lmms_eval_ja.judges.dialogue import passes_of
from lmms_eval_ja.judges.in_process import InProcessClient
from lmms_eval_ja.judges.protocols import Protocol, Score
from lmms_eval_ja.judges.sample import Sample
from lmms_eval_ja.metrics import rouge_l

OVERLAP_LABEL = "overlap (not an LLM, for trying the pipeline)"


@dataclass(frozen=True)
class Judge:
    """Who is asked, and how; of a jury the settings say how often, and `members` who."""

    settings: JudgeSettings
    #: The judges of a jury by name; empty for a judge alone.
    members: Mapping[str, JudgeSettings] = field(default_factory=dict)
    _prices: dict[str, Price | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def from_settings(cls, environ: Mapping[str, str] | None = None) -> Judge:
        """The judge that `judge.toml` and the environment name (`load_settings`)."""
        return cls.of(load_settings(environ))

    @classmethod
    def of(cls, settings: Settings) -> Judge:
        """The judge of these settings."""
        return cls(settings.judge, settings.members)

    @classmethod
    def overlap(cls) -> Judge:
        """The judge that needs no network and is no LLM."""
        return cls(JudgeSettings(provider="overlap", model="overlap"))

    @property
    def is_overlap(self) -> bool:
        """Whether no LLM is asked."""
        return self.settings.provider == "overlap"

    @cached_property
    def each(self) -> dict[str, Judge]:
        """The judges of a jury by name, all asked as often as the jury says; a judge alone under the name ""."""
        if not self.members:
            return {"": self}
        repeats = {"repeats": self.settings.repeats}
        return {name: Judge(settings.model_copy(update=repeats)) for name, settings in self.members.items()}

    @cached_property
    def sees_image(self) -> bool:
        """Whether images are sent to this judge, or to some member of this jury."""
        return any(settings.sees_image for settings in self.members.values() or (self.settings,))

    @property
    def by_batch(self) -> bool:
        """Whether replies, of a jury those of any member, are asked for through the Batch API."""
        return any(judge.settings.mode == "batch" for judge in self.each.values())

    def client(self) -> ChatClient | InProcessClient:
        """What carries requests to this judge; of a jury, each member has its own."""
        if self.settings.provider == "transformers":
            return InProcessClient(self.settings)
        return ChatClient(self.settings)

    def problem(self) -> str | None:
        """What stands in the way of asking, as far as it can be seen for nothing, or None. Blocks up to 10 s a judge.

        A judge that is only looked up in the store (mode "store") has no problems.
        """
        if self.members:
            return next((problem for judge in self.each.values() if (problem := judge.problem())), None)
        if self.is_overlap or self.settings.mode == "store":
            return None
        return checkpoint_problem(self.settings) if self.settings.provider == "transformers" else probe(self.settings)

    def with_concurrency_of(self, share: float) -> Judge:
        """The judge as one of several ranks asks it: with this share of its slots."""

        def shared(settings: JudgeSettings) -> JudgeSettings:
            return settings.model_copy(update={"concurrency": max(1, int(settings.concurrency * share))})

        return Judge(shared(self.settings), {name: shared(member) for name, member in self.members.items()})

    def requests(self, protocol: Protocol) -> int:
        """How many requests one verdict takes, when none is stored and none is asked again."""
        asked = (judge for judge in self.each.values() if not judge.is_overlap)
        return sum(passes_of(protocol, judge.settings) * judge.settings.repeats for judge in asked)

    def price_of_reply(self, reply: StoredReply) -> float | None:
        """What a reply cost in US dollars, or None where its tokens or their price are not known."""
        if reply.model not in self._prices:
            self._prices[reply.model] = price_of(self.settings, reply.model)
        price = self._prices[reply.model]
        if price is None or reply.prompt_tokens is None or reply.completion_tokens is None:
            return None
        return price.cost(reply.prompt_tokens, reply.completion_tokens, batch=reply.batch)

    @property
    def label(self) -> str:
        """The name that stands in every output."""
        if self.members:
            return f"jury ({', '.join(judge.label for judge in self.each.values())})"
        return OVERLAP_LABEL if self.is_overlap else asked_model(self.settings)

    def fingerprint(self, protocol: Protocol) -> dict[str, Any]:
        """What of the judge makes scores comparable: model asked, sampling as sent, repeats."""
        if self.is_overlap:
            return {"judge": self.label, "sampling": {}, "repeats": 1}
        if self.members:
            members = {name: judge.fingerprint(protocol) for name, judge in self.each.items()}
            return {"judge": self.label, "members": members, "repeats": self.settings.repeats}
        orders = passes_of(protocol, self.settings)
        found = {
            "judge": self.label,
            "sampling": self.settings.sampling(protocol.sampling),
            "repeats": self.settings.repeats,
        }
        found |= {"sees_image": True} if self.settings.sees_image and protocol.shows_images else {}
        return found | ({} if orders == protocol.passes else {"orders": orders})


def overlap_score(sample: Sample, protocol: Protocol) -> Score:
    """ROUGE-L between answer and reference, stretched over the protocol's scale; the reference gets the top.

    Deterministic, blind to meaning, and labelled so wherever it appears: for trying the pipeline only.
    """
    share = rouge_l(sample.reference, sample.answer) / 100
    score = protocol.low + (protocol.high - protocol.low) * share
    return Score(score, float(protocol.high) if protocol.compares else None)
