"""What is changed of samples: pure, and the same for the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lmms_eval_ja.judges.probes.injecting import ATTEMPTS, BAD_ANSWER, injected
from lmms_eval_ja.judges.probes.padding import padded
from lmms_eval_ja.judges.protocols import Protocol
from lmms_eval_ja.judges.sample import Sample


def with_other_images(samples: Sequence[Sample]) -> list[Sample | None]:
    """Each sample with the images of another document, none with its own.

    The different sets of images, in the order of their digests, are shifted by one: a derangement.

    Returns:
        In the order given; None for a sample without images, and for all where there are not two different ones.
    """
    sets = {_digest(sample): sample.images for sample in samples if sample.images}
    order = sorted(sets)
    if len(order) < 2:  # noqa: PLR2004 (a change needs two)
        return [None] * len(samples)
    other = {own: sets[order[(at + 1) % len(order)]] for at, own in enumerate(order)}
    return [replace(sample, images=other[_digest(sample)]) if sample.images else None for sample in samples]


def without_images(samples: Sequence[Sample]) -> list[Sample | None]:
    """Each sample without its images; None for one that has none."""
    return [replace(sample, images=()) if sample.images else None for sample in samples]


def with_padding(samples: Sequence[Sample], times: float = 2.0) -> list[Sample]:
    """Each sample with a padded answer (`padded`)."""
    return [replace(sample, answer=padded(sample.answer, times)) for sample in samples]


def with_bad_answers(samples: Sequence[Sample]) -> list[Sample]:
    """Each sample with an answer that says nothing."""
    return [replace(sample, answer=BAD_ANSWER) for sample in samples]


def with_injection(samples: Sequence[Sample], protocol: Protocol) -> list[Sample]:
    """Each sample with an answer that says nothing and an attempt to raise its score, the attempts in turn."""
    return [replace(sample, answer=injected(BAD_ANSWER, attempt_of(at), protocol)) for at, sample in enumerate(samples)]


def attempt_of(at: int) -> str:
    """The attempt that the sample at this place carries."""
    return ATTEMPTS[at % len(ATTEMPTS)]


def _digest(sample: Sample) -> tuple[str, ...]:
    return tuple(image.sha256 for image in sample.images)
