"""What probing a judge costs, before it is asked."""

from __future__ import annotations

from lmms_eval_ja.clients import price_of
from lmms_eval_ja.judge_carding.gathering import Answers
from lmms_eval_ja.judges.dialogue import passes_of
from lmms_eval_ja.judges.probes import Plan
from lmms_eval_ja.judges.tokens import assumed_tokens, recorded_tokens


def cost_of(answers: Answers, planned: Plan) -> float | None:
    """US dollars of all steps as if none were stored; None where a price is not known.

    A request that two steps share counts twice. Tokens are the mean of stored replies, else assumed.

    Raises:
        AssetError: the protocol needs a file that is not there.
        ExchangeError: the store cannot be read.
    """
    total = 0.0
    for step in planned.steps.values():
        samples = [sample for sample in step.samples if sample is not None]
        for judge in step.judge.each.values():
            if judge.is_overlap or judge.settings.mode == "store" or not samples:
                continue
            settings, protocol = judge.settings, answers.protocol
            tokens = recorded_tokens(answers.settings.store, protocol, settings)
            tokens = tokens or assumed_tokens(protocol, settings, samples)
            price = price_of(settings, tokens.model)
            if price is None:
                return None
            requests = len(samples) * passes_of(protocol, settings) * settings.repeats
            total += price.cost(requests * tokens.prompt, requests * tokens.completion)
    return total
