"""Around `generate` of transformers: its configuration, early stops, sampling by rows, lengths, new ids."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from lmms_eval_ja.models.generation import GenerationSettings

#: Settings of a checkpoint's generation config that mean something to sampling only, and warn otherwise.
_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")
#: Stop strings are looked for once in so many tokens: a text is cut afterwards anyway.
_LOOK_EVERY = 8


def end_ids(model: Any, tokenizer: Any, until: Sequence[str] = ()) -> list[int]:
    """The ids that end an answer: of the generation config, the tokenizer's, and stop strings that are one token."""
    stated = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    found = list(stated) if isinstance(stated, (list, tuple)) else [stated]
    found.append(getattr(tokenizer, "eos_token_id", None))
    special = _special_tokens(tokenizer)
    found += [tokenizer.convert_tokens_to_ids(stop) for stop in until if stop in special]
    return list(dict.fromkeys(int(id_) for id_ in found if id_ is not None))


def generation_config(
    model: Any, settings: GenerationSettings, ends: Sequence[int], pad: int | None, suppressed: Sequence[int]
) -> Any:
    """The checkpoint's generation config with a task's settings. Never samples: `rows_sampled` does that."""
    config = copy.deepcopy(model.generation_config)
    config.max_new_tokens = settings.max_new_tokens
    config.do_sample = False
    config.num_beams = settings.num_beams
    config.eos_token_id = list(ends) or None
    config.pad_token_id = pad if pad is not None else next(iter(ends), None)
    config.return_dict_in_generate = False
    for name in _SAMPLING:
        if hasattr(config, name):
            setattr(config, name, None)
    if settings.repetition_penalty is not None:
        config.repetition_penalty = settings.repetition_penalty
    if suppressed:
        config.suppress_tokens = list(suppressed)
    return config


def rows_sampled(settings: GenerationSettings, seeds: Sequence[int]) -> LogitsProcessorList:
    """Sampling in which each row has its own chance, so that an answer does not depend on its batch.

    Adds Gumbel noise to the logits, whose largest is then a sample of their softmax (Gumbel 1954; Maddison et al.,
    arXiv 1411.0030). Empty for greedy settings.
    """
    if not settings.samples:
        return LogitsProcessorList()
    processors: list[LogitsProcessor] = [TemperatureLogitsWarper(settings.temperature)]
    if settings.top_k:
        processors.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        processors.append(TopPLogitsWarper(settings.top_p))
    return LogitsProcessorList([*processors, _Gumbel(seeds)])


def early_stop(decode: Callable[[torch.Tensor], str], until: Sequence[str]) -> StoppingCriteriaList:
    """Ends a row soon after one of its new tokens completed a stop string; empty where there are none."""
    return StoppingCriteriaList([_StopStrings(decode, until)] if until else [])


def new_ids(
    output: torch.Tensor, inputs: Mapping[str, Any], ends: Collection[int], pad: int | None
) -> list[torch.Tensor]:
    """What was generated, row by row, to the first end (included), without padding.

    Args:
        output: (batch, tokens), with the prompt in front or without, as models differ in that.
        inputs: of the model.
        ends: ids that end an answer.
        pad: id of the padding.
    """
    prompt = inputs.get("input_ids")
    if prompt is not None and output.shape[1] >= prompt.shape[1]:
        length = prompt.shape[1]
        if torch.equal(output[:, :length], prompt.to(output.device)):
            output = output[:, length:]
    return [_until_end(row, ends, pad) for row in output.cpu()]


def prompt_lengths(inputs: Mapping[str, Any], count: int) -> list[int | None]:
    """Number of tokens of each prompt, as far as the inputs tell."""
    mask = inputs.get("attention_mask")
    if not isinstance(mask, torch.Tensor) or mask.shape[0] != count:
        return [None] * count
    return [int(n) for n in mask.reshape(count, -1).sum(1).tolist()]


def _special_tokens(tokenizer: Any) -> set[str]:
    """All tokens that decoding leaves out: those with a name, and those that were only added as special."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    return {*getattr(tokenizer, "all_special_tokens", ()), *(token.content for token in added if token.special)}


def _until_end(row: torch.Tensor, ends: Collection[int], pad: int | None) -> torch.Tensor:
    ids = row.tolist()
    first = next((i for i, id_ in enumerate(ids) if id_ in ends), None)
    if first is not None:
        return row[: first + 1]
    kept = len(ids)
    while kept and ids[kept - 1] == pad:
        kept -= 1
    return row[:kept]


class _Gumbel(LogitsProcessor):  # type: ignore[misc]  # transformers has no types here
    def __init__(self, seeds: Sequence[int]) -> None:
        self._seeds = seeds
        self._generators: list[torch.Generator] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        del input_ids
        if not self._generators:
            self._generators = [torch.Generator(scores.device).manual_seed(seed) for seed in self._seeds]
        noise = torch.empty(scores.shape, dtype=torch.float32, device=scores.device)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        return scores.float() - noise.clamp_min(torch.finfo(torch.float32).tiny).log()


class _StopStrings(StoppingCriteria):  # type: ignore[misc]  # transformers has no types here
    def __init__(self, decode: Callable[[torch.Tensor], str], until: Sequence[str]) -> None:
        self._decode, self._until = decode, until
        # A token has a byte at least, so a stop string spans no more tokens than it has bytes.
        self._window = _LOOK_EVERY + max(len(stop.encode()) for stop in until)
        self._start: int | None = None

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        del scores
        length = input_ids.shape[1]
        if self._start is None:
            self._start = length - 1
        stopped = torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
        if (length - self._start) % _LOOK_EVERY == 0:
            for number, row in enumerate(input_ids[:, max(self._start, length - self._window) :].cpu()):
                text = self._decode(row)
                stopped[number] = any(stop in text for stop in self._until)
        return stopped
