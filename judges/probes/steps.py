"""What a judge is asked for its probes: steps, each a list of samples and how often and in which orders to ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lmms_eval_ja.judges.dialogue import questions
from lmms_eval_ja.judges.judge import Judge
from lmms_eval_ja.judges.probes.perturbing import (
    with_bad_answers,
    with_injection,
    with_other_images,
    with_padding,
    without_images,
)
from lmms_eval_ja.judges.protocols import Protocol
from lmms_eval_ja.judges.sample import Sample

#: All probes, in their order.
PROBES = ("position", "image", "no_image", "verbosity", "injection", "retest")
#: Those that are made where none is named.
USUAL = ("position", "image", "verbosity", "injection", "retest")
_OF_IMAGES = ("image", "no_image")


@dataclass(frozen=True)
class Step:
    """Samples to be judged in one way; None where a sample cannot be changed so."""

    name: str
    samples: Sequence[Sample | None]
    judge: Judge


@dataclass(frozen=True)
class Plan:
    """What is asked.

    Attributes:
        probes: those that are wanted, in the order of `PROBES`.
        steps: what they need, by name; `base` are the answers as they are.
        excluded: probes that cannot be made of this judge, and why.
    """

    probes: Sequence[str]
    steps: Mapping[str, Step]
    excluded: Mapping[str, str]

    def keys(self, protocol: Protocol) -> set[str]:
        """The keys of all first requests; steps may share some.

        Raises:
            AssetError: the protocol needs a file, or a rule, that is not there.
        """
        return {
            next(question).key()
            for step in self.steps.values()
            for judge in step.judge.each.values()
            if not judge.is_overlap and judge.settings.mode != "store"
            for sample in step.samples
            if sample is not None
            for question in questions(sample, protocol, judge.settings).values()
        }


def check_names(probes: Sequence[str]) -> None:
    """Refuse what is none of `PROBES`, and no probe at all.

    Raises:
        ValueError: names the first that is unknown, and those that are known.
    """
    unknown = [name for name in probes if name not in PROBES]
    if unknown or not probes:
        raise ValueError(f"unknown probe {unknown[0] if unknown else ''!r}; known: {', '.join(PROBES)}")


def plan(
    samples: Sequence[Sample], protocol: Protocol, judge: Judge, probes: Sequence[str] = USUAL, *, repeats: int = 3
) -> Plan:
    """What probes of a judge ask.

    Args:
        samples: answers as they are.
        protocol: by which they are judged.
        judge: who is probed.
        probes: some of `PROBES`.
        repeats: of the probe `retest`.

    Raises:
        ValueError: an unknown probe, or fewer than two repeats.
    """
    check_names(probes)
    if repeats < 2 and "retest" in probes:  # noqa: PLR2004 (one says nothing of a spread)
        raise ValueError(f"{repeats} repeats; the probe retest needs 2 or more")
    wanted = [name for name in PROBES if name in probes]
    excluded = {name: why for name in wanted if (why := _why_not(name, samples, protocol, judge))}
    made = [name for name in wanted if name not in excluded]
    once = _asked(judge, 1)
    steps = {"base": Step("base", samples, _asked(judge, repeats if "retest" in made else 1))}
    if "position" in made:
        steps["position"] = Step("position", samples, _asked(judge, 1, swap=True))
    for name in made:
        if name in _CHANGES:
            steps[name] = Step(name, _CHANGES[name](samples, protocol), once)
    if "injection" in made:
        steps["bad"] = Step("bad", with_bad_answers(samples), once)
    return Plan(wanted, steps, excluded)


_CHANGES: Mapping[str, Callable[[Sequence[Sample], Protocol], Sequence[Sample | None]]] = {
    "image": lambda samples, _: with_other_images(samples),
    "no_image": lambda samples, _: without_images(samples),
    "verbosity": lambda samples, _: with_padding(samples),
    "injection": with_injection,
}


def _why_not(name: str, samples: Sequence[Sample], protocol: Protocol, judge: Judge) -> str:
    if name == "position" and not protocol.compares:
        return f"{protocol.name} shows the judge one answer, so there is no order"
    if name not in _OF_IMAGES:
        return ""
    if not judge.sees_image or not protocol.shows_images:
        return "the judge is sent no images (sees_image)" if protocol.shows_images else f"{protocol.name} sends none"
    changed = with_other_images(samples) if name == "image" else without_images(samples)
    if all(sample is None for sample in changed):
        return "there are no two documents with different images" if name == "image" else "no document has an image"
    return ""


def _asked(judge: Judge, repeats: int, *, swap: bool | None = None) -> Judge:
    """The judge, asked so often; in both orders where `swap` says so."""
    change: dict[str, object] = {"repeats": repeats, **({} if swap is None else {"swap": swap})}
    members = {name: settings.model_copy(update=change) for name, settings in judge.members.items()}
    return Judge(judge.settings.model_copy(update=change), members)
