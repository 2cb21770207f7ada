"""How often the probes of a judge accuse one that is fair, and how often they see one that does not look.

`python benchmarks/judge_probes.py [--runs N] [--json FILE]`

Cards of judges whose effects are normal noise, or lie at the thresholds; the image probe where answers, or whole
images, fall all the way or not at all, one in ten; where a judge's scores move by chance and it does not look; and
where it looks, and few answers are right. Shares "of five" take p as the smallest of five probes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from lmms_eval_ja.judges import PROTOCOLS, Sample, Verdict
from lmms_eval_ja.judges.probes import LEVEL, RULES
from lmms_eval_ja.judges.probes.deciding import adjusted, weigh
from lmms_eval_ja.judges.probes.effects import effects
from machine import machine

SIZES = ((20, 8), (40, 10), (60, 20), (100, 21))  # answers and images
USUAL = ("position", "image", "verbosity", "injection", "retest")
IMAGE, PROTOCOL = RULES["image"], PROTOCOLS["ja_pairwise"]


def main() -> None:
    """Simulate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    started, runs = time.perf_counter(), arguments.runs
    found: dict[str, Any] = {"device": machine("numpy", "scipy"), "runs": runs, "normal noise, cards": cards(runs)}
    for answers, images in SIZES:
        found[f"{answers} answers on {images} images"] = {
            "no answer falls, p": weigh([0.0] * answers, names(answers, images), answers, IMAGE).p,
            "one answer in ten falls, of five": falls(answers, images, runs, whole_images=False),
            "one image in ten falls, of five": falls(answers, images, runs, whole_images=True),
            "blind, right or wrong by chance, asked once": blind(answers, images, runs, repeats=1),
            "blind, right or wrong by chance, asked 3 times": blind(answers, images, runs, repeats=3),
            "looks, one answer in ten is right": weak(answers, images, runs, right=0.1),
            "looks, one answer in twenty is right": weak(answers, images, runs, right=0.05),
        }
    found["seconds"] = round(time.perf_counter() - started, 1)
    text = json.dumps(found, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")


def names(answers: int, images: int) -> list[str]:
    """The image of each answer."""
    return [f"image{at * images // answers}" for at in range(answers)]


def cards(runs: int) -> float:
    """The share of cards, 40 answers on 10 images, with some bias found where each effect is noise around the null."""
    rng, rules = np.random.default_rng(20261125), [RULES[name] for name in USUAL]
    accused = 0
    for _ in range(runs):
        noise = 0.08 * rng.standard_normal((5, 10, 1)) + 0.15 * rng.standard_normal((5, 10, 4))
        own = [(one.ravel() + rule.null).tolist() for one, rule in zip(noise, rules, strict=True)]
        weighed = [weigh(one, names(40, 10), 40, rule) for one, rule in zip(own, rules, strict=True)]
        accused += any(one.verdict == "found" for one in adjusted(weighed, rules))
    return round(accused / runs, 4)


def falls(answers: int, images: int, runs: int, *, whole_images: bool) -> float:
    """The share that is found where one in ten falls all the way: answers, or images with all of theirs."""
    rng, found = np.random.default_rng(20261126), 0
    for _ in range(runs):
        drawn = rng.random(images if whole_images else answers) < 0.1
        own = [float(drawn[at * images // answers if whole_images else at]) for at in range(answers)]
        p = weigh(own, names(answers, images), answers, IMAGE).p
        found += p is not None and p * len(USUAL) <= LEVEL
    return round(found / runs, 4)


def blind(answers: int, images: int, runs: int, *, repeats: int) -> dict[str, float]:
    """A judge that gives the highest score to seven in ten and the lowest to the others, whatever it is shown."""

    def draw(rng: Generator, times: int) -> Any:
        return np.where(rng.random((answers, times)) < 0.7, PROTOCOL.high, PROTOCOL.low).tolist()

    rng, found, means, again = np.random.default_rng(20261126), 0, [], []
    samples = [Sample(f"s{at}", "", "", cluster=name) for at, name in enumerate(names(answers, images))]
    for _ in range(runs // 10):
        judged = {"base": [verdict(own) for own in draw(rng, repeats)], "image": [verdict(own) for own in draw(rng, 1)]}
        one = effects("image", samples, judged, PROTOCOL)
        found += weigh(one.values, one.clusters, one.wanted, IMAGE).verdict == "found"
        means.append(np.mean(one.values))
        again.append(one.details.get("asked_again") or 0.0)
    shown = {"found": found / (runs // 10), "effect": float(np.mean(means)), "asked again": float(np.mean(again))}
    return {name: round(value, 4) for name, value in shown.items() if repeats > 1 or name != "asked again"}


def verdict(scores: Sequence[float]) -> Verdict:
    """A verdict of these repeats."""
    one = Verdict()
    one.finish({"score": sum(scores) / len(scores), "runs": [{"score": score} for score in scores], "failure": None})
    return one


def weak(answers: int, images: int, runs: int, *, right: float) -> float:
    """The share that is found where a right answer has 9 and falls to 1, and any other has 2 with each image."""
    rng, found = np.random.default_rng(20261126), 0
    for _ in range(runs):
        own = (rng.random(answers) < right).astype(float).tolist()
        found += weigh(own, names(answers, images), answers, IMAGE).verdict == "found"
    return round(found / runs, 4)


if __name__ == "__main__":
    main()
