"""How an answer is generated: the settings that a task states, and what comes out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

_log = logging.getLogger("lmms_eval_ja")
#: Names that tasks use for settings, and which of ours they are.
_NAMES = {"max_gen_toks": "max_new_tokens", "max_tokens": "max_new_tokens"}
_TAKEN = ("max_new_tokens", "temperature", "top_p", "top_k", "num_beams", "do_sample", "until", "repetition_penalty")


@dataclass(frozen=True)
class GenerationSettings:
    """How an answer is generated; equal settings may share a batch.

    Attributes:
        max_new_tokens: at most so many.
        temperature: 0 is greedy (or beam search), whatever the checkpoint's generation config says.
        top_p: of the sampling; 1 is off.
        top_k: of the sampling; 0 is off.
        num_beams: beams of a search without sampling.
        until: the answer ends before the first of these strings.
        repetition_penalty: None is the checkpoint's own.
    """

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    num_beams: int = 1
    until: tuple[str, ...] = ()
    repetition_penalty: float | None = None

    @property
    def samples(self) -> bool:
        """Whether chance takes part."""
        return self.temperature > 0


@dataclass(frozen=True)
class Generated:
    """One answer of a batch: its text, and how many tokens were generated for it (None where unknown)."""

    text: str
    output_tokens: int | None = None


def settings_of(stated: Mapping[str, Any], *, max_new_tokens: int, stop: Sequence[str] = ()) -> GenerationSettings:
    """Read a task's generation settings.

    Args:
        stated: `generation_kwargs` of the task. `do_sample: false` is greedy at any temperature; a temperature of 0 is
            greedy even if `do_sample` is true; `do_sample: true` without a temperature samples at 1.
        max_new_tokens: where the task states none.
        stop: strings of the model's family that end an answer too.

    Raises:
        ValueError: a value that makes no sense, or sampling with several beams.
    """
    found = {_NAMES.get(name, name): value for name, value in stated.items() if value is not None}
    until = found.get("until", ())
    until = (until,) if isinstance(until, str) else tuple(until)
    settings = GenerationSettings(
        max_new_tokens=int(found.get("max_new_tokens", max_new_tokens)),
        temperature=_temperature(found),
        top_p=float(found.get("top_p", 1.0)),
        top_k=int(found.get("top_k", 0)),
        num_beams=int(found.get("num_beams", 1)),
        until=tuple(dict.fromkeys(s for s in (*until, *stop) if s)),
        repetition_penalty=float(found["repetition_penalty"]) if "repetition_penalty" in found else None,
    )
    _check(settings)
    return settings if settings.samples else _without_sampling(settings)


def warn_of_ignored(stated: Mapping[str, Any]) -> None:
    """Say once which of a task's generation settings our models do not know."""
    unknown = tuple(sorted(name for name in stated if name not in _TAKEN and name not in _NAMES))
    if unknown:
        _warn_once(unknown)


@cache
def _warn_once(names: tuple[str, ...]) -> None:
    _log.warning("generation_kwargs that our models do not know are ignored: %s", ", ".join(names))


def cut_at_stop(text: str, until: Sequence[str]) -> str:
    """The text before the first stop string that stands in it."""
    ends = [end for end in (text.find(stop) for stop in until) if end >= 0]
    return text[: min(ends)] if ends else text


def _temperature(found: Mapping[str, Any]) -> float:
    do_sample = found.get("do_sample")
    if do_sample is not None and not do_sample:
        return 0.0
    return float(found.get("temperature", 1.0 if do_sample else 0.0))


def _without_sampling(settings: GenerationSettings) -> GenerationSettings:
    """Greedy requests share a batch and a key whatever sampling settings stand beside a temperature of 0."""
    return replace(settings, temperature=0.0, top_p=1.0, top_k=0)


def _check(settings: GenerationSettings) -> None:
    wrong = {
        "max_new_tokens": settings.max_new_tokens < 1,
        "temperature": settings.temperature < 0,
        "top_p": not 0 < settings.top_p <= 1,
        "top_k": settings.top_k < 0,
        "num_beams": settings.num_beams < 1,
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise ValueError(f"generation_kwargs: {name} = {getattr(settings, name)!r} makes no sense")
    if settings.samples and settings.num_beams > 1:
        raise ValueError("generation_kwargs: temperature > 0 with num_beams > 1; sampling takes one beam")
