"""Speed and memory of ROUGE-L for Japanese, beside rouge-score: `python benchmarks/rouge_l.py`.

Single-threaded, one run of about a minute. The texts are made from a small list of words with a fixed seed, in the
lengths of the benchmarks: "short" is a reference of 28 and a prediction of 70 characters, "long" 87 and 135. The pairs
differ and nothing is cached between them. With so few words MeCab is about 1.7 times as fast as on natural text; that
raises the rows that tokenising dominates, ours among them.
"""

import argparse
import json
import math
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fugashi
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.scoring import BootstrapAggregator
from rouge_score.tokenizers import Tokenizer

from lmms_eval_ja.metrics import MecabTokenizer, dictionary_version, normalize, rouge_l, tokenize
from machine import machine

LENGTHS = {"short": (28, 70), "long": (87, 135)}
Score = Callable[[str, str], object]

# What the sentences of this benchmark are made of; written for it.
PLACES = ["駅前の広場", "静かな公園", "海沿いの道", "古い神社", "商店街の入口", "大きな橋の上", "体育館", "港の市場"]
TIMES = ["朝早く", "雨の日に", "夏休みの午後、", "夕方の6時ごろ、", "祭りの夜に", "冬の晴れた日に"]
PEOPLE = ["赤い帽子の子供", "制服を着た学生", "自転車に乗った男性", "犬を連れた女性", "カメラを持った観光客", "店員"]
THINGS = ["白い花", "焼き魚の定食", "青い看板", "電車の時刻表", "バスの切符", "紙の地図", "アイスクリーム", "3冊の本"]
ACTIONS = [
    "を見つめています。",
    "を手に取って笑っています。",
    "について友人と話しています。",
    "をゆっくり運んでいます。",
]


class FreshTagger(Tokenizer):  # type: ignore[misc]  # rouge-score has no types
    """A tokenizer with a tagger of its own, as an evaluation has that makes one for every pair."""

    def __init__(self) -> None:
        """Make the tagger."""
        self.tagger = fugashi.Tagger("-Owakati")

    def tokenize(self, text: str) -> list[str]:
        """Split a text, shape of the result (words,)."""
        words: list[str] = self.tagger.parse(normalize(text)).split()
        return words


def sentences(random_numbers: random.Random, length: int) -> str:
    """Write text of exactly `length` characters."""
    text = ""
    while len(text) < length:
        choose = random_numbers.choice
        text += f"{choose(TIMES)}{choose(PLACES)}で{choose(PEOPLE)}が{choose(THINGS)}{choose(ACTIONS)}"
    return text[:length]


def pairs(kind: str, count: int) -> Iterator[tuple[str, str]]:
    """Write `count` pairs of reference and prediction, always the same ones."""
    random_numbers = random.Random(0)  # noqa: S311  no secret
    reference, prediction = LENGTHS[kind]
    for _ in range(count):
        yield sentences(random_numbers, reference), sentences(random_numbers, prediction)


def ours(reference: str, prediction: str) -> float:
    """Score a pair with this project's function."""
    return rouge_l(reference, prediction)


def tokens_only(reference: str, prediction: str) -> object:
    """Normalise and tokenise a pair, which no ROUGE-L of these tokens can do without."""
    return tokenize(reference), tokenize(prediction)


SHARED_SCORER = RougeScorer(["rougeL"], tokenizer=MecabTokenizer())


def rouge_score_shared(reference: str, prediction: str) -> object:
    """Score a pair with rouge-score and one tagger for all."""
    return SHARED_SCORER.score(reference, prediction)


def rouge_score_fresh(reference: str, prediction: str) -> object:
    """Score a pair with rouge-score and a tagger of its own."""
    return RougeScorer(["rougeL"], tokenizer=FreshTagger()).score(reference, prediction)


def rouge_score_bootstrap(reference: str, prediction: str) -> object:
    """Score a pair as llm-jp-eval-mm does: three measures, a tagger of its own, 1,000 resamples of the one pair."""
    aggregator = BootstrapAggregator()
    aggregator.add_scores(
        RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=FreshTagger()).score(reference, prediction)
    )
    return aggregator.aggregate()


# What is timed, with the number of pairs of a round.
METHODS: dict[str, tuple[Score, int]] = {
    "tokenising alone": (tokens_only, 10_000),
    "lmms_eval_ja rouge_l": (ours, 10_000),
    "rouge-score, one tagger": (rouge_score_shared, 1_000),
    "rouge-score, a tagger per pair": (rouge_score_fresh, 200),
    "the same, bootstrap per pair": (rouge_score_bootstrap, 20),
}
ROUNDS = 7


def seconds(score: Score, texts: list[tuple[str, str]]) -> float:
    """Time the scoring of all texts."""
    start = time.perf_counter()
    for reference, prediction in texts:
        score(reference, prediction)
    return time.perf_counter() - start


def speeds(kind: str) -> dict[str, float]:
    """Pairs per second of each method: the best of rounds that take the methods in turn.

    The best, because other work on the machine can only slow a round down.
    """
    texts = list(pairs(kind, max(count for _, count in METHODS.values())))
    rates: dict[str, list[float]] = {name: [] for name in METHODS}
    for _ in range(ROUNDS):
        for name, (score, count) in METHODS.items():
            rates[name].append(count / seconds(score, texts[:count]))
    return {name: max(of_rounds) for name, of_rounds in rates.items()}


def memory(count: int) -> dict[str, float]:
    """Resident memory in MiB before and after `count` short pairs, which are written one at a time.

    "now" is what the process holds (Linux only, else NaN), "peak" the most it has ever held.
    """
    for reference, prediction in pairs("short", 1_000):
        ours(reference, prediction)
    held: dict[str, float] = {"pairs": count, "now_before": resident(), "peak_before": peak()}
    for reference, prediction in pairs("short", count):
        ours(reference, prediction)
    return held | {"now_after": resident(), "peak_after": peak()}


def resident() -> float:
    """Return the memory that this process holds, in MiB."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return math.nan
    return round(int(status.read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 2**20, 1)


def peak() -> float:
    """Return the most memory that this process has held, in MiB."""
    units = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(units / (2**20 if sys.platform == "darwin" else 2**10), 1)


def main() -> None:
    """Measure, print the table and write the results where asked."""
    parser = argparse.ArgumentParser(description="Speed and memory of ROUGE-L for Japanese")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    parser.add_argument("--memory-pairs", type=int, default=100_000, help="pairs of the memory run")
    arguments = parser.parse_args()

    device = machine("rouge-score", "rapidfuzz", "fugashi", "emoji") | {"dictionary": dictionary_version()}
    print(f"{device['cpu']}, {device['cores']} cores, one used; Python {device['python']}; {device['date']}")
    print(f"{dictionary_version()}\n")
    # Memory first: a peak that rouge-score has set would hide ours.
    held = memory(arguments.memory_pairs)
    results = {kind: {name: round(rate, 1) for name, rate in speeds(kind).items()} for kind in LENGTHS}
    print(f"{'pairs per second':32}" + "".join(f"{f'{kind} {a}/{b}':>14}" for kind, (a, b) in LENGTHS.items()))
    for name in METHODS:
        print(f"{name:32}" + "".join(f"{results[kind][name]:14,.0f}" for kind in LENGTHS))
    shares = {k: round(results[k]["lmms_eval_ja rouge_l"] / results[k]["tokenising alone"], 3) for k in LENGTHS}
    print(f"{'ours beside tokenising alone':32}" + "".join(f"{shares[kind]:14.1%}" for kind in LENGTHS))
    print(
        f"\nresident memory {held['now_before']} MiB (peak {held['peak_before']}), after {held['pairs']:,} pairs "
        f"{held['now_after']} MiB (peak {held['peak_after']})"
    )
    if arguments.json:
        report = {
            "device": device,
            "pairs_per_second": results,
            "ours_beside_tokenising": shares,
            "rounds": ROUNDS,
            "resident_memory_mib": held,
        }
        arguments.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
